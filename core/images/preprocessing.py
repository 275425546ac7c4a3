"""Preprocessing of pixels for a backbone: the only resize in the project, for training and classification.

Pixel values are scaled inside the backbone's graph; here only the size changes.

Images are made square as the backbone was trained, unless a model has a `fit` of its own, see `core.training.fitting`.

Padding is grey, which the built-in backbones scale to zero (up to half a step of 255), and networks that subtract the
mean colour of ImageNet to nearly that: like the zeros that convolutions pad with, it says nothing. Measured on 196
photos (Xception and EfficientNet-Lite0 joined, log loss out of fold): 0.078 on grey, 0.090 on white.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.card import PADDING, Preprocessing, ResizeMode

VERSION: Final = 1
"""Increased whenever the output for the same pixels changes; features cached with another version are not used."""


def version(spec: Preprocessing) -> str:
    """Everything that determines the output besides the input pixels."""
    return f"{VERSION} {spec.fit} {spec.size} {spec.crop}"


def preprocess(pixels: NDArray[np.uint8], spec: Preprocessing) -> NDArray[np.uint8]:
    """Resize pixels [height, width, 3] to [plan.size, plan.size, 3], antialiased bicubic, still uint8 RGB."""
    return preprocess_image(Image.fromarray(pixels), spec)


def preprocess_image(image: Image.Image, spec: Preprocessing) -> NDArray[np.uint8]:
    """Preprocess an image in mode RGB, as `preprocess` does its pixels."""
    if spec.fit is ResizeMode.PAD:
        left, upper, width, height = _inside(image.size, spec.size)
        square = Image.new("RGB", (spec.size, spec.size), PADDING)
        square.paste(image.resize((width, height), Image.Resampling.BICUBIC), (left, upper))
        return np.asarray(square)
    target = (spec.size, spec.size)
    resized = image.resize(target, Image.Resampling.BICUBIC, box=crop_box(image.size, spec))
    return np.asarray(resized)


def crop_box(size: tuple[int, int], spec: Preprocessing) -> tuple[float, float, float, float]:
    """The part of the image that the backbone sees, as (left, upper, right, lower) in pixels.

    With `ResizeMode.PAD`, it extends beyond the image.
    """
    width, height = size
    if spec.fit is ResizeMode.STRETCH:
        return (0, 0, width, height)
    if spec.fit is ResizeMode.PAD:
        beside, above, *inside = _inside(size, spec.size)
        x, y = width / inside[0], height / inside[1]
        return (-beside * x, -above * y, (spec.size - beside) * x, (spec.size - above) * y)
    side = min(width, height) * spec.crop
    left, upper = (width - side) / 2, (height - side) / 2
    return (left, upper, left + side, upper + side)


def _inside(size: tuple[int, int], side: int) -> tuple[int, int, int, int]:
    """Where a padded image is in its square: left, upper, width and height in pixels."""
    scale = side / max(size)
    width, height = (max(1, round(length * scale)) for length in size)
    return (side - width) // 2, (side - height) // 2, width, height
