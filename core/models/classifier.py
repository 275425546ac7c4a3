"""Classification: image file -> decode -> preprocess -> engine -> head -> prediction, decoding ahead of the engine.

Decoding runs in a small thread pool; the engine takes what is ready, up to a full batch, and waits only for the next
image. So a single photo is classified at once and a thousand run at full speed, with a bounded number in memory.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError, ProviderError
from core.base.file_state import FileState
from core.base.providers import Precision, Provider, ProviderPreference
from core.card import BackboneCard, Preprocessing
from core.detection import NO_DETECTION, DetectionOptions
from core.engine.engine import Engine, open_engine
from core.engine.feature_cache import CropFeatures, ImageFeatures, LruFeatureCache
from core.engine.features import prefetch
from core.engine.provider_selection import choose_engine
from core.images.decoding import DECODE_THREADS
from core.images.drawing import Picture
from core.models.detector import Detector, open_detector
from core.models.installed import backbone_files
from core.models.predictor import Predictor, load_predictor
from core.models.prepare import Prepared, PreprocessedImage, prepare, prepare_picture
from core.models.values import InstalledModel
from core.prediction import Failure, Outcome, Timing

Row: TypeAlias = NDArray[np.float32]
Item = TypeVar("Item")
Ready = TypeVar("Ready")


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """An open model.

    Attributes:
        predictor: the model without its backbone.
        engine: its open backbone.
        feature_cache: the cache of recent images' features; None for no caching. It belongs to this detector.
        detector: what looks for things in images; None if nobody asked.
    """

    predictor: Predictor
    engine: Engine
    feature_cache: LruFeatureCache | None = None
    detector: Detector | None = None

    def classify(self, images: Iterable[Path | Picture], *, top_k: int) -> Iterator[Outcome]:
        """Yield one outcome per image, in order; an unreadable image is a `Failure` and does not affect others.

        Args:
            images: files, or pixels without a file, such as a camera's frames; read only as far ahead as needed.
            top_k: how many classes to report for each.

        Raises:
            ProviderError: the engine failed while running; images not yet reported can be classified again.
        """
        with closing(prepared_ahead(images, self._prepare, self.engine.batch)) as groups:
            for prepared in groups:
                yield from self.predictor.predict(self.compute_features(prepared), top_k)

    def _prepare(self, image: Path | Picture) -> Prepared:
        plan = self.engine.card.preprocessing
        if isinstance(image, Picture):
            return prepare_picture(image, plan)
        state = FileState.of(image) if self.feature_cache else None
        cached = self.feature_cache.get(image, state) if self.feature_cache and state else None
        if cached is not None:
            return cached
        prepared = prepare(image, [plan], self.detector)
        return prepared if isinstance(prepared, Failure) else replace(prepared[0], state=state)

    def compute_features(self, images: Sequence[Prepared]) -> list[ImageFeatures | Failure]:
        """Compute the features of images and their crops in one batch, and cache them; failures keep their places.

        Raises:
            ProviderError: the provider failed while running.
        """
        ready = [one for one in images if isinstance(one, PreprocessedImage)]
        inputs = [one.input for one in ready], [one.crop.input for one in ready if one.crop]
        started = time.perf_counter()
        whole, crops = [iter(self.engine.run(_batch(some)) if some else ()) for some in inputs]
        each_ms = (time.perf_counter() - started) * 1000 / max(1, len(ready))
        return [
            self._keep(one, next(whole), crops, each_ms) if isinstance(one, PreprocessedImage) else one
            for one in images
        ]

    def _keep(self, image: PreprocessedImage, row: Row, crops: Iterator[Row], each_ms: float) -> ImageFeatures:
        """The features of an image, cached if there is a cache; those of its crop are the next of the crops."""
        crop = CropFeatures(image.crop.box, image.crop.subject, next(crops).copy()) if image.crop else None
        timing = Timing(image.decode_ms, image.preprocess_ms, each_ms)
        origin = self.engine.provider.value, self.engine.precision.value
        found = ImageFeatures(image.path, row.copy(), timing, image.warnings, image.detections, crop, *origin)
        if self.feature_cache and image.state:
            self.feature_cache.put(found, image.state)
        return found


def _batch(inputs: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Inputs as one array; a single one is not copied."""
    return inputs[0][np.newaxis] if len(inputs) == 1 else np.stack(inputs)


def swap_head(classifier: Classifier, model: InstalledModel) -> Classifier:
    """Switch to another model with the same open backbone: only the head is read.

    If the model makes images square in another way, cached features are dropped.

    Raises:
        ModelError: the head is missing, damaged, or does not match.
        ValueError: the model has another backbone, or may not use the open variant.
    """
    files, engine = backbone_files(model.backbone, model.card), classifier.engine
    open_card = without_fit(engine.card)
    card = next((one for one in (*files.cards, files.in_float16) if without_fit(one) == open_card), None)
    if card is None:
        raise ValueError("the model has another backbone, or may not use this variant")
    predictor = load_predictor(model)
    if card == engine.card:
        return replace(classifier, predictor=predictor)
    return replace(classifier, predictor=predictor, engine=replace(engine, card=card), feature_cache=None)


def without_fit(card: BackboneCard) -> BackboneCard:
    """The same card for all models of a backbone, however they make images square."""
    return replace(card, preprocessing=Preprocessing(card.preprocessing.size))


def change_detection(classifier: Classifier, options: DetectionOptions) -> tuple[Classifier, ModelError | None]:
    """Look for other things in images; cached features are dropped, as they may be those of crops.

    Returns the classifier, and why the detector cannot be opened; then nothing is looked for.
    """
    if options == (classifier.detector.options if classifier.detector else NO_DETECTION):
        return classifier, None
    try:
        return replace(classifier, detector=open_detector(options), feature_cache=None), None
    except ModelError as error:
        return replace(classifier, detector=None, feature_cache=None), error


def open_classifier(
    model: InstalledModel,
    requested: ProviderPreference,
    precision: Precision,
    detection: DetectionOptions = NO_DETECTION,
) -> Classifier:
    """Check a model's files and open it on a provider, with a detector if one is needed.

    Raises:
        ModelError: a file is missing, damaged, unsupported or malicious; no session was opened for it.
        ProviderError: the requested provider does not work.
    """
    predictor = load_predictor(model)
    engine = choose_engine(backbone_files(model.backbone, model.card), requested, precision)
    return Classifier(predictor, engine, detector=open_detector(detection))


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


def prepared_ahead(
    images: Iterable[Item], prepare_one: Callable[[Item], Ready], batch: int
) -> Generator[list[Ready], None, None]:
    """Prepare images in threads, a bounded number ahead, and yield them in order.

    Args:
        images: read only as far ahead as needed.
        prepare_one: called in the threads; for a single image in the caller's.
        batch: the most images that are yielded at once; fewer if no more are ready.
    """
    with ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode") as pool:
        source, waiting = iter(images), deque[Future[Ready]]()
        try:
            while True:
                coming = list(islice(source, prefetch(batch) - len(waiting)))
                if len(coming) == 1 and not waiting:  # a single image: nothing could run beside it
                    yield [prepare_one(coming[0])]
                    continue
                waiting.extend(pool.submit(prepare_one, image) for image in coming)
                if not waiting:
                    return
                yield _pop_finished(waiting, batch)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _pop_finished(waiting: deque[Future[Ready]], batch: int) -> list[Ready]:
    """Wait for the next image, and take those after it that are ready too, up to a full batch."""
    finished = [waiting.popleft().result()]
    while waiting and len(finished) < batch and waiting[0].done():
        finished.append(waiting.popleft().result())
    return finished
