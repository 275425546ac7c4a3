"""Batches of training images, prepared ahead in threads: decoding, augmentation, the frozen base.

The composition and the order of batches depend on the seed alone. An image that can no longer be decoded, or has
changed since the split, is left out of its batch.
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
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.base.text import display_path
from core.card import Preprocessing
from core.engine.features import is_unchanged
from core.engine.limits import MAX_BATCH
from core.images.augmentation import augment, make_rng
from core.images.decoding import DECODE_THREADS, decode
from core.images.preprocessing import preprocess
from core.training.protocol import IMAGES

_PREFETCH: Final = 3
"""Batches in preparation besides the current one: in the frozen base, and being decoded."""

Pixels: TypeAlias = NDArray[np.uint8]
"""[height, width, 3]."""
RunFrozenBase: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""From images [n, size, size, 3] to the inputs of the trained network: the images themselves, or feature maps."""


@dataclass(frozen=True, slots=True)
class TrainImage:
    """An image file as it was when the training started.

    Attributes:
        path: the file.
        sha256: of its bytes, in hexadecimal.
        label: its class.
    """

    path: Path
    sha256: str
    label: int


View: TypeAlias = Callable[[TrainImage, Pixels], Pixels]
"""Transforms the pixels of an image to [size, size, 3]."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A batch.

    Attributes:
        inputs: of the network, [n, ...]; None if no image of the batch could be read.
        labels: int64 [n].
    """

    inputs: NDArray[Any] | None
    labels: NDArray[np.int64]


def read_images(folder: Path) -> tuple[list[TrainImage], list[TrainImage]]:
    """Read the list of a job's training and validation images.

    Raises:
        TrainerError: the list is missing or damaged.
    """
    try:
        content = json.loads((folder / IMAGES).read_bytes())
        train, validation = (
            [TrainImage(Path(path), str(sha256), int(label)) for path, sha256, label in content[part]]
            for part in ("train", "validation")
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        what = tr("The list of images in “{folder}” is missing or damaged.", folder=display_path(folder))
        raise TrainerError(what, hint=tr("Start the training over with --restart.")) from error
    return train, validation


def shuffled(images: Sequence[TrainImage], size: int, seed: int, epoch: int) -> list[list[TrainImage]]:
    """All images in groups of `size`, the last one possibly smaller, in the random order of an epoch."""
    order = np.random.default_rng([seed, epoch]).permutation(len(images)).tolist()
    return in_batches([images[at] for at in order], size)


def in_batches(images: Sequence[TrainImage], size: int) -> list[list[TrainImage]]:
    """All images in groups of `size`, the last one possibly smaller."""
    return [list(images[start : start + size]) for start in range(0, len(images), size)]


def plain_view(plan: Preprocessing) -> View:
    """Preprocess images as for classification."""
    return lambda _, pixels: preprocess(pixels, plan)


def augmented_view(plan: Preprocessing, seed: int, epoch: int) -> View:
    """Augment images as for an epoch of training."""
    return lambda photo, pixels: augment(pixels, plan, make_rng(seed, epoch, photo.sha256))


@dataclass(frozen=True, slots=True, eq=False)
class DataLoader:
    """Prepares batches.

    Attributes:
        plan: the backbone's preprocessing.
        frozen_base: called by one thread at a time, with at most `MAX_BATCH` images.
        token: checked before each image and each call of `frozen_base`.
        skipped: files left out so far.
    """

    plan: Preprocessing
    frozen_base: RunFrozenBase
    token: CancelToken
    skipped: set[Path] = field(default_factory=set)

    @contextmanager
    def batches(self, groups: Sequence[Sequence[TrainImage]], view: View) -> Iterator[Iterator[Batch]]:
        """Iterate over a batch of each group in order, with few in memory at once; all threads end with the context.

        The iterator raises Cancelled if the token was cancelled, and the errors of `frozen_base`.
        """
        decoders = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")
        runner = ThreadPoolExecutor(1, thread_name_prefix="frozen-base")
        source, pending = iter(groups), deque[Future[Batch]]()

        def refill() -> None:
            for group in islice(source, _PREFETCH - len(pending)):
                views = [decoders.submit(self._view, photo, view) for photo in group]
                pending.append(runner.submit(self._batch, group, views))

        def finished() -> Iterator[Batch]:
            while pending:
                self.token.check()
                batch = pending.popleft().result()
                refill()
                yield batch

        try:
            refill()
            yield finished()
        finally:
            for pool in (decoders, runner):  # in this order: the runner waits for decoders, which then raise
                pool.shutdown(wait=True, cancel_futures=True)

    def _view(self, photo: TrainImage, view: View) -> Pixels | None:
        """The transformed pixels of an image; None if it is left out."""
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
