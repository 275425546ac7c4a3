"""Fovea's icon: what is kept is what the script draws, it reads at every size, and the window shows it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image, ImageChops
from pytestqt.qtbot import QtBot

from core.app.desktop import ICON_SIZES
from gui.widgets import icons

ROOT = Path(__file__).resolve().parents[2]
DRAWN = ROOT / "packaging" / "icons"
PICTURES = ROOT / "gui" / "icons" / "fovea"
LARGEST_OF_ALL = 400_000
"""Bytes that the icon may take in the repository."""
GREYS = {"light": 0.95, "dark": 0.08}
"""Linear brightness of a light and a dark dock, about."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_icons", DRAWN / "draw.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def difference(first: Image.Image, second: Image.Image) -> int:
    extremes = ImageChops.difference(first.convert("RGBA"), second.convert("RGBA")).getextrema()
    return max(int(highest) for _, highest in extremes)  # type: ignore[misc]


def test_what_is_kept_is_what_the_script_draws(script: ModuleType, tmp_path: Path) -> None:
    script.main([str(tmp_path), str(tmp_path / "pictures")])
    for size in script.PNG_SIZES:
        with Image.open(PICTURES / f"{size}.png") as kept, Image.open(tmp_path / "pictures" / f"{size}.png") as drawn:
            assert kept.size == (size, size)
            assert difference(kept, drawn) <= 2, "run packaging/icons/draw.py"
    for name in ("fovea.ico", "fovea.icns"):
        with Image.open(DRAWN / name) as kept, Image.open(tmp_path / name) as drawn:
            assert kept.info["sizes"] == drawn.info["sizes"]
            assert difference(kept, drawn) <= 2, "run packaging/icons/draw.py"


def test_every_size_that_the_menus_want_is_there(script: ModuleType) -> None:
    assert ICON_SIZES == script.PNG_SIZES
    assert {int(path.stem) for path in PICTURES.glob("*.png")} == set(ICON_SIZES)


def test_small_sizes_are_drawn_for_themselves_in_windows_icon(script: ModuleType) -> None:
    with Image.open(DRAWN / "fovea.ico") as icon:
        assert icon.info["sizes"] == {(size, size) for size in script.ICO_SIZES}
        icon.size = (16, 16)
        assert difference(icon, script.draw(16)) <= 2


def test_the_icon_takes_little_room() -> None:
    files = [*DRAWN.iterdir(), *PICTURES.iterdir()]
    assert sum(path.stat().st_size for path in files if path.is_file()) < LARGEST_OF_ALL


def brightness(pixel: tuple[int, ...]) -> float:
    """Relative luminance as WCAG 2 defines it."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (c / 255 for c in pixel)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: float, second: float) -> float:
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


@pytest.mark.parametrize("size", ICON_SIZES)
@pytest.mark.parametrize("dock", GREYS)
def test_the_icon_reads_on_light_and_dark(size: int, dock: str) -> None:
    with Image.open(PICTURES / f"{size}.png") as picture:
        pixels = picture.convert("RGBA")
    row = [pixels.getpixel((x, round(size * 0.57))) for x in range(size)]
    solid = [brightness(pixel[:3]) for pixel in row if isinstance(pixel, tuple) and pixel[3] == 255]
    assert len(solid) > size * 0.85, "it fills its square"
    assert contrast(solid[1], GREYS[dock]) > 2, "its rim stands out"
    assert contrast(max(solid), min(solid)) > 14, "the point stands out from the pit"
    corner = pixels.getpixel((0, 0))
    assert isinstance(corner, tuple)
    assert corner[3] < 100, "its corners are round"


@pytest.mark.skipif(sys.platform == "darwin", reason="the Dock shows the bundle's own")
def test_the_window_shows_it_at_every_size(qtbot: QtBot) -> None:
    found = icons.program_icon()
    assert {size.width() for size in found.availableSizes()} == set(ICON_SIZES)
    picture = found.pixmap(32, 32).toImage()
    assert picture.pixelColor(18, 18).lightness() > 240
