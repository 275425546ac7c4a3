"""The model in use in this process, and one stream of images through it.

The window's calls arrive in threads of their own. Their images join one stream, so that decoding ahead and batching
never pause between calls.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeAlias

from core.base.errors import FoveaError, ModelError, ProviderError
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.card import BackboneCard
from core.detection import NO_DETECTION, DetectionOptions
from core.engine.feature_cache import LruFeatureCache
from core.engine.kept_features import KeptFeatures
from core.evaluation.explanation import Explanation, explain
from core.images.drawing import Picture
from core.models.classifier import (
    Classifier,
    change_detection,
    fallback_to_cpu,
    open_classifier,
    swap_head,
    without_fit,
)
from core.models.examine import examine
from core.models.installed import backbone_files
from core.models.library import open_library
from core.models.values import OpenedModel
from core.prediction import NO_FILE, Failure, Outcome

Report: TypeAlias = Callable[[Outcome | OpenedModel], None]
_Requested: TypeAlias = tuple[tuple[BackboneCard, ...], ProviderPreference, Precision]


@dataclass(frozen=True, slots=True, eq=False)
class _Image:
    """An image in the stream; its outcome is pending, and can be cancelled, until it is about to be decoded."""

    content: Path | Picture
    report: Report
    outcome: Future[Outcome] = field(default_factory=Future)

    @property
    def path(self) -> Path:
        return NO_FILE if isinstance(self.content, Picture) else self.content


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """Where the model in use saw a class in an image."""

    path: Path
    label: str
    model: str
    answer: Future[Explanation] = field(default_factory=Future)


class EngineService:
    """Opens models and classifies, for calls from any thread.

    Attributes:
        _in_use: held while images are classified, and while another model is opened.
        _requested: what its engine was opened for, because another head over the same backbone needs no new engine;
            None if the requested provider was refused.
        _changing: held for a moment to change the two attributes that follow.
        _waiting: the images that have not joined the stream yet.
        _asked: the questions that the stream's thread answers next, before further images.
        _is_streaming: whether the stream takes images that are added now.
    """

    def __init__(self) -> None:
        self._in_use = threading.Lock()
        self._classifier: Classifier | None = None
        self._requested: _Requested | None = None
        self._changing = threading.Lock()
        self._waiting: deque[_Image] = deque()
        self._asked: deque[_Question] = deque()
        self._is_streaming = False
        self._top_k = 1
        self._detection = NO_DETECTION

    def open(
        self,
        name: str,
        provider: ProviderPreference,
        precision: Precision,
        top_k: int,
        detection: DetectionOptions = NO_DETECTION,
        *,
        token: CancelToken,
    ) -> OpenedModel:
        """Open a model on the requested provider, or else on the fastest that works, and a detector if one is needed.

        Raises:
            Cancelled: the token was cancelled before the model could be opened.
            FoveaError: the model cannot be used; the one that was open before still is.
        """
        with self._in_use:
            token.check()
            self._top_k, self._detection = top_k, detection
            model = open_library().find(name)
            cards = backbone_files(model.backbone, model.card).cards
            requested = (tuple(map(without_fit, cards)), provider, precision)
            try:
                if self._classifier is not None and requested == self._requested:
                    return self._use(swap_head(self._classifier, model), requested)
                return self._use(open_classifier(model, provider, precision), requested)
            except ProviderError as error:
                return self._use(open_classifier(model, ProviderPreference.AUTO, precision), None, refusal=error)

    def classify(self, contents: Iterable[Path | Picture], *, report: Report, token: CancelToken) -> None:
        """Report the outcome of each image in order; if the provider fails, also the model as opened on the CPU.

        Pixels are classified before the files that wait.

        Raises:
            Cancelled: the token was cancelled; images that were not begun were removed from the stream.
            ModelError: no model is open.
        """
        self._check_open()
        images = [_Image(content, report) for content in contents]
        with self._changing:
            self._waiting.extendleft(image for image in reversed(images) if isinstance(image.content, Picture))
            self._waiting.extend(image for image in images if not isinstance(image.content, Picture))
        self._start()
        try:
            for image in images:
                report(image.outcome.result())
                token.check()
        finally:
            for image in images:
                image.outcome.cancel()

    def explain(self, path: Path, label: str, model: str) -> Explanation:
        """Where the model in use saw a class in an image; answered as soon as the images that have begun are done.

        Raises:
            FoveaError: see `core.evaluation.explanation.explain`; or no model is open, or not the one of this name.
        """
        self._check_open()
        question = _Question(path, label, model)
        with self._changing:
            self._asked.append(question)
        self._start()
        return question.answer.result()

    def _check_open(self) -> None:
        if self._classifier is None:
            raise ModelError(tr("No model is open."), hint=tr("Choose a model from the list at the top."))

    def _start(self) -> None:
        with self._changing:
            starts, self._is_streaming = not self._is_streaming, True
        if starts:
            threading.Thread(target=self._run, name="inference", daemon=True).start()

    def _run(self) -> None:
        """Answer the images that wait and those that arrive meanwhile; whatever happens, no call waits forever."""
        with self._in_use:
            while self._is_streaming:
                assert self._classifier is not None, "calls are refused while no model is open"
                self._answer(self._classifier)
                begun: deque[_Image] = deque()
                try:
                    for outcome in self._classifier.classify(self._stream(begun), top_k=self._top_k):
                        begun.popleft().outcome.set_result(outcome)
                except Exception as error:  # noqa: BLE001 - the calls raise it
                    self._recover(self._classifier, error, begun)
            if self._classifier and self._classifier.feature_cache:
                self._classifier.feature_cache.write()

    def _answer(self, classifier: Classifier) -> None:
        while self._asked:
            question = self._asked.popleft()
            try:
                _check_model(classifier, question.model)
                question.answer.set_result(explain(classifier, question.path, question.label))
            except Exception as error:  # noqa: BLE001 - the call raises it
                question.answer.set_exception(error)

    def _stream(self, begun: deque[_Image]) -> Iterator[Path | Picture]:
        while True:
            with self._changing:
                self._is_streaming = bool(self._waiting or self._asked)
                if self._asked or not self._waiting:
                    return
                image = self._waiting.popleft()
            if image.outcome.running() or image.outcome.set_running_or_notify_cancel():
                begun.append(image)
                yield image.content

    def _recover(self, classifier: Classifier, error: Exception, begun: Sequence[_Image]) -> None:
        """Begin images again on the CPU, if the provider failed; otherwise they fail with the reason."""
        if isinstance(error, ProviderError):
            try:
                begun[0].report(self._use(fallback_to_cpu(classifier, error), None, refusal=error))
            except FoveaError as again:
                error = again
            else:
                with self._changing:
                    self._waiting.extendleft(reversed(begun))
                    self._is_streaming = True
                return
        for image in begun:
            if isinstance(error, FoveaError):
                image.outcome.set_result(Failure.of(image.path, error))
            else:
                image.outcome.set_exception(error)

    def _use(
        self, classifier: Classifier, requested: _Requested | None, *, refusal: FoveaError | None = None
    ) -> OpenedModel:
        """Classify with this model from now on; called with `_in_use` held."""
        classifier, detector_refusal = change_detection(classifier, self._detection)
        model, engine = examine(classifier.predictor.model), classifier.engine
        found = classifier.detector.options if classifier.detector else NO_DETECTION
        self._requested = requested
        cache = classifier.feature_cache or (LruFeatureCache() if classifier.detector else KeptFeatures(engine))
        self._classifier = replace(classifier, feature_cache=cache)
        state = engine.provider, engine.precision, engine.agreement, engine.opening_ms
        return OpenedModel(model, *state, refusal, found, detector_refusal, self._top_k)


def _check_model(classifier: Classifier, name: str) -> None:
    if classifier.predictor.model.card.name != name:
        what = tr("This prediction is from the model “{model}”, which isn't in use.", model=name)
        raise ModelError(what, hint=tr("Choose it at the top to see where it looked."))


SERVICE: Final = EngineService()
"""The service of this process: all calls share the model in use."""
