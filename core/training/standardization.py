"""Standardization of features: their mean and their scale."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_CONSTANT: Final = 1e-6
"""A standard deviation below this fraction of the mean is rounding error: the feature is constant."""
_MIN_SCALE: Final = 0.1
"""The smallest scale, as a fraction of the median standard deviation.

A feature that is nearly zero in all but one of a few dozen training images would otherwise get a weight so large that
another value of it outweighs all other features. Eight photos of each class trained, and others tested: accuracy and
log loss are the same without a smallest scale and up to 0.5; with 24 synthetic images, the largest weight fell from
2,378 to 2.8 and the errors on eight others from two to none.
"""


def mean_std(features: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and scale [d] of features: their standard deviation, at least `_MIN_SCALE`; 1 for constant features."""
    mean, scale = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    is_constant = scale <= _CONSTANT * np.abs(mean)
    if not is_constant.all():
        scale = np.maximum(scale, _MIN_SCALE * np.median(scale[~is_constant]))
    scale[is_constant] = 1.0
    return mean, scale
