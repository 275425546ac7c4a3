"""Confidence intervals of fractions; without heavy imports, as the window shows them."""

from __future__ import annotations

import math
from typing import Final

from core.evaluation.values import Accuracy

_WILSON_Z: Final = 1.959964
"""The normal quantile of a 95% interval."""


def wilson(correct: int, count: int) -> tuple[float, float]:
    """Wilson's 95% score interval (1927) of the fraction correct/count; `count` is at least 1."""
    fraction, z = correct / count, _WILSON_Z
    middle = fraction + z * z / (2 * count)
    half = z * math.sqrt(fraction * (1 - fraction) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count  # if all or none are correct, rounding errors could put the fraction outside
    return max(0.0, min(fraction, (middle - half) / scale)), min(1.0, max(fraction, (middle + half) / scale))


def accuracy_of(correct: int, count: int) -> Accuracy:
    """The accuracy of a model with `correct` right predictions for `count` images, at least one."""
    return Accuracy(count, correct / count, wilson(correct, count))
