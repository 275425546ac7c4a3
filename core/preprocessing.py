"""From pixels to what a backbone reads: the one resize in the project, for training and classifying alike.

Scaling of values happens inside the backbone's graph; here pixels only change their size.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

VERSION: Final = 1
"""Raised whenever the same pixels would come out differently; features cached under another version are not used."""

_DRAFT_FACTOR: Final = 2
"""A JPEG may be decoded at reduced size, but never below this many times what the backbone reads."""


class Fit(StrEnum):
    """How an image that is not square becomes square."""

    STRETCH = "stretch"
    CENTRE_CROP = "centre-crop"


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What a backbone wants done to pixels; part of its card.

    Attributes:
        size: side of the square the backbone reads, in pixels.
        fit: how the image becomes square.
        crop: with `Fit.CENTRE_CROP`, the part of the shorter side that is kept, in (0, 1].
    """

    size: int
    fit: Fit = Fit.STRETCH
    crop: float = 1.0

    def __post_init__(self) -> None:
        if not 16 <= self.size <= 2048:
            raise ValueError(f"size must be 16 to 2048 pixels, not {self.size}")
        if not 0 < self.crop <= 1:
            raise ValueError(f"crop must lie in (0, 1], not {self.crop}")

    @property
    def decode_at_least(self) -> int:
        """The shorter side, in pixels, below which an image must not be decoded if it has more."""
        return _DRAFT_FACTOR * round(self.size / self.crop)


def preprocess(pixels: NDArray[np.uint8], plan: Preprocessing) -> NDArray[np.uint8]:
    """Resize pixels [height, width, 3] to [plan.size, plan.size, 3], antialiased bicubic, still uint8 RGB."""
    image = Image.fromarray(pixels)
    target = (plan.size, plan.size)
    resized = image.resize(target, Image.Resampling.BICUBIC, box=_kept_box(image.size, plan))
    return np.asarray(resized)


def _kept_box(size: tuple[int, int], plan: Preprocessing) -> tuple[float, float, float, float]:
    """The part of the image that the backbone sees, as (left, upper, right, lower) in pixels."""
    width, height = size
    if plan.fit is Fit.STRETCH:
        return (0, 0, width, height)
    side = min(width, height) * plan.crop
    left, upper = (width - side) / 2, (height - side) / 2
    return (left, upper, left + side, upper + side)
