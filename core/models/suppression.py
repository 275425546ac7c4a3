"""Non-maximum suppression: of overlapping boxes with the same label, the one with the best score remains.

As in the graph of TensorFlow's detectors, labels are independent: boxes of different labels do not suppress each other.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MAX_OVERLAP: Final = 0.6
"""The highest intersection over union of two boxes that both remain, as in the original detector."""
MAX_BOXES: Final = 100
"""The most boxes that remain for an image, as in the original detector."""
Real = NDArray[np.float32]


def best_boxes(boxes: Real, scores: Real, least: float) -> list[tuple[int, int]]:
    """The boxes that remain, as pairs of box and label, from the highest score to the lowest.

    Args:
        boxes: float32 [boxes, 4] as left, top, right, bottom.
        scores: float32 [boxes, labels].
        least: boxes with a lower score are left out.
    """
    candidates = [np.flatnonzero(column >= least) for column in scores.T]
    kept = [
        (box, label)
        for label, found in enumerate(candidates)
        for box in _suppressed(boxes, found[np.argsort(-scores[found, label], kind="stable")])
    ]
    return sorted(kept, key=lambda pair: -scores[pair])[:MAX_BOXES]


def overlap(box: Real, others: Real) -> Real:
    """The intersection over union of a box [4] with others [n, 4]; 0 for empty boxes."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    union = _area(box[None]) + _area(others) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def _suppressed(boxes: Real, ordered: NDArray[np.intp]) -> list[int]:
    """The numbers of the boxes that remain, of those ordered by their score."""
    kept: list[int] = []
    while len(ordered) and len(kept) < MAX_BOXES:
        first, ordered = ordered[0], ordered[1:]
        kept.append(int(first))
        ordered = ordered[overlap(boxes[first], boxes[ordered]) <= MAX_OVERLAP]
    return kept


def _area(boxes: Real) -> Real:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))
