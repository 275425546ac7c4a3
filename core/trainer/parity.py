"""Keras's outputs for real images, which the process that started the trainer compares with the engine's."""

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
from core.base.i18n import tr
from core.base.storage import write_atomically
from core.card import Preprocessing
from core.images.decoding import decode
from core.images.preprocessing import preprocess
from core.training.protocol import IMAGES, PARITY, PARITY_IMAGES

_BATCH: Final = 8
_PARTS: Final = ("train", "validation")
_SHIFT: Final = 8
"""The shift of copies in pixels, if mirroring alone does not give enough of them."""


def write_parity_samples(
    folder: Path, logits_of: Callable[[NDArray[np.uint8]], NDArray[np.float32]], plan: Preprocessing
) -> None:
    """Write `PARITY` into a job's folder: training and validation images, and Keras's logits for them.

    Images that can no longer be read are skipped. If there are too few, mirrored copies are added.

    Args:
        folder: of the job, with `IMAGES`.
        logits_of: Keras end to end, from images uint8 [n, size, size, 3], n up to 8, to logits float32 [n, classes].
        plan: the backbone's preprocessing.

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
        what = tr("None of the training images can be read any more.")
        raise DatasetError(what, hint=tr("Restore them, then run the same command again."))
    return np.stack([_copy(found[at % len(found)], at // len(found)) for at in range(max(len(found), PARITY_IMAGES))])


def _spread_images(folder: Path) -> Iterator[Path]:
    """Training and validation images alternately, each in random order, so that all classes are represented."""
    listed = json.loads((folder / IMAGES).read_bytes())
    rng = np.random.default_rng(0)
    parts = [[Path(part[at][0]) for at in rng.permutation(len(part))] for part in map(listed.get, _PARTS)]
    return filter(None, chain.from_iterable(zip_longest(*parts)))


def _copy(image: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """A copy [size, size, 3]; number 0 is the image itself, odd numbers are mirrored, each pair is shifted further."""
    mirrored = image[:, ::-1] if number % 2 else image
    return np.roll(mirrored, number // 2 * _SHIFT, axis=1)
