"""From pixels to what a backbone reads: the one resize in the project, for training and classifying alike.

Scaling of values happens inside the backbone's graph; here pixels only change their size.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.card import Preprocessing, ResizeMode

VERSION: Final = 1
"""Raised whenever the same pixels would come out differently; features cached under another version are not used."""


def version(spec: Preprocessing) -> str:
    """What decides, besides the pixels that come in, which ones come out."""
    return f"{VERSION} {spec.fit} {spec.size} {spec.crop}"


def preprocess(pixels: NDArray[np.uint8], spec: Preprocessing) -> NDArray[np.uint8]:
    """Resize pixels [height, width, 3] to [plan.size, plan.size, 3], antialiased bicubic, still uint8 RGB."""
    image = Image.fromarray(pixels)
    target = (spec.size, spec.size)
    resized = image.resize(target, Image.Resampling.BICUBIC, box=crop_box(image.size, spec))
    return np.asarray(resized)


def crop_box(size: tuple[int, int], spec: Preprocessing) -> tuple[float, float, float, float]:
    """The part of the image that the backbone sees, as (left, upper, right, lower) in pixels."""
    width, height = size
    if spec.fit is ResizeMode.STRETCH:
        return (0, 0, width, height)
    side = min(width, height) * spec.crop
    left, upper = (width - side) / 2, (height - side) / 2
    return (left, upper, left + side, upper + side)
