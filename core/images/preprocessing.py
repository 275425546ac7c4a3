"""Preprocessing of pixels for a backbone: the only resize in the project, for training and classification.

Pixel values are scaled inside the backbone's graph; here only the size changes.

Images are made square as the backbone was trained, not as validation would choose for each model. Measured on 196
photos (Xception and EfficientNet-Lite0 joined, trained on stretched images; log loss and accuracy out of fold):
stretched 0.078 and 0.980; whole on a grey square 0.078 and 0.974; on a white one 0.090 and 0.964; the centre square
alone 0.122 and 0.959, with standard errors of the differences of 0.013 to 0.027. The choice would triple the time for
features.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.card import Preprocessing, ResizeMode

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
