"""What Keras says of real images, for the process that started the trainer to hold the engine against."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from itertools import chain, zip_longest
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError, ImageError
from core.base.storage import write_atomically
from core.card import Preprocessing
from core.images.decoding import decode
from core.images.preprocessing import preprocess
from core.training.protocol import IMAGES, PARITY, PARITY_IMAGES

_BATCH: Final = 8
_PARTS: Final = ("train", "validation")
_SHIFT: Final = 8
"""Pixels by which copies are shifted where mirroring alone does not make enough of them."""


def write_parity_samples(
    folder: Path, logits_of: Callable[[NDArray[np.uint8]], NDArray[np.float32]], plan: Preprocessing
) -> None:
    """Write `GATE` into a job's folder: real images of its training and validation, and what Keras says of them.

    Images that cannot be read any more are passed over. Where there are too few, mirrored copies are added.

    Args:
        folder: of the job, with `IMAGES`.
        logits_of: Keras end to end, from images uint8 [n, size, size, 3], n up to 8, to logits float32 [n, classes].
        plan: what the backbone wants done to pixels.

    Raises:
        DatasetError: no image can be read any more.
        StorageError: the file cannot be written.
    """
    images = _images(folder, plan)
    logits = np.concatenate([logits_of(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)])
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, images=images, logits=logits.astype(np.float32))
    write_atomically(folder / PARITY, buffer.getvalue())


def _images(folder: Path, plan: Preprocessing) -> NDArray[np.uint8]:
    found: list[NDArray[np.uint8]] = []
    for path in _spread_images(folder):
        try:
            found.append(preprocess(decode(path, min_side=plan.min_decode_side), plan))
        except ImageError:
            continue
        if len(found) == PARITY_IMAGES:
            break
    if not found:
        what = "None of the images that were learnt from can be read any more."
        raise DatasetError(what, hint="Put them back where they were, and run the same command again.")
    return np.stack([_copy(found[at % len(found)], at // len(found)) for at in range(max(len(found), PARITY_IMAGES))])


def _spread_images(folder: Path) -> Iterator[Path]:
    """The images to train and to validate with by turns, each in a drawn order, lest one class come before another."""
    listed = json.loads((folder / IMAGES).read_bytes())
    draw = np.random.default_rng(0)
    parts = [[Path(part[at][0]) for at in draw.permutation(len(part))] for part in map(listed.get, _PARTS)]
    return filter(None, chain.from_iterable(zip_longest(*parts)))


def _copy(image: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """Number 0 is the image [size, size, 3] itself; odd ones are mirrored, every other two shifted a bit further."""
    mirrored = image[:, ::-1] if number % 2 else image
    return np.roll(mirrored, number // 2 * _SHIFT, axis=1)
