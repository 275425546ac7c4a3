"""Trees of images to measure with: many names, few files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from tests import samples

_FILES: Final = 50
_LINKS: Final = 900
"""Names a file is given; ext4 allows 65,000, other file systems 1,000."""


def small(place: Path, count: int, *, a_folder: int = 500, side: int = 64) -> Path:
    """A tree of `count` small JPEGs, `a_folder` to a folder, two folders deep; most are hard links."""
    draw, sources = np.random.default_rng(0), list[Path]()
    for number in range(count):
        name = place / f"{number // a_folder // 20:03}" / f"{number // a_folder:04}" / f"IMG_{number}.jpg"
        if number % a_folder == 0:
            name.parent.mkdir(parents=True)
        file = number % (_FILES * _LINKS)
        if file < _FILES:
            Image.fromarray(draw.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(name, quality=80)
            sources[file : file + 1] = [name]
        else:
            os.link(sources[number % _FILES], name)
    return place


def large(place: Path, count: int) -> Path:
    """`count` JPEGs of 12 megapixels, four different ones."""
    place.mkdir(parents=True)
    for number in range(count):
        name = place / f"IMG_{number}.jpg"
        if number < 4:
            drawn = Image.fromarray(samples.photo_like(2000 + 8 * number, 1500))
            photo = drawn.resize((4000, 3000), Image.Resampling.BICUBIC)
            name.write_bytes(samples.encoded(photo, "JPEG", quality=90, subsampling=2))
        else:
            os.link(place / f"IMG_{number % 4}.jpg", name)
    return place
