"""Conversion of pixels to 8-bit sRGB on white: bit depths, palettes, colour profiles, transparency."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import TiffImageFile

from core.images.hdr import ToneMap

_BAND_PIXELS: Final = 1024**2
_MAX_PROFILE_BYTES: Final = 16 * 1024**2

Band = tuple[int, Image.Image]
"""The index of the first row, and the rows."""


def srgb_bands(image: Image.Image, tone_map: ToneMap | None = None) -> Iterator[Band]:
    """Yield the loaded image from top to bottom in sRGB on white, mode RGB; a small image is a single band.

    It is converted band by band, so that no second copy of the whole image is in memory. A tone map replaces a profile.
    """
    profile = None if tone_map else image.info.get("icc_profile")
    black_and_white = _black_and_white(image)
    if tone_map:
        tone_map.measure(np.asarray(image.convert("RGB")))
    for top, band in bands(image):
        grey = band if black_and_white is None else _eight_bit(band, *black_and_white)
        colours = _over_white(grey, profile)
        yield top, Image.fromarray(tone_map.apply(np.asarray(colours))) if tone_map else colours


def bands(image: Image.Image) -> Iterator[Band]:
    """Yield the image from top to bottom as it is."""
    rows = max(1, _BAND_PIXELS // image.width)
    if rows >= image.height:
        yield 0, image
        return
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _black_and_white(image: Image.Image) -> tuple[float, float] | None:
    """The values of black and white in greyscale deeper than 8 bits; None for all other images.

    If the file does not state them (32 bits, floating point), white is the first of 1.0 (floating point only), 255 and
    65,535 that no value exceeds; otherwise the range of the values is used.
    """
    if image.mode.startswith("I;16"):
        white = _white_of_16_bits(image)
        return (white, 0.0) if _zero_is_white(image) else (0.0, white)
    if image.mode not in ("I", "F"):
        return None
    low, high = _extremes(image)
    for white in (1.0, 255.0, 65_535.0) if image.mode == "F" else (255.0, 65_535.0):
        if low >= 0 and high <= white:
            return 0.0, white
    return low, max(high, low + 1)


def _white_of_16_bits(image: Image.Image) -> float:
    """White is the maximum of the bit depth that the values need: 8, 10, 12, 14 or 16.

    Cameras and microscopes store 10, 12 or 14 bits in 16, usually without stating it; a TIFF may (TIFF 6.0, tag 281).
    Real 16-bit photos with nothing brighter than a quarter of white are rare.
    """
    high = _extremes(image)[1]
    stated = image.tag_v2.get(281) if isinstance(image, TiffImageFile) else None
    if isinstance(stated, tuple):
        stated = stated[0]
    if isinstance(stated, int) and high <= stated < 65_535:
        return float(max(1, stated))
    return next((float(2**bits - 1) for bits in (8, 10, 12, 14) if high < 2**bits), 65_535.0)


def _zero_is_white(image: Image.Image) -> bool:
    """Whether a TIFF is inverted (TIFF 6.0, tag 262), which Pillow handles only up to 8 bits."""
    return isinstance(image, TiffImageFile) and image.tag_v2.get(262) == 0


def _extremes(image: Image.Image) -> tuple[float, float]:
    """The minimum and maximum of finite values; (0, 0) if there are none."""
    low, high = np.inf, -np.inf
    for _, band in bands(image):
        values = np.asarray(band, np.float64)
        low = min(low, np.min(values, initial=np.inf, where=np.isfinite(values)))
        high = max(high, np.max(values, initial=-np.inf, where=np.isfinite(values)))
    return (low, high) if low <= high else (0.0, 0.0)


def _eight_bit(image: Image.Image, black: float, white: float) -> Image.Image:
    """Convert deep greyscale to mode L; NaN becomes black, and a PNG's transparent value white."""
    values = np.asarray(image, np.float64)
    scaled = np.nan_to_num((values - black) * (255 / (white - black)), nan=0)
    grey = np.rint(scaled).clip(0, 255).astype(np.uint8)
    if isinstance(transparent := image.info.get("transparency"), int):
        grey[values == transparent] = 255
    return Image.fromarray(grey)


def _over_white(image: Image.Image, profile: object) -> Image.Image:
    """Convert an image of at most 8 bits to mode RGB, on white if it has transparency."""
    if not image.has_transparency_data:
        return _to_srgb(image, profile)
    grey = image.mode in ("1", "L", "LA", "La")
    image = image.convert("LA" if grey else "RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(_to_srgb(image.convert("L" if grey else "RGB"), profile), mask=image.getchannel("A"))
    return white


def _to_srgb(image: Image.Image, profile: object) -> Image.Image:
    """Convert an image without transparency to mode RGB, and apply its profile if it has a valid one."""
    if image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if isinstance(profile, bytes) and 0 < len(profile) <= _MAX_PROFILE_BYTES:
        transform = _transform_to_srgb(profile, image.mode)
        if transform is not None:
            return transform.apply(image)
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(maxsize=8)
def _transform_to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from a profile to sRGB; None if the profile is damaged, for another mode, or sRGB.

    Photos of one camera share a profile, so transforms are cached. They are thread-safe (Little CMS 2).
    """
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return transform if mode == "CMYK" or _changes_colours(transform, mode) else None


def _changes_colours(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether any of several sample colours changes by more than rounding."""
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(len(steps), -1, 3)
    probe = Image.fromarray(cube).convert(mode)
    shift = np.asarray(transform.apply(probe), np.int16) - np.asarray(probe.convert("RGB"), np.int16)
    return bool(np.abs(shift).max() > 1)
