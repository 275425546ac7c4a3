"""Features of images, computed once by the engine and stored for later trainings.

They are stored as float16, and newly computed ones are rounded to it too, so that both are the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ImageError
from core.base.hashing import file_sha256
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter, StageKind
from core.base.providers import Precision, ProviderPreference
from core.base.text import display_path
from core.card import BackboneCard
from core.engine.engine import Engine
from core.engine.feature_store import FeatureKind, FeatureStore, Rows
from core.engine.limits import MAX_BATCH
from core.engine.provider_selection import BackboneFiles, select
from core.images import preprocessing
from core.images.decoding import DECODE_THREADS, decode
from core.prediction import Failure

_FLOAT16_MAX: Final = float(np.finfo(np.float16).max)


class HashedFile(Protocol):
    """An image file as it was when the dataset was read."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def sha256(self) -> str:
        """The SHA-256 of its bytes, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class FeatureExtractor:
    """The source of features.

    Attributes:
        card: the card of the backbone, or of its variant, that computes them.
        precision: the requested precision.
        open: opens the engine; not called if all features are stored.
        get_prepared: returns the preprocessed image with this SHA-256, uint8 [size, size, 3], if available.
        slower: see `Selection`.
    """

    card: BackboneCard
    precision: Precision
    open: Callable[[], Engine]
    get_prepared: Callable[[str], NDArray[np.uint8] | None] = lambda _: None
    slower: tuple[Engine, ...] = ()

    @classmethod
    def select(cls, files: BackboneFiles, provider: ProviderPreference, precision: Precision) -> FeatureExtractor:
        """An extractor of the fastest variant of a backbone that works here, see `provider_selection.select`."""
        selection = select(files, provider, precision)
        return cls(selection.card, precision, selection.open_selected, slower=selection.slower)

    @property
    def kind(self) -> FeatureKind:
        """The kind of its features."""
        card = self.card
        return FeatureKind(
            card.sha256, preprocessing.version(card.preprocessing), self.precision.value, card.feature_width
        )


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Features of images.

    Attributes:
        features: float32 [n, d], one row for each image that has them.
        rows: int64 [n], ascending: the index of the requested image of each row.
        failures: why the others have none.
        computed: how many were computed by the engine.
    """

    features: NDArray[np.float32]
    rows: NDArray[np.int64]
    failures: tuple[Failure, ...]
    computed: int


def prefetch(batch: int) -> int:
    """How many images to decode ahead, so that the next batch is ready when one is computed."""
    return 2 * batch + DECODE_THREADS


def compute_features(
    images: Sequence[HashedFile],
    extractor: FeatureExtractor,
    store: FeatureStore,
    *,
    report: ProgressCallback,
    token: CancelToken,
    bundled: Rows | None = None,
) -> FeatureTable:
    """Get features of images, from the store or `bundled` ones if available, otherwise from the engine.

    Each full batch is stored at once, so nothing is computed twice after an interruption, and the rest runs in the same
    batches: the numbers do not depend on interruptions.

    Raises:
        ProviderError: the engine cannot be opened, or failed while running.
        ModelError: the backbone is damaged.
        Cancelled: the token was cancelled.
    """
    kept = (bundled or {}) | store.get(extractor.kind, [image.sha256 for image in images])
    found = {at: kept[image.sha256] for at, image in enumerate(images) if image.sha256 in kept}
    missing = [at for at in range(len(images)) if at not in found]
    failures: list[Failure] = []
    clock = ProgressReporter(tr("computing features"), len(images), report, kind=StageKind.IMAGES)
    clock.advance(len(found))
    if missing:
        with _preparing([images[at] for at in missing], extractor) as prepared:
            engine = extractor.open()
            outcomes = zip(missing, prepared(engine.batch), strict=True)
            for group in _groups(outcomes, failures, engine.batch, token):
                rows = quantize_float16(engine.run(np.stack([pixels for _, pixels in group])))
                store.put(extractor.kind, {images[at].sha256: row for (at, _), row in zip(group, rows, strict=True)})
                found |= {at: row for (at, _), row in zip(group, rows, strict=True)}
                clock.advance(len(group))
        clock.advance(len(failures))
    computed = len(missing) - len(failures)
    return FeatureTable(*_table(found, extractor.card.feature_width), tuple(failures), computed)


def _table(found: Mapping[int, NDArray[np.float16]], width: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The rows in order as one array [n, d], and the index of each."""
    places = sorted(found)
    features = np.empty((len(places), width), np.float32)
    for row, at in enumerate(places):
        features[row] = found[at]
    return features, np.array(places, np.int64)


def quantize_float16(features: NDArray[np.float32]) -> NDArray[np.float16]:
    """Round features to float16, as in the store; values beyond its range are clipped."""
    return np.clip(features, -_FLOAT16_MAX, _FLOAT16_MAX).astype(np.float16)


@contextmanager
def _preparing(
    images: Sequence[HashedFile], source: FeatureExtractor
) -> Iterator[Callable[[int], Iterator[NDArray[np.uint8] | Failure]]]:
    """Preprocess images in order, in threads; the value gives them for batches of a size, a bounded number ahead."""
    pool = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")
    coming = iter(images)
    waiting: deque[Future[NDArray[np.uint8] | Failure]] = deque()

    def refill(batch: int) -> None:
        ahead = islice(coming, prefetch(batch) - len(waiting))
        waiting.extend(pool.submit(_prepare, image, source) for image in ahead)

    def prepared(batch: int) -> Iterator[NDArray[np.uint8] | Failure]:
        while waiting:
            refill(batch)
            yield waiting.popleft().result()

    try:
        refill(MAX_BATCH)
        yield prepared
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _prepare(image: HashedFile, source: FeatureExtractor) -> NDArray[np.uint8] | Failure:
    ready = source.get_prepared(image.sha256)
    if ready is not None:
        return ready
    plan = source.card.preprocessing
    try:
        pixels = preprocessing.preprocess(decode(image.path, min_side=plan.min_decode_side), plan)
    except ImageError as error:
        return Failure.of(image.path, error)
    return pixels if is_unchanged(image) else _changed(image.path)


def is_unchanged(image: HashedFile) -> bool:
    """Whether a file that was just decoded still has the hash from when the dataset was read."""
    try:
        return file_sha256(image.path) == image.sha256
    except OSError:
        return False


def _changed(path: Path) -> Failure:
    what = tr("“{name}” changed during training.", name=display_path(path.name))
    hint = tr("Wait until other programs have finished writing to the folder, then train again.")
    return Failure(path, "changed", what, hint)


def _groups(
    outcomes: Iterator[tuple[int, NDArray[np.uint8] | Failure]], failures: list[Failure], batch: int, token: CancelToken
) -> Iterator[list[tuple[int, NDArray[np.uint8]]]]:
    """Yield full batches of preprocessed images, the last possibly smaller; others are added to `failures`."""
    group: list[tuple[int, NDArray[np.uint8]]] = []
    for at, outcome in outcomes:
        token.check()
        if isinstance(outcome, Failure):
            failures.append(outcome)
            continue
        group.append((at, outcome))
        if len(group) == batch:
            yield group
            group = []
    if group:
        yield group
