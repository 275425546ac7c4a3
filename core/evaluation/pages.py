"""HTML reports from Jinja2 templates: pages without scripts or external resources, in light and dark themes."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from core.base.errors import ImageError
from core.base.i18n import tr, tr_n
from core.base.text import display_path, percent
from core.datasets.problems import format_path
from core.evaluation.explanation import Explanation
from core.evaluation.map_colours import map_colour
from core.images.decoding import decode_thumbnail

TEMPLATES: Final = Path(__file__).with_name("templates")
_THUMBNAIL: Final = 160
_LETTER: Final = 6.6
"""Mean width of a letter at the plots' 12 pixels, in pixels."""
_MAX_LABEL: Final = 24


@lru_cache
def templates(folder: Path = TEMPLATES) -> Environment:
    """The templates of a folder and those that all reports share.

    Every text is escaped, its unprintable characters included; numbers have two decimals. A value that is missing is an
    error.
    """
    made = Environment(
        loader=FileSystemLoader((folder, TEMPLATES)),
        autoescape=True,
        finalize=_shown,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals |= {"format_path": format_path, "percent": percent, "thumbnail": thumbnail, "tr": tr, "tr_n": tr_n}
    made.globals |= {"label_width": _label_width, "zip": zip}
    made.filters["short"] = _short
    return made


def thumbnail(image: Path) -> str:
    """A thumbnail as a data URI, or the error message if the image cannot be read."""
    try:
        return _data_uri(_small(image))
    except ImageError as error:
        return error.what


def map_thumbnail(found: Explanation) -> str:
    """A thumbnail with a class activation map over it as a data URI, or an error message likewise."""
    try:
        picture = _small(found.path)
    except ImageError as error:
        return error.what
    left, top, right, bottom = (round(part * side) for part, side in zip(found.area, picture.size * 2, strict=True))
    grid = np.maximum(np.array(found.grid, np.float32), 0)
    levels = Image.fromarray(np.rint(grid / max(float(grid.max()), 1e-12) * 255).astype(np.uint8))
    fine = np.asarray(levels.resize((max(1, right - left), max(1, bottom - top)), Image.Resampling.BILINEAR))
    colours = np.array([map_colour(level / 255) for level in range(256)], np.uint8)
    over = Image.fromarray(colours[fine], "RGBA")
    picture.paste(over, (left, top), over)
    return _data_uri(picture)


def _small(image: Path) -> Image.Image:
    """A thumbnail; ImageError if the image cannot be read."""
    pixels = Image.fromarray(decode_thumbnail(image, 2 * _THUMBNAIL))
    pixels.thumbnail((_THUMBNAIL, _THUMBNAIL))
    return pixels


def _data_uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return Markup("data:image/jpeg;base64,") + Markup(base64.b64encode(buffer.getvalue()).decode("ascii"))


def _shown(value: object) -> object:
    match value:
        case Markup():
            return value
        case str():
            return display_path(value)
        case float():
            return f"{value:.2f}".removesuffix(".00")
    return value


def _label_width(labels: Iterable[str]) -> float:
    return max(len(_short(label)) for label in labels) * _LETTER + 20


def _short(label: str) -> str:
    return label if len(label) <= _MAX_LABEL else f"{label[: _MAX_LABEL - 1]}…"
