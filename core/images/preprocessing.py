"""From pixels to what a backbone reads: the one resize in the project, for training and classifying alike.

Scaling of values happens inside the backbone's graph; here pixels only change their size.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.card import Fit, Preprocessing

VERSION: Final = 1
"""Raised whenever the same pixels would come out differently; features cached under another version are not used."""


def version(plan: Preprocessing) -> str:
    """What decides, besides the pixels that come in, which ones come out."""
    return f"{VERSION} {plan.fit} {plan.size} {plan.crop}"


def preprocess(pixels: NDArray[np.uint8], plan: Preprocessing) -> NDArray[np.uint8]:
    """Resize pixels [height, width, 3] to [plan.size, plan.size, 3], antialiased bicubic, still uint8 RGB."""
    image = Image.fromarray(pixels)
    target = (plan.size, plan.size)
    resized = image.resize(target, Image.Resampling.BICUBIC, box=kept_box(image.size, plan))
    return np.asarray(resized)


def kept_box(size: tuple[int, int], plan: Preprocessing) -> tuple[float, float, float, float]:
    """The part of the image that the backbone sees, as (left, upper, right, lower) in pixels."""
    width, height = size
    if plan.fit is Fit.STRETCH:
        return (0, 0, width, height)
    side = min(width, height) * plan.crop
    left, upper = (width - side) / 2, (height - side) / 2
    return (left, upper, left + side, upper + side)
