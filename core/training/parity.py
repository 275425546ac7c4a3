"""The gate before the library: what Keras said in the trainer, the engine must say here, from the very bytes.

This process is not the one that exported, so the file is opened afresh. What fails is not installed.
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
from core.base.providers import Precision, Provider
from core.engine import graph, sessions
from core.models.joined import LOGITS
from core.training.protocol import PARITY_IMAGES

MAX_DIFFERENCE: Final = 1e-3
"""Logits may differ by this between Keras and the engine, whatever the batch."""

_BATCHES: Final = (1, 2, 7)
_HINT: Final = "Nothing was installed. Train again; if it stays so, report the two numbers."


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the engine's logits are from Keras's.

    Attributes:
        images: how many were compared, in batches of 1, 2 and 7.
        greatest_difference: of any logit of any image.
    """

    images: int
    greatest_difference: float


def check_parity(model: bytes, gate: Path) -> Parity:
    """Compare a joined .onnx with what Keras said of the same images.

    Args:
        model: as `core.models.joined.join` makes it: uint8 `image` in, `logits` out.
        gate: the trainer's file, see `core.training.protocol`.

    Raises:
        ModelError: the two differ, in a logit or in the likeliest class.
        TrainerError: the trainer's file is missing or holds too few images.
    """
    images, theirs = _read(gate)
    ours = _logits(model, images)
    if ours.shape != theirs.shape:
        raise ModelError(f"The exported model answers {ours.shape}, Keras answered {theirs.shape}.", hint=_HINT)
    worst = float(np.abs(ours - theirs).max())
    if not worst <= MAX_DIFFERENCE:
        what = f"The exported model answers otherwise than Keras: logits differ by {worst:.2g}, above {MAX_DIFFERENCE}."
        raise ModelError(what, hint=_HINT)
    if not np.array_equal(ours.argmax(axis=1), theirs.argmax(axis=1)):
        raise ModelError("The exported model names an image otherwise than Keras does.", hint=_HINT)
    return Parity(len(images), worst)


def _read(gate: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    try:
        with np.load(io.BytesIO(gate.read_bytes()), allow_pickle=False) as arrays:
            images, logits = arrays["images"], arrays["logits"]
    except Exception as error:  # the boundary: zip, deflate and numpy raise a dozen unrelated kinds
        raise TrainerError("The trainer left nothing to compare its export with.", hint="Train again.") from error
    if len(images) < PARITY_IMAGES:
        what = f"The trainer compared {len(images)} images only, {PARITY_IMAGES} are needed."
        raise TrainerError(what, hint="Train again.")
    return images, logits


def _logits(model: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = sessions.open_session(model, Provider.CPU, Precision.EXACT)
    try:
        parts = [session.run([LOGITS], {graph.INPUT: images[part]})[0] for part in _parts(len(images))]
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        raise ModelError(f"The exported model does not run: {sessions.first_line(error)}", hint=_HINT) from error
    return np.concatenate(parts)


def _parts(count: int) -> Iterator[slice]:
    """All images once, one, two and seven at a time."""
    start = 0
    for batch in cycle(_BATCHES):
        if start >= count:
            return
        yield slice(start, start + batch)
        start += batch
