"""Classification: image file -> decode -> preprocess -> engine -> head -> prediction, decoding ahead of the engine.

Decoding runs in a small thread pool; the engine takes what is ready, up to a full batch, and waits only for the next
image. So a single photo is classified at once and a thousand run at full speed, with a bounded number in memory.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ImageError, ProviderError
from core.base.file_state import FileState
from core.base.providers import Precision, Provider, ProviderPreference
from core.card import Preprocessing
from core.engine.engine import Engine, open_engine
from core.engine.feature_cache import ImageFeatures, LruFeatureCache
from core.engine.features import prefetch
from core.engine.provider_selection import choose_engine
from core.images.decoding import DECODE_THREADS, read_image
from core.images.drawing import Picture
from core.images.preprocessing import preprocess
from core.models.installed import backbone_files
from core.models.predictor import Predictor, load_predictor
from core.models.values import InstalledModel
from core.prediction import NO_FILE, Failure, Outcome, Timing


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """An open model.

    Attributes:
        predictor: the model without its backbone.
        engine: its open backbone.
        feature_cache: the cache of recent images' features; None for no caching.
    """

    predictor: Predictor
    engine: Engine
    feature_cache: LruFeatureCache | None = None

    def classify(self, images: Iterable[Path | Picture], *, top_k: int) -> Iterator[Outcome]:
        """Yield one outcome per image, in order; an unreadable image is a `Failure` and does not affect others.

        Args:
            images: files, or pixels without a file, such as a camera's frames; read only as far ahead as needed.
            top_k: how many classes to report for each.

        Raises:
            ProviderError: the engine failed while running; images not yet reported can be classified again.
        """
        plan = self.engine.card.preprocessing
        with ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode") as pool:
            source = iter(images)
            waiting: deque[Future[_Prepared]] = deque()
            try:
                while True:
                    coming = islice(source, prefetch(self.engine.batch) - len(waiting))
                    waiting.extend(pool.submit(self._prepare, image, plan) for image in coming)
                    if not waiting:
                        return
                    yield from self._predict_all(_pop_finished(waiting, self.engine.batch), top_k)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _prepare(self, image: Path | Picture, plan: Preprocessing) -> _Prepared:
        if isinstance(image, Picture):
            return _prepare_picture(image, plan)
        state = FileState.of(image) if self.feature_cache else None
        cached = self.feature_cache.get(image, state) if self.feature_cache and state else None
        if cached is not None:
            return cached
        prepared = prepare(image, plan)
        return replace(prepared, state=state) if isinstance(prepared, PreprocessedImage) else prepared

    def _predict_all(self, prepared: Sequence[_Prepared], top_k: int) -> Iterator[Outcome]:
        computed = iter(self._compute_features([one for one in prepared if isinstance(one, PreprocessedImage)]))
        results = [next(computed) if isinstance(one, PreprocessedImage) else one for one in prepared]
        features = [one for one in results if isinstance(one, ImageFeatures)]
        predicted = iter(self.predictor.predict(features, self.engine, top_k))
        for one in results:
            yield one if isinstance(one, Failure) else next(predicted)

    def _compute_features(self, images: Sequence[PreprocessedImage]) -> list[ImageFeatures]:
        """Compute the features of images in one batch, and cache them."""
        if not images:
            return []
        started = time.perf_counter()
        features = self.engine.run(np.stack([image.input for image in images]))
        each_ms = (time.perf_counter() - started) * 1000 / len(images)
        computed = [image.with_features(row.copy(), each_ms) for image, row in zip(images, features, strict=True)]
        for image, one in zip(images, computed, strict=True):
            if self.feature_cache and image.state:
                self.feature_cache.put(one, image.state)
        return computed


def swap_head(classifier: Classifier, model: InstalledModel) -> Classifier:
    """Switch to another model with the same open backbone: only the head is read.

    Raises:
        ModelError: the head is missing, damaged, or does not match.
        ValueError: the model has another backbone, or may not use the open variant.
    """
    files = backbone_files(model.backbone, model.card)
    if classifier.engine.card not in (*files.cards, files.in_float16):
        raise ValueError("the model has another backbone, or may not use this variant")
    return replace(classifier, predictor=load_predictor(model))


def open_classifier(model: InstalledModel, requested: ProviderPreference, precision: Precision) -> Classifier:
    """Check a model's files and open it on a provider.

    Raises:
        ModelError: a file is missing, damaged, unsupported or malicious; no session was opened for it.
        ProviderError: the requested provider does not work.
    """
    predictor = load_predictor(model)
    return Classifier(predictor, choose_engine(backbone_files(model.backbone, model.card), requested, precision))


def fallback_to_cpu(classifier: Classifier, error: ProviderError) -> Classifier:
    """Reopen the same variant of the model on the CPU, for the remaining images after a provider failed.

    Raises:
        ProviderError: the CPU provider itself failed, with `error`.
        ModelError: the model's files have changed in the meantime.
    """
    engine = classifier.engine
    if engine.provider is Provider.CPU:
        raise error
    data = backbone_files(classifier.predictor.model.backbone).content(engine.card)
    return replace(
        classifier, engine=open_engine(data, engine.card, Provider.CPU, engine.requested), feature_cache=None
    )


@dataclass(frozen=True, slots=True, eq=False)
class PreprocessedImage:
    """An image decoded and preprocessed.

    Attributes:
        path: the image.
        input: uint8 [size, size, 3].
        decode_ms: how long decoding took.
        preprocess_ms: how long preprocessing took.
        warnings: warnings about the image.
        state: of its file before it was read, if its features are to be cached.
    """

    path: Path
    input: NDArray[np.uint8]
    decode_ms: float
    preprocess_ms: float
    warnings: tuple[str, ...] = ()
    state: FileState | None = None

    def with_features(self, features: NDArray[np.float32], inference_ms: float) -> ImageFeatures:
        """The features [d] of the image, and how long the engine took for it."""
        return ImageFeatures(
            self.path, features, Timing(self.decode_ms, self.preprocess_ms, inference_ms), self.warnings
        )


def prepare(path: Path, plan: Preprocessing) -> PreprocessedImage | Failure:
    """Decode and preprocess an image; thread-safe."""
    try:
        started = time.perf_counter()
        image = read_image(path, min_side=plan.min_decode_side)
        decoded = time.perf_counter()
        values = preprocess(image.pixels, plan)
        finished = time.perf_counter()
    except ImageError as error:
        return Failure.of(path, error)
    return PreprocessedImage(path, values, (decoded - started) * 1000, (finished - decoded) * 1000, image.warnings)


def _prepare_picture(picture: Picture, plan: Preprocessing) -> PreprocessedImage:
    started = time.perf_counter()
    values = preprocess(picture.pixels(), plan)
    return PreprocessedImage(NO_FILE, values, 0.0, (time.perf_counter() - started) * 1000)


_Prepared: TypeAlias = ImageFeatures | PreprocessedImage | Failure
"""An image with cached features, or a preprocessed one, or why preprocessing failed."""


def _pop_finished(waiting: deque[Future[_Prepared]], batch: int) -> list[_Prepared]:
    """Wait for the next image, and take those after it that are ready too, up to a full batch."""
    finished = [waiting.popleft().result()]
    while waiting and len(finished) < batch and waiting[0].done():
        finished.append(waiting.popleft().result())
    return finished
