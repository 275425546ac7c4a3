"""The engine process: serves `core.models.classifier` to the window over a pipe.

It is a separate process because ONNX Runtime holds the GIL while it creates a session, which would freeze a window in
the same process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from core.base.errors import FoveaError, ModelError, ProviderError
from core.base.i18n import tr
from core.base.providers import Precision, ProviderPreference
from core.card import BackboneCard
from core.engine.feature_cache import LruFeatureCache
from core.models.classifier import Classifier, fallback_to_cpu, open_classifier, swap_head
from core.models.library import BrokenEntry, InstalledModel, open_library
from core.models.summaries import summarize_model
from core.models.values import BrokenModel
from core.prediction import Failure
from core.services.inbox import Inbox
from core.services.messages import (
    Classified,
    Classify,
    ListModels,
    ModelOpened,
    ModelRefused,
    ModelsListed,
    OpenModel,
)
from core.worker import warnings_to

Numbered = tuple[int, Path]


class EngineService:
    """Serves one window.

    Attributes:
        _inbox: the window's requests.
        _classifier: the model in use.
        _requested_model: what it was opened for, because another head over the same needs no new engine; None if the
            requested provider was refused.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._inbox: Inbox[ListModels | OpenModel | Classify] = Inbox(connection)
        self._classifier: Classifier | None = None
        self._requested_model: tuple[BackboneCard, ProviderPreference, Precision] | None = None

    def run(self) -> None:
        """Answer requests in order until the window closes."""
        with warnings_to(self._connection.send):  # on the thread that sends everything else
            while (request := self._inbox.take()) is not None:
                match request:
                    case ListModels():
                        self._connection.send(_list_models())
                    case OpenModel():
                        self._open(request)
                    case Classify():
                        self._classify(request)

    def _open(self, request: OpenModel) -> None:
        """Open a model on the requested provider; if that fails, report why and use the fastest that works."""
        refusal: FoveaError | None = None
        wanted: tuple[BackboneCard, ProviderPreference, Precision] | None
        try:
            model = open_library().find(request.name)
            wanted = (model.backbone.card, request.requested, request.precision)
            try:
                if self._classifier is not None and wanted == self._requested_model:
                    classifier = swap_head(self._classifier, model)
                else:
                    classifier = open_classifier(model, request.requested, request.precision)
            except ProviderError as error:
                refusal, wanted = error, None
                classifier = open_classifier(model, ProviderPreference.AUTO, request.precision)
        except FoveaError as error:
            self._connection.send(ModelRefused(request.name, error))
            return
        self._requested_model = wanted
        self._use(classifier, refusal)

    def _use(self, classifier: Classifier, refusal: FoveaError | None) -> None:
        self._classifier = classifier = replace(classifier, feature_cache=classifier.feature_cache or LruFeatureCache())
        model, engine = classifier.model, classifier.engine
        self._connection.send(
            ModelOpened(model.name, model.version, engine.provider, engine.agreement, engine.opening_ms, refusal)
        )

    def _classify(self, request: Classify) -> None:
        """Answer this request and those that arrive meanwhile, as one stream."""
        if self._classifier is None:
            self._fail(
                request.images, ModelError(tr("No model is open."), hint=tr("Choose a model from the list at the top."))
            )
            return
        pending: deque[Numbered] = deque()
        try:
            self._answer(self._classifier, self._stream(request, pending), pending, request.top_k)
        except ProviderError as error:
            self._recover(self._classifier, error, pending, request.top_k)

    def _stream(self, request: Classify | None, pending: deque[Numbered]) -> Iterator[Path]:
        while request is not None:
            for number, path in request.images:
                pending.append((number, path))
                yield path
            request = self._inbox.take_if(Classify)

    def _answer(self, classifier: Classifier, images: Iterator[Path], pending: deque[Numbered], top_k: int) -> None:
        for outcome in classifier.classify(images, top_k=top_k):
            number, _ = pending.popleft()
            self._connection.send(Classified(((number, outcome),)))

    def _recover(self, failed: Classifier, error: ProviderError, pending: deque[Numbered], top_k: int) -> None:
        """Continue on the CPU after the provider failed, and report that; if the CPU failed too, report the error."""
        try:
            classifier = fallback_to_cpu(failed, error)
            self._requested_model = None
            self._use(classifier, refusal=error)
            self._answer(classifier, iter([path for _, path in pending]), pending, top_k)
        except FoveaError as again:
            self._fail(pending, again)

    def _fail(self, images: Iterable[Numbered], error: FoveaError) -> None:
        self._connection.send(Classified(tuple((number, Failure.of(path, error)) for number, path in images)))


def _list_models() -> ModelsListed:
    models, broken = [], []
    for entry in open_library().entries():
        try:
            if isinstance(entry, InstalledModel):
                models.append(summarize_model(entry))
            elif isinstance(entry, BrokenEntry):
                broken.append(BrokenModel(entry.name, entry.error))
        except ModelError as error:  # a file was deleted since the library was read
            broken.append(BrokenModel(entry.name, error))
    return ModelsListed(tuple(models), tuple(broken))
