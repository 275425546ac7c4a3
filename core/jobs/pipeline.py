"""The decode pool and the engine side by side: images in, answers out, in their order and never many in memory.

Other than `core.models.classifier`, which answers one photo at once, this waits for full batches: while the engine
computes one, the pool makes the next ready.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ProviderError
from core.base.providers import Precision, Provider, ProviderWish
from core.card import Preprocessing
from core.datasets.scan_cache import FileState
from core.engine.engine import MAX_BATCH
from core.engine.feature_store import FeatureKind, FeatureStore
from core.engine.features import rounded
from core.images import preprocessing
from core.images.decoding import DECODE_THREADS
from core.images.perceptual_hash import look
from core.jobs.journal import Answer, Answerer, Image
from core.models.classifier import Classifier, Ready, on_cpu, open_classifier, predictions, prepare, run_timed
from core.models.library import InstalledModel, load_head
from core.prediction import Failure, Outcome, Prediction, Timing

AHEAD: Final = 2 * MAX_BATCH + DECODE_THREADS
"""How many images may be decoded or wait for the engine."""
KEPT: Final = "kept"
"""In place of a provider's name, where features that were kept answered."""

_MOMENT_S: Final = 0.1
_NO_TIME: Final = Timing(0.0, 0.0, 0.0)
_log = logging.getLogger(__name__)

Features = NDArray[np.float16]


class Answering:
    """A model, its engine opened only once an image has to be computed."""

    def __init__(self, model: InstalledModel, wish: ProviderWish, precision: Precision) -> None:
        """Read the head.

        Raises:
            ModelError: the model's files are missing, damaged, foreign or hostile.
        """
        self.model, self.head = model, load_head(model)
        self._wish, self._precision = wish, precision
        self._classifier: Classifier | None = None

    @property
    def plan(self) -> Preprocessing:
        """What the backbone wants to see."""
        return self.model.backbone.card.preprocessing

    @property
    def kind(self) -> FeatureKind:
        """What its features depend on."""
        card = self.model.backbone.card
        return FeatureKind(card.sha256, preprocessing.version(self.plan), self._precision.value, card.feature_width)

    @property
    def provider(self) -> Provider | None:
        """What runs the backbone; None as long as nothing had to."""
        return self._classifier.engine.provider if self._classifier else None

    def answerer(self, top_k: int) -> Answerer:
        """Who answers, for the journal: another one answers otherwise."""
        card = self.model.card
        decides = [card.head.sha256, *self.kind.key, card.temperature, card.unknown_below, *card.classes]
        key = hashlib.sha256(json.dumps(decides).encode()).hexdigest()
        return Answerer(key, card.name, self.model.version, min(top_k, len(card.classes)))

    def open(self) -> Classifier:
        """The model, open.

        Raises:
            ModelError: a file is missing, damaged, foreign or hostile.
            ProviderError: the provider asked for does not work.
        """
        if self._classifier is None:
            self._classifier = open_classifier(self.model, self._wish, self._precision)
        return self._classifier

    def run(self, ready: Sequence[Ready]) -> tuple[NDArray[np.float32], float]:
        """Features [n, d] of images, and the milliseconds each took; by the CPU where the provider fails under way.

        Raises:
            ModelError: the model cannot be opened.
            ProviderError: the provider asked for does not work, or the CPU failed too.
        """
        try:
            return run_timed(self.open().engine, ready)
        except ProviderError as error:
            if self._classifier is None:
                raise
            self._classifier = on_cpu(self._classifier, error)
            _log.warning("%s The CPU goes on.", error.what)
            return run_timed(self._classifier.engine, ready)


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What came of an image before the engine: made ready for that, or its features kept already, or why neither."""

    result: Ready | Failure | Features
    look: int | None = None
    sha256: str = ""


class Pipeline:
    """Answers images: begun in one call, answered in a later one, in whatever groups."""

    def __init__(self, answering: Answering, top_k: int, *, keep_features: bool) -> None:
        self._answering, self._top_k = answering, top_k
        self._store = FeatureStore() if keep_features else None
        self._pool = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")
        self._reading: dict[int, Future[_Read]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._store:
            self._store.close()

    @property
    def begun(self) -> tuple[int, ...]:
        """The numbers of the images that were begun and not answered."""
        return tuple(self._reading)

    def recall(self, images: Sequence[Image]) -> Mapping[int, Features]:
        """The features kept of images as they are now, by the images' numbers; they need not be read."""
        known = {image.number: image.sha256 for image in images if image.sha256 and not image.outcome}
        if not known or not self._store:
            return {}
        kept = self._store.get(self._answering.kind, list(known.values()))
        return {number: kept[sha256] for number, sha256 in known.items() if sha256 in kept}

    def begin(self, images: Sequence[Image]) -> None:
        """Have images read in the pool."""
        for image in images:
            self._reading[image.number] = self._pool.submit(self._read, image)

    def answer(
        self, images: Sequence[Image], recalled: Mapping[int, Features], meanwhile: Callable[[], None]
    ) -> list[Answer]:
        """Answer images that were begun or whose features were recalled, waiting for them.

        Args:
            images: which.
            recalled: by their numbers.
            meanwhile: called every moment while one that is read slowly is waited for.

        Raises:
            ModelError: the model cannot be opened.
            ProviderError: nothing works that could compute; these images can be begun again.
        """
        reads = {image.number: self._taken(image, recalled, meanwhile) for image in images}
        outcomes: dict[int, Outcome] = {}
        for number, read in reads.items():
            if isinstance(read.result, Failure):
                outcomes[number] = read.result
        outcomes |= self._from_features(images, reads) | self._from_engine(reads)
        for number in reads:
            self._reading.pop(number, None)
        return [Answer(number, outcomes[number], read.look, read.sha256) for number, read in reads.items()]

    def _taken(self, image: Image, recalled: Mapping[int, Features], meanwhile: Callable[[], None]) -> _Read:
        if image.number in recalled:
            return _Read(recalled[image.number], sha256=image.sha256)
        reading = self._reading[image.number]
        while not wait((reading,), timeout=_MOMENT_S).done:
            meanwhile()
        return reading.result()

    def _from_features(self, images: Sequence[Image], reads: Mapping[int, _Read]) -> dict[int, Outcome]:
        """What kept features say."""
        kept = {number: read.result for number, read in reads.items() if isinstance(read.result, np.ndarray)}
        if not kept:
            return {}
        times = [(image.path, _NO_TIME) for image in images if image.number in kept]
        features = np.stack(list(kept.values())).astype(np.float32)
        return {**self._told(list(kept), features, times, KEPT)}

    def _from_engine(self, reads: Mapping[int, _Read]) -> dict[int, Outcome]:
        """What the engine says; with a store, by the features as they are kept, so that they say the same later."""
        ready = {number: read.result for number, read in reads.items() if isinstance(read.result, Ready)}
        if not ready:
            return {}
        features, milliseconds = self._answering.run(list(ready.values()))
        if self._store:
            rows = rounded(features)
            sums = [reads[number].sha256 for number in ready]
            self._store.put(self._answering.kind, {sha: row for sha, row in zip(sums, rows, strict=True) if sha})
            features = rows.astype(np.float32)
        times = [(item.path, Timing(item.decode_ms, item.preprocess_ms, milliseconds)) for item in ready.values()]
        made = self._told(list(ready), features, times, str(self._answering.provider))
        return {number: replace(made[number], warnings=item.warnings) for number, item in ready.items()}

    def _told(
        self, numbers: list[int], features: NDArray[np.float32], times: list[tuple[Path, Timing]], provider: str
    ) -> dict[int, Prediction]:
        card, head = self._answering.model.card, self._answering.head
        return dict(zip(numbers, predictions(card, head, features, times, provider, self._top_k), strict=True))

    def _read(self, image: Image) -> _Read:
        """Read an image in the pool; with a store, only if its content's features are not there yet."""
        before = FileState.of(image.path) if self._store else None
        sha256 = _sum(image.path) if before else ""
        if self._store and sha256:
            kept = self._store.get(self._answering.kind, [sha256])
            if kept:
                return _Read(kept[sha256], sha256=sha256)
        result = prepare(image.path, self._answering.plan)
        if isinstance(result, Failure):
            return _Read(result)
        is_same = before is not None and FileState.of(image.path) == before
        # Features are kept without warnings, so an image that has any is read again.
        return _Read(result, look(result.input), sha256 if is_same and not result.warnings else "")


def _sum(path: Path) -> str:
    """SHA-256 of a file; "" where it cannot be read, which decoding it tells."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
