"""The worker on each machine of the cluster: an actor that opens the model once and then classifies batches.

Batches are tables with one column of bytes: paths as input, outcomes (or an error that ends the task) as output.
"""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.base.errors import FoveaError, ImageError, ModelError
from core.base.i18n import tr
from core.base.leftovers import temporary_folder
from core.base.providers import Precision, ProviderPreference
from core.detection import NO_DETECTION, DetectionOptions
from core.images.decoding import DECODE_THREADS
from core.jobs.cluster.addresses import RemoteStore
from core.models.classifier import Classifier, open_classifier
from core.models.library import open_library
from core.models.values import InstalledModel
from core.prediction import Failure, Outcome

if TYPE_CHECKING:
    import pyarrow as pa

COLUMN: Final = "item"


@dataclass(frozen=True, slots=True)
class ClusterTask:
    """The task of every worker.

    Attributes:
        model: the model's name with its version.
        model_hashes: the SHA-256 hashes of its backbone and head, so that all machines use the same model.
        provider: the requested provider.
        precision: the requested precision.
        top_k: the number of classes reported for each image.
        source: the store of the images, or the folder on every machine's own disks that paths are relative to.
        detection: what to look for in the images.
    """

    model: str
    model_hashes: tuple[str, str]
    provider: ProviderPreference
    precision: Precision
    top_k: int
    source: RemoteStore | str
    detection: DetectionOptions = NO_DETECTION


class Worker:
    """One actor."""

    def __init__(self, task: ClusterTask) -> None:
        self._task = task
        self._classifier: Classifier | None = None
        self._error: FoveaError | None = None
        try:
            self._classifier = open_classifier(_matching_model(task), task.provider, task.precision, task.detection)
        except FoveaError as error:  # raised here, it would be reported as Ray's error
            self._error = error

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Classify a batch of paths: outcomes in order or, if the engine fails, the error."""
        import pyarrow as pa

        paths = [os.fsdecode(item) for item in batch.column(COLUMN).to_pylist()]
        try:
            result: Sequence[object] = list(self._classify(paths))
        except FoveaError as error:
            result = [error]
        return pa.table({COLUMN: pa.array([pickle.dumps(item) for item in result], pa.large_binary())})

    def _classify(self, paths: Sequence[str]) -> Iterator[Outcome]:
        if self._classifier is None:
            raise self._error or ModelError(tr("No model is open."), hint=tr("Choose one with --model."))
        place, top_k = self._task.source, self._task.top_k
        if isinstance(place, RemoteStore):
            yield from _classify_remote(self._classifier, paths, place, top_k)
            return
        outcomes = self._classifier.classify((Path(place, path) for path in paths), top_k=top_k)
        yield from (replace(outcome, path=Path(path)) for outcome, path in zip(outcomes, paths, strict=True))


def _matching_model(task: ClusterTask) -> InstalledModel:
    model = open_library().find(task.model)
    if model_hashes(model) != task.model_hashes:
        raise ModelError(
            tr("A machine of the cluster has a different model {model!r}.", model=task.model),
            hint=tr("Install the same models on all machines, or set FOVEA_HOME to a folder that they share."),
        )
    return model


def model_hashes(model: InstalledModel) -> tuple[str, str]:
    """The hashes that identify a model regardless of its name."""
    return model.backbone.card.sha256, model.card.head.sha256


def _classify_remote(classifier: Classifier, paths: Sequence[str], store: RemoteStore, top_k: int) -> Iterator[Outcome]:
    """Classify images of a store, fetching the next ones meanwhile."""
    failures: dict[int, Failure] = {}
    with temporary_folder("fetched") as folder, ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="fetch") as pool:

        def fetch(item: tuple[int, str]) -> tuple[int, Path | Failure]:
            number, path = item
            try:
                return number, store.fetch(path, folder / str(number))
            except ImageError as error:
                return number, Failure.of(store.display_url(path), error)

        def arriving() -> Iterator[Path]:
            for number, fetched in pool.map(fetch, enumerate(paths)):
                if isinstance(fetched, Failure):
                    failures[number] = fetched
                else:
                    yield fetched

        outcomes = classifier.classify(arriving(), top_k=top_k)
        for number, path in enumerate(paths):
            yield _next(number, outcomes, failures, store.display_url(path))
            shutil.rmtree(folder / str(number), ignore_errors=True)


def _next(number: int, outcomes: Iterator[Outcome], failures: dict[int, Failure], shown: Path) -> Outcome:
    """The outcome of an image. The classifier reads ahead, so a failure to fetch it is already known."""
    if number in failures:
        return failures[number]
    outcome = next(outcomes, None)
    return failures[number] if outcome is None else replace(outcome, path=shown)


def unpack(item: bytes) -> Any:  # noqa: ANN401 - an outcome, or the error that ends it all
    """Unpickle an outcome or error; only for bytes from our own workers."""
    return pickle.loads(item)
