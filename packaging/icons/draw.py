"""Draw Fovea's icon in every size and container from the two SVG files beside this script.

    uv run python packaging/icons/draw.py [ICONS PICTURES]

Written are `fovea.ico` (Windows) and `fovea.icns` (macOS) into ICONS, by default this folder, and one PNG for each size
into PICTURES, by default `gui/icons/fovea`, where the window and `fovea --install` find them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

HERE: Final = Path(__file__).resolve().parent
PICTURES: Final = HERE.parents[1] / "gui" / "icons" / "fovea"
PNG_SIZES: Final = (16, 24, 32, 48, 64, 128, 256, 512)
ICO_SIZES: Final = (16, 20, 24, 32, 40, 48, 64, 256)
ICNS_SIZES: Final = (32, 64, 128, 256, 512, 1024)
LARGEST_SMALL: Final = 24
"""Up to this many pixels the four steps of the large drawing run into each other."""
MAC_SHARE: Final = 824 / 960
"""Apple's template gives a tile 824 of 1024 pixels; ours fills 960 of 1024."""


def draw(size: int, share: float = 1.0) -> Image.Image:
    """The icon as RGBA of `size` x `size` pixels, shrunk to `share` of it around the middle."""
    source = HERE / ("fovea-small.svg" if size <= LARGEST_SMALL else "fovea.svg")
    canvas = QImage(size, size, QImage.Format.Format_RGBA8888_Premultiplied)
    canvas.fill(0)
    painter = QPainter(canvas)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    margin = size * (1 - share) / 2
    QSvgRenderer(str(source)).render(painter, QRectF(margin, margin, size * share, size * share))
    painter.end()
    straight = canvas.convertToFormat(QImage.Format.Format_RGBA8888)
    return Image.frombytes("RGBA", (size, size), bytes(straight.constBits()))


def main(arguments: Sequence[str]) -> None:
    """Write every file; see the module's first lines."""
    icons, pictures = map(Path, arguments) if arguments else (HERE, PICTURES)
    for folder in (icons, pictures):
        folder.mkdir(parents=True, exist_ok=True)
    for size in PNG_SIZES:
        draw(size).save(pictures / f"{size}.png", optimize=True)
    # Pillow would shrink the largest picture to the other sizes: they are given, so that each is drawn for itself.
    windows = [draw(size) for size in ICO_SIZES]
    windows[-1].save(icons / "fovea.ico", append_images=windows[:-1], sizes=[picture.size for picture in windows])
    mac = [draw(size, MAC_SHARE) for size in ICNS_SIZES]
    mac[-1].save(icons / "fovea.icns", append_images=mac[:-1])


if __name__ == "__main__":
    main(sys.argv[1:])
