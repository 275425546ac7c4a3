"""Classify: image file -> decode -> preprocess -> engine -> head -> prediction, decoding ahead of the engine.

Decoding runs in a small pool; the engine takes whatever is ready, up to a full batch, and never waits for more than the
next image. So one photo is answered at once and a thousand run at full speed, with a bounded number in memory.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ImageError, ProviderError
from core.base.providers import Precision, Provider, ProviderWish
from core.card import ModelCard, Preprocessing
from core.engine.engine import MAX_BATCH, Engine
from core.engine.feature_cache import Recent, Seen, Stamp, stamp_of
from core.engine.provider_selection import choose_engine
from core.images.decoding import DECODE_THREADS, read_image
from core.images.preprocessing import preprocess
from core.models.heads import Head, softmax, top_scores
from core.models.library import InstalledModel, load_backbone, load_head
from core.prediction import Failure, Outcome, Prediction, Timing

_AHEAD: Final = 2 * MAX_BATCH + DECODE_THREADS


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """An installed model, open and ready.

    Attributes:
        model: as it is installed.
        engine: its backbone, open.
        head: its head.
        recent: the engine's features of images looked at lately; None where they are not to be kept.
    """

    model: InstalledModel
    engine: Engine
    head: Head
    recent: Recent | None = None

    def classify(self, images: Iterable[Path], *, top_k: int) -> Iterator[Outcome]:
        """One outcome for each image, in their order; a bad image is a `Failure` and costs no other.

        Args:
            images: files; the iterable is read only as far ahead as needed.
            top_k: how many classes to report for each.

        Raises:
            ProviderError: the engine failed under way; images not yet reported can be asked again.
        """
        plan = self.engine.card.preprocessing
        with ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode") as pool:
            source = iter(images)
            waiting: deque[Future[_Prepared]] = deque()
            try:
                while True:
                    coming = islice(source, _AHEAD - len(waiting))
                    waiting.extend(pool.submit(self._prepare, path, plan) for path in coming)
                    if not waiting:
                        return
                    yield from self._answer(_take_ready(waiting), top_k)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _prepare(self, path: Path, plan: Preprocessing) -> _Prepared:
        stamp = stamp_of(path) if self.recent else None
        seen = self.recent.get(stamp) if self.recent and stamp else None
        return seen or (prepare(path, plan), stamp)

    def _answer(self, prepared: Sequence[_Prepared], top_k: int) -> Iterator[Outcome]:
        new = [item for item in prepared if not isinstance(item, Seen)]
        looked = iter(self._look([(image, stamp) for image, stamp in new if isinstance(image, Ready)]))
        for item in prepared:
            if isinstance(item, Seen):
                yield self._predict(item, top_k)
            else:
                yield item[0] if isinstance(item[0], Failure) else self._predict(next(looked), top_k)

    def _look(self, images: Sequence[tuple[Ready, Stamp | None]]) -> list[Seen]:
        """What the backbone makes of images, in one batch."""
        if not images:
            return []
        features, inference_ms = run_timed(self.engine, [image for image, _ in images])
        found = []
        for (image, stamp), row in zip(images, features, strict=True):
            timing = Timing(image.decode_ms, image.preprocess_ms, inference_ms)
            found.append(Seen(image.path, row.copy(), timing, image.warnings))
            if self.recent and stamp:
                self.recent.put(stamp, found[-1])
        return found

    def _predict(self, seen: Seen, top_k: int) -> Prediction:
        images, provider = [(seen.path, seen.timing)], self.engine.provider.value
        made = predictions(self.model.card, self.head, seen.features[None], images, provider, top_k)[0]
        return replace(made, warnings=seen.warnings)


def with_model(classifier: Classifier, model: InstalledModel) -> Classifier:
    """Another model over the backbone that is open already: only the head is read.

    Raises:
        ModelError: the head is missing, damaged, or does not fit.
        ValueError: it stands on another backbone.
    """
    if model.backbone.card.sha256 != classifier.engine.card.sha256:
        raise ValueError("the model stands on another backbone")
    return replace(classifier, model=model, head=load_head(model))


def open_classifier(model: InstalledModel, wish: ProviderWish, precision: Precision) -> Classifier:
    """Check a model's files and open it on a provider.

    Raises:
        ModelError: a file is missing, damaged, foreign or hostile; no session was opened for it.
        ProviderError: the provider asked for does not work.
    """
    head = load_head(model)
    data = load_backbone(model.backbone)
    return Classifier(model, choose_engine(data, model.backbone.card, wish, precision), head)


def on_cpu(failed: Classifier, error: ProviderError) -> Classifier:
    """The same model on the CPU, for the images that a provider left unanswered when it failed under way.

    Raises:
        ProviderError: the CPU is what failed, with `error`.
        ModelError: the model's files changed meanwhile.
    """
    if failed.engine.provider is Provider.CPU:
        raise error
    return open_classifier(failed.model, ProviderWish.CPU, failed.engine.precision)


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """An image decoded and preprocessed: uint8 [size, size, 3]."""

    path: Path
    input: NDArray[np.uint8]
    decode_ms: float
    preprocess_ms: float
    warnings: tuple[str, ...] = ()


def prepare(path: Path, plan: Preprocessing) -> Ready | Failure:
    """Decode and preprocess an image, in whatever thread."""
    try:
        started = time.perf_counter()
        image = read_image(path, at_least=plan.decode_at_least)
        decoded = time.perf_counter()
        values = preprocess(image.pixels, plan)
        finished = time.perf_counter()
    except ImageError as error:
        return Failure.of(path, error)
    return Ready(path, values, (decoded - started) * 1000, (finished - decoded) * 1000, image.warnings)


def run_timed(engine: Engine, ready: Sequence[Ready]) -> tuple[NDArray[np.float32], float]:
    """Features [n, d] of images made ready, and the milliseconds that each of them took.

    Raises:
        ProviderError: the provider failed.
    """
    started = time.perf_counter()
    features = engine.run(np.stack([item.input for item in ready]))
    return features, (time.perf_counter() - started) * 1000 / len(ready)


def predictions(
    card: ModelCard,
    head: Head,
    features: NDArray[np.float32],
    images: Sequence[tuple[Path, Timing]],
    provider: str,
    top_k: int,
) -> list[Prediction]:
    """What a model says about images, by their features [n, d].

    Args:
        card: the model's.
        head: its head.
        features: of the images.
        images: the file of each, and how long it took.
        provider: what ran the backbone.
        top_k: how many classes to report for each.
    """
    rows = softmax(head.logits(features), card.temperature)
    made = []
    for (path, timing), probabilities in zip(images, rows, strict=True):
        scores = top_scores(probabilities, card.classes, top_k)
        unknown = None if card.unknown_below is None else scores[0].probability < card.unknown_below
        made.append(Prediction(path, scores, unknown, card.name, provider, timing))
    return made


_Prepared: TypeAlias = Seen | tuple[Ready | Failure, Stamp | None]
"""An image that was seen before; or made ready, with the file as it was before, or why that failed."""


def _take_ready(waiting: deque[Future[_Prepared]]) -> list[_Prepared]:
    """The next image, waited for, and those behind it that are ready too, up to a full batch."""
    taken = [waiting.popleft().result()]
    while waiting and len(taken) < MAX_BATCH and waiting[0].done():
        taken.append(waiting.popleft().result())
    return taken
