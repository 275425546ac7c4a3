"""Batches of photos to learn from, made in threads ahead of whoever learns: decoding, augmentation, the frozen trunk.

Which photos a batch holds, and in which order, follows from the seed alone. A photo that cannot be decoded any more, or
is not the one that was divided into training and validation, is left out of its batch.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ImageError, TrainerError
from core.base.progress import CancelToken
from core.card import Preprocessing
from core.engine.engine import MAX_BATCH
from core.engine.features import is_unchanged
from core.images.augmentation import augment, make_rng
from core.images.decoding import DECODE_THREADS, decode
from core.images.preprocessing import preprocess
from core.training.protocol import IMAGES

_PREFETCH: Final = 3
"""Batches under way beside the one that is learnt from: in the trunk, and being decoded."""

Pixels: TypeAlias = NDArray[np.uint8]
"""[height, width, 3]."""
RunFrozenBase: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""From images [n, size, size, 3] to what the network that learns reads: themselves, or maps of them."""


@dataclass(frozen=True, slots=True)
class TrainImage:
    """An image file as it was when the training began.

    Attributes:
        path: the file.
        sha256: of its bytes, in hexadecimal.
        label: its class.
    """

    path: Path
    sha256: str
    label: int


View: TypeAlias = Callable[[TrainImage, Pixels], Pixels]
"""What a photo's pixels are made into: [size, size, 3]."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What is learnt from at once.

    Attributes:
        inputs: what the network reads, [n, ...]; None where no photo of the batch is left.
        labels: int64 [n].
    """

    inputs: NDArray[Any] | None
    labels: NDArray[np.int64]


def read_images(folder: Path) -> tuple[list[TrainImage], list[TrainImage]]:
    """The photos of a job to train and to validate with.

    Raises:
        TrainerError: their list is missing or damaged.
    """
    try:
        content = json.loads((folder / IMAGES).read_bytes())
        train, validation = (
            [TrainImage(Path(path), str(sha256), int(label)) for path, sha256, label in content[part]]
            for part in ("train", "validation")
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        what = f"{str(folder)!r} holds no list of images."
        raise TrainerError(what, hint="Begin the training anew with --restart.") from error
    return train, validation


def shuffled(images: Sequence[TrainImage], size: int, seed: int, epoch: int) -> list[list[TrainImage]]:
    """All photos in groups of `size`, the last one perhaps smaller, in the order of an epoch."""
    order = np.random.default_rng([seed, epoch]).permutation(len(images)).tolist()
    return in_batches([images[at] for at in order], size)


def in_batches(images: Sequence[TrainImage], size: int) -> list[list[TrainImage]]:
    """All photos in groups of `size`, the last one perhaps smaller."""
    return [list(images[start : start + size]) for start in range(0, len(images), size)]


def plain_view(plan: Preprocessing) -> View:
    """A photo as it is classified."""
    return lambda _, pixels: preprocess(pixels, plan)


def augmented_view(plan: Preprocessing, seed: int, epoch: int) -> View:
    """A photo as it is learnt from in an epoch."""
    return lambda photo, pixels: augment(pixels, plan, make_rng(seed, epoch, photo.sha256))


@dataclass(frozen=True, slots=True, eq=False)
class DataLoader:
    """Makes batches.

    Attributes:
        plan: what the backbone wants done to pixels.
        frozen_base: called by one thread at a time, with `MAX_BATCH` images at most.
        token: looked at before every photo and every call of `frozen_base`.
        skipped: files that were left out, so far.
    """

    plan: Preprocessing
    frozen_base: RunFrozenBase
    token: CancelToken
    skipped: set[Path] = field(default_factory=set)

    @contextmanager
    def batches(self, groups: Sequence[Sequence[TrainImage]], view: View) -> Iterator[Iterator[Batch]]:
        """A batch of each group, in their order, few in memory at once; after the context no thread is left.

        Taking a batch raises Cancelled where the token was cancelled, and whatever `trunk` raised.
        """
        decoders = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")
        runner = ThreadPoolExecutor(1, thread_name_prefix="trunk")
        source, waiting = iter(groups), deque[Future[Batch]]()

        def refill() -> None:
            for group in islice(source, _PREFETCH - len(waiting)):
                views = [decoders.submit(self._view, photo, view) for photo in group]
                waiting.append(runner.submit(self._batch, group, views))

        def finished() -> Iterator[Batch]:
            while waiting:
                self.token.check()
                batch = waiting.popleft().result()
                refill()
                yield batch

        try:
            refill()
            yield finished()
        finally:
            for pool in (decoders, runner):  # in this order: the runner waits for decoders, who then raise
                pool.shutdown(wait=True, cancel_futures=True)

    def _view(self, photo: TrainImage, view: View) -> Pixels | None:
        """What the network is shown of a photo; None where it is left out."""
        self.token.check()
        try:
            pixels = decode(photo.path, min_side=self.plan.min_decode_side)
        except ImageError:
            return None
        return view(photo, pixels) if is_unchanged(photo) else None

    def _batch(self, group: Sequence[TrainImage], views: Sequence[Future[Pixels | None]]) -> Batch:
        shown, labels = [], []
        for photo, future in zip(group, views, strict=True):
            pixels = future.result()
            if pixels is None:
                self.skipped.add(photo.path)
                continue
            shown.append(pixels)
            labels.append(photo.label)
        return Batch(self._run_frozen_base(shown) if shown else None, np.array(labels, np.int64))

    def _run_frozen_base(self, shown: Sequence[Pixels]) -> NDArray[Any]:
        parts = []
        for start in range(0, len(shown), MAX_BATCH):
            self.token.check()
            parts.append(self.frozen_base(np.stack(shown[start : start + MAX_BATCH])))
        return np.concatenate(parts)
