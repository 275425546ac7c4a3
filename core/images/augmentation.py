"""Augmentation: slightly varied versions of a photo, so that a few hundred photos teach more.

The strengths suit photography, not a benchmark: the subject stays in the photo, and the photo stays in its class. Every
epoch draws new variations; they are the same for the same seed, epoch and file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from core.base.i18n import mark
from core.card import Preprocessing
from core.images.preprocessing import preprocess

_MIN_AREA: Final = 0.7
_STRETCH: Final = 1.1
_MAX_DEGREES: Final = 15.0
_COLOUR: Final = 0.2

DESCRIPTION: Final = (
    mark("random crop of at least 70% of the area"),
    mark("aspect ratio changed by up to 10%"),
    mark("horizontal flip with a probability of 50%"),
    mark("rotation by up to 15 degrees, with reflected borders"),
    mark("brightness, contrast and saturation changed by up to 20%"),
)
"""A description of the augmentation, for cards; translated for display."""


@dataclass(frozen=True, slots=True)
class AugmentParams:
    """The random parameters for one photo; brightness, contrast and saturation are factors.

    Attributes:
        width: width of the crop, as a fraction of the photo's width.
        height: height of the crop, as a fraction of the photo's height.
        left: fraction of the horizontal margin that is left of the crop.
        upper: fraction of the vertical margin that is above the crop.
        degrees: angle of rotation, counter-clockwise.
    """

    width: float
    height: float
    left: float
    upper: float
    mirrored: bool
    degrees: float
    brightness: float
    contrast: float
    saturation: float


def make_rng(seed: int, epoch: int, sha256: str) -> np.random.Generator:
    """The random generator for one image in one epoch, independent of the order of images."""
    return np.random.default_rng([seed, epoch, int(sha256, 16)])


def augment(pixels: NDArray[np.uint8], plan: Preprocessing, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Augment upright RGB pixels [height, width, 3] at random and preprocess them; see `DESCRIPTION`.

    The preprocessing, to [plan.size, plan.size, 3], is that of the backbone, with the same resize as for all images.
    """
    params = _sample_params(rng)
    image = Image.fromarray(preprocess(_part(_reduced(pixels, plan), params), plan))
    for enhance, factor in (
        (ImageEnhance.Brightness, params.brightness),
        (ImageEnhance.Contrast, params.contrast),
        (ImageEnhance.Color, params.saturation),
    ):
        image = enhance(image).enhance(factor)
    return np.asarray(image)


def _sample_params(rng: np.random.Generator) -> AugmentParams:
    area, stretch = rng.uniform(_MIN_AREA, 1), math.exp(rng.uniform(-1, 1) * math.log(_STRETCH))
    left, upper, mirror, turn = rng.random(4)
    brightness, contrast, saturation = rng.uniform(1 - _COLOUR, 1 + _COLOUR, 3)
    return AugmentParams(
        width=min(1.0, math.sqrt(area * stretch)),
        height=min(1.0, math.sqrt(area / stretch)),
        left=left,
        upper=upper,
        mirrored=mirror < 0.5,
        degrees=_MAX_DEGREES * (2 * turn - 1),
        brightness=brightness,
        contrast=contrast,
        saturation=saturation,
    )


def _reduced(pixels: NDArray[np.uint8], plan: Preprocessing) -> NDArray[np.uint8]:
    """Reduce a photo much larger than needed by a whole factor, as JPEGs are reduced while decoding."""
    factor = min(pixels.shape[:2]) // plan.min_decode_side
    return pixels if factor < 2 else np.asarray(Image.fromarray(pixels).reduce(factor))


def _part(pixels: NDArray[np.uint8], params: AugmentParams) -> NDArray[np.uint8]:
    """The crop of the photo, rotated about its centre and possibly mirrored.

    An elongated photo is rotated less, because making it square amplifies the rotation.
    """
    top, height = _span(pixels.shape[0], params.height, params.upper)
    left, width = _span(pixels.shape[1], params.width, params.left)
    degrees = params.degrees * min(height, width) / max(height, width)
    angle = math.radians(abs(degrees))
    above = _margin(height * math.cos(angle) + width * math.sin(angle) - height)
    beside = _margin(width * math.cos(angle) + height * math.sin(angle) - width)
    surrounded = _window(pixels, (top - above, left - beside), (height + 2 * above, width + 2 * beside))
    turned = Image.fromarray(surrounded).rotate(degrees, Image.Resampling.BICUBIC)
    kept = np.asarray(turned)[above : above + height, beside : beside + width]
    return kept[:, ::-1] if params.mirrored else kept


def _span(length: int, fraction: float, room: float) -> tuple[int, int]:
    """The start and length of the crop along one side, in pixels."""
    part = max(1, round(length * fraction))
    return round((length - part) * room), part


def _margin(excess: float) -> int:
    """The margin in pixels at each end of a side if rotation extends it by `excess`; bicubic needs two more."""
    return math.ceil(max(0.0, excess) / 2) + 2


def _window(pixels: NDArray[np.uint8], start: tuple[int, int], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The pixels of a window that may extend beyond the photo, which is continued by reflection."""
    inside, outside = [], []
    for begin, extent, length in zip(start, size, pixels.shape, strict=False):
        end = begin + extent
        inside.append(slice(max(0, begin), min(length, end)))
        outside.append((max(0, -begin), max(0, end - length)))
    return np.pad(pixels[tuple(inside)], (*outside, (0, 0)), mode="symmetric")
