"""The parity check before installation: the engine must reproduce Keras's logits from the exported file.

This runs in another process than the export, so the file is read from scratch. A model that fails is not installed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError, TrainerError
from core.base.i18n import mark, tr, tr_n
from core.base.providers import Precision, Provider
from core.engine import graph, sessions
from core.models.joined import LOGITS
from core.training.protocol import PARITY_IMAGES

MAX_DIFFERENCE: Final = 1e-3
"""The largest difference between the logits of Keras and of the engine, for any batch size."""

_BATCHES: Final = (1, 2, 7)
_HINT: Final = mark("Nothing was installed. Train again; if this happens again, report it as a bug.")


@dataclass(frozen=True, slots=True)
class Parity:
    """The agreement between the logits of the engine and of Keras.

    Attributes:
        images: the number of images compared, in batches of 1, 2 and 7.
        greatest_difference: the largest absolute difference of any logit.
    """

    images: int
    greatest_difference: float


def check_parity(model: bytes, gate: Path) -> Parity:
    """Compare a joined .onnx with Keras's logits for the same images.

    Args:
        model: as `core.models.joined.join` makes it: uint8 `image` in, `logits` out.
        gate: the trainer's file, see `core.training.protocol`.

    Raises:
        ModelError: the two differ in a logit or in the most likely class.
        TrainerError: the trainer's file is missing or has too few images.
    """
    images, theirs = _read(gate)
    ours = _logits(model, images)
    if ours.shape != theirs.shape:
        what = tr(
            "The exported model has output shape {ours}, but Keras {theirs}.", ours=ours.shape, theirs=theirs.shape
        )
        raise ModelError(what, hint=tr(_HINT))
    worst = float(np.abs(ours - theirs).max())
    if not worst <= MAX_DIFFERENCE:
        what = tr(
            "The exported model differs from the trained one: logits differ by {difference:.2g}, limit {limit}.",
            difference=worst,
            limit=MAX_DIFFERENCE,
        )
        raise ModelError(what, hint=tr(_HINT))
    if not np.array_equal(ours.argmax(axis=1), theirs.argmax(axis=1)):
        what = tr("The exported model predicts another class than the trained one for an image.")
        raise ModelError(what, hint=tr(_HINT))
    return Parity(len(images), worst)


def _read(gate: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    try:
        with np.load(io.BytesIO(gate.read_bytes()), allow_pickle=False) as arrays:
            images, logits = arrays["images"], arrays["logits"]
    except Exception as error:  # the boundary: zip, deflate and numpy raise a dozen unrelated kinds
        what = tr("The trainer left no data to check the exported model with.")
        raise TrainerError(what, hint=tr("Train again.")) from error
    if len(images) < PARITY_IMAGES:
        what = tr_n(
            "The trainer left only {count} image to check the exported model with; {needed} are needed.",
            "The trainer left only {count} images to check the exported model with; {needed} are needed.",
            len(images),
            needed=PARITY_IMAGES,
        )
        raise TrainerError(what, hint=tr("Train again."))
    return images, logits


def _logits(model: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = sessions.open_session(model, Provider.CPU, Precision.EXACT)
    try:
        parts = [session.run([LOGITS], {graph.INPUT: images[part]})[0] for part in _parts(len(images))]
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        what = tr("Couldn't run the exported model: {reason}", reason=sessions.first_line(error))
        raise ModelError(what, hint=tr(_HINT)) from error
    return np.concatenate(parts)


def _parts(count: int) -> Iterator[slice]:
    """Slices that cover all images in batches of 1, 2 and 7 in turn."""
    start = 0
    for batch in cycle(_BATCHES):
        if start >= count:
            return
        yield slice(start, start + batch)
        start += batch
