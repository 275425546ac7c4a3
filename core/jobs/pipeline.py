"""The decode pool and the engine in parallel: outcomes in the order of the images, with bounded memory.

Unlike `core.models.classifier`, which classifies a single photo immediately, this waits for full batches: while the
engine computes one, the pool decodes the next.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ProviderError
from core.base.file_state import FileState
from core.base.hashing import file_sha256
from core.base.i18n import tr
from core.base.providers import Precision, Provider, ProviderPreference
from core.card import Preprocessing
from core.detection import NO_DETECTION, DetectionOptions
from core.engine.engine import Engine
from core.engine.feature_cache import ImageFeatures
from core.engine.feature_store import FeatureKind, FeatureStore, Rows
from core.engine.features import FeatureExtractor, prefetch, quantize_float16
from core.engine.limits import MAX_BATCH
from core.evaluation.sources import feature_extractor
from core.images.decoding import DECODE_THREADS
from core.images.perceptual_hash import phash
from core.jobs.journal import Image, ImageResult, ModelRef
from core.models.classifier import Classifier, fallback_to_cpu
from core.models.detector import open_detector
from core.models.predictor import load_predictor
from core.models.prepare import Prepared, PreprocessedImage, prepare
from core.models.values import InstalledModel
from core.prediction import Failure, Outcome, Prediction, Timing

_POLL_S: Final = 0.1
_NO_TIME: Final = Timing(0.0, 0.0, 0.0)
_log = logging.getLogger(__name__)

Features = tuple[NDArray[np.float16], ...]
"""The features of an image from each backbone."""


class LazyClassifier:
    """A model whose engine is opened only when an image must be computed.

    Attributes:
        predictor: the model without its backbone.
        detector: what looks for things in images; None if nobody asked.
        others: further models for the same images, which use the same detector.
    """

    def __init__(
        self,
        model: InstalledModel,
        requested: ProviderPreference,
        precision: Precision,
        detection: DetectionOptions = NO_DETECTION,
        others: Sequence[InstalledModel] = (),
    ) -> None:
        """Read the heads and the features of the training images; open the detector if one is needed.

        Raises:
            ModelError: the model's files are missing, damaged, unsupported or unsafe.
        """
        self.predictor, self.detector = load_predictor(model), open_detector(detection)
        self.others = tuple(LazyClassifier(one, requested, precision) for one in others)
        for one in self.others:
            one.detector = self.detector
        self._requested, self._precision = requested, precision
        self._selected: FeatureExtractor | None = None
        self._classifier: Classifier | None = None

    @property
    def spec(self) -> Preprocessing:
        """The preprocessing of the backbone."""
        return self.predictor.model.backbone.card.preprocessing

    @property
    def kind(self) -> FeatureKind:
        """What the features depend on.

        Raises:
            ModelError: the backbone is damaged.
            ProviderError: the requested provider does not work.
        """
        return self._extractor().kind

    @property
    def engine(self) -> Engine | None:
        """The engine; None if it is not open."""
        return self._classifier.engine if self._classifier else None

    @property
    def provider(self) -> Provider | None:
        """The provider that runs the backbone; None if the engine is not open."""
        return self.engine.provider if self.engine else None

    def _extractor(self) -> FeatureExtractor:
        """The extractor of the selected variant, the same for all images."""
        if self._selected is None:
            self._selected = feature_extractor(self.predictor.model, self._requested, self._precision)
        return self._selected

    def model_ref(self, top_k: int) -> ModelRef:
        """The reference for the journal; models with different predictions have different keys."""
        model = self.predictor.model
        card = model.card
        identity: list[object] = [card.head.sha256, *self.kind.key, card.temperature, card.unknown_below, *card.classes]
        identity += [asdict(rule) for rule in (card.unknown, card.sets, card.hierarchy) if rule]
        identity += card.thresholds
        if self.detector:
            identity.append([self.detector.card.sha256, self.detector.options.crop])
        key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        return ModelRef(key, card.name, model.version, min(top_k, len(card.classes)))

    def open(self) -> Classifier:
        """Open the model, if it is not open yet.

        Raises:
            ModelError: a file is missing, damaged, unsupported or unsafe.
            ProviderError: the requested provider does not work.
        """
        if self._classifier is None:
            self._classifier = Classifier(self.predictor, self._extractor().open(), detector=self.detector)
        return self._classifier

    def fall_back(self, error: ProviderError) -> None:
        """Continue on the CPU after the provider failed.

        Raises:
            ProviderError: the CPU failed, with `error`.
            ModelError: the model's files have changed in the meantime.
        """
        self._classifier = fallback_to_cpu(self.open(), error)
        _log.warning("%s", tr("{error} Continuing on the CPU.", error=error.what))


@dataclass(frozen=True, slots=True, eq=False)
class _Input:
    """An image before the engine of each backbone, with its hashes."""

    prepared: Sequence[Prepared]
    phash: int | None = None
    sha256: str = ""


class Pipeline(AbstractContextManager["Pipeline"]):
    """Classifies images: submitted in one call, collected in a later one, in any batches."""

    def __init__(self, classifier: LazyClassifier, top_k: int, *, keep_features: bool) -> None:
        self._classifiers, self._detector, self._top_k = (classifier, *classifier.others), classifier.detector, top_k
        self._backbones: dict[FeatureKind, LazyClassifier] = {}
        for one in self._classifiers:
            self._backbones.setdefault(one.kind, one)
        self._store = FeatureStore() if keep_features else None
        self._uses_store = keep_features and not classifier.detector  # which has to see the pixels
        self._pool = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")
        self._futures: dict[int, Future[_Input]] = {}

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._store:
            self._store.close()

    @property
    def pending(self) -> tuple[int, ...]:
        """The numbers of submitted images that were not collected yet."""
        return tuple(self._futures)

    @property
    def batch(self) -> int:
        """How many images the engine computes at once."""
        return min(one.engine.batch if one.engine else MAX_BATCH for one in self._backbones.values())

    @property
    def prefetch(self) -> int:
        """Maximum number of images being decoded or waiting for the engine."""
        return prefetch(self.batch)

    def cached_features(self, images: Sequence[Image]) -> Mapping[int, Features]:
        """The cached features of images in their current state, by number; these images need not be read."""
        known = {image.number: image.sha256 for image in images if image.sha256 and not image.outcome}
        if not known or not self._store or not self._uses_store:
            return {}
        kept = self._kept(self._store, list(known.values()))
        return {number: kept[sha256] for number, sha256 in known.items() if sha256 in kept}

    def _kept(self, store: FeatureStore, hashes: Sequence[str]) -> dict[str, Features]:
        """The features of images by their SHA-256, where all backbones have them."""
        each = [store.get(kind, hashes) for kind in self._backbones]
        known = [sha256 for sha256 in hashes if all(sha256 in rows for rows in each)]
        return {sha256: tuple(rows[sha256] for rows in each) for sha256 in known}

    def open(self) -> None:
        """Open all backbones."""
        for one in self._backbones.values():
            one.open()

    def submit(self, images: Sequence[Image]) -> None:
        """Read images in the pool."""
        for image in images:
            self._futures[image.number] = self._pool.submit(self._read, image)

    def collect(
        self, images: Sequence[Image], cached: Mapping[int, Features], on_wait: Callable[[], None]
    ) -> list[ImageResult]:
        """Wait for images that were submitted or have cached features, and classify them.

        Args:
            images: the images.
            cached: cached features by the numbers of their images.
            on_wait: called regularly while waiting for an image.

        Raises:
            ModelError: the model cannot be opened.
            ProviderError: the requested provider does not work, or the CPU failed; the images can be collected again.
        """
        inputs = [self._wait_for(image, cached, on_wait) for image in images]
        features: dict[FeatureKind, list[ImageFeatures | Failure]] = {}
        for place, (kind, classifier) in enumerate(self._backbones.items()):
            prepared = [one.prepared[place] for one in inputs]
            known = [one for one in prepared if not isinstance(one, PreprocessedImage)]
            if len(known) < len(prepared):
                opened = classifier.open()
                try:
                    known = opened.compute_features(prepared)
                except ProviderError as error:
                    classifier.fall_back(error)
                    return self.collect(images, cached, on_wait)
            features[kind] = self._keep(kind, inputs, prepared, known)
        each = [one.predictor.predict(features[one.kind], self._top_k) for one in self._classifiers]
        for image in images:
            self._futures.pop(image.number, None)
        return [
            ImageResult(image.number, outcome, one.phash, one.sha256, _predictions(others))
            for image, one, (outcome, *others) in zip(images, inputs, zip(*each, strict=True), strict=True)
        ]

    def _wait_for(self, image: Image, cached: Mapping[int, Features], on_wait: Callable[[], None]) -> _Input:
        if image.number in cached:
            return _Input(_known(image.path, cached[image.number]), sha256=image.sha256)
        reading = self._futures[image.number]
        while not wait((reading,), timeout=_POLL_S).done:
            on_wait()
        return reading.result()

    def _keep(
        self,
        kind: FeatureKind,
        inputs: Sequence[_Input],
        prepared: Sequence[Prepared],
        features: list[ImageFeatures | Failure],
    ) -> list[ImageFeatures | Failure]:
        """With a store, keep what was computed, and quantize it as it will be when it comes from the cache."""
        if not self._store:
            return features
        computed: Rows = {}
        for place, (one, before, found) in enumerate(zip(inputs, prepared, features, strict=True)):
            if isinstance(before, PreprocessedImage) and isinstance(found, ImageFeatures):
                row = quantize_float16(found.features)
                features[place] = replace(found, features=row.astype(np.float32))
                if one.sha256:
                    computed[one.sha256] = row
        if computed:
            self._store.put(kind, computed)
        return features

    def _read(self, image: Image) -> _Input:
        """Read an image in the pool; with a store, only if its features are not cached."""
        before = FileState.of(image.path) if self._store else None
        sha256 = _sha256(image.path) if before else ""
        if self._store and self._uses_store and sha256:
            kept = self._kept(self._store, [sha256])
            if kept:
                return _Input(_known(image.path, kept[sha256]), sha256=sha256)
        prepared = prepare(image.path, [one.spec for one in self._backbones.values()], self._detector)
        if isinstance(prepared, Failure):
            return _Input([prepared] * len(self._backbones))
        is_same = before is not None and FileState.of(image.path) == before
        # Features are cached without warnings, so an image with warnings is not cached.
        return _Input(prepared, phash(prepared[0].input), sha256 if is_same and not prepared[0].warnings else "")


def _known(path: Path, rows: Features) -> list[ImageFeatures]:
    return [ImageFeatures(path, row.astype(np.float32), _NO_TIME) for row in rows]


def _predictions(outcomes: Sequence[Outcome]) -> tuple[Prediction, ...]:
    return tuple(one for one in outcomes if isinstance(one, Prediction))


def _sha256(path: Path) -> str:
    """SHA-256 of a file; "" if it cannot be read, which decoding then reports."""
    try:
        return file_sha256(path)
    except OSError:
        return ""
