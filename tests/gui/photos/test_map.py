"""Where the model looked: M shows and hides the map over the photo, for the class that is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from core.evaluation.explanation import Explanation, MapMethod
from core.images.drawing import Picture
from core.prediction import Prediction
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.widgets.photo_map import map_picture
from gui.widgets.photo_panel import PhotoPreview
from gui.widgets.score_bars import ScoreBars
from tests import tiny
from tests.gui.conftest import PATIENCE_MS


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Green on the left, blue on the right."""
    image = Image.new("RGB", (128, 64), tiny.SOLID["green"])
    image.paste(tiny.SOLID["blue"], (80, 0, 128, 64))
    image.save(tmp_path / "both.png")
    return tmp_path / "both.png"


def show(qtbot: QtBot, window: MainWindow, photo: Path) -> None:
    window.session.photo_list.add([photo])
    photos = window.session.photos
    qtbot.waitUntil(lambda: any(isinstance(one.outcome, Prediction) for one in photos.photos()), timeout=PATIENCE_MS)
    window.photos_page.select_row(0)
    view = window.photos_page.inspector.findChild(PhotoPreview)
    qtbot.waitUntil(lambda: view._picture is not None and view._picture.width() == 128, timeout=PATIENCE_MS)


def inside(window: MainWindow) -> list[str]:
    """The colours in the middle of the left and of the right half of the photo in the inspector."""
    view = window.photos_page.inspector.findChild(PhotoPreview)
    picture, middle = view.grab().toImage(), view.rect().center()
    ratio = picture.devicePixelRatio()
    return [
        picture.pixelColor((middle + QPoint(dx, 0)) * ratio).name() for dx in (-view.width() // 4, view.width() // 4)
    ]


def legend(window: MainWindow) -> str:
    shown = window.photos_page.inspector.map
    return " ".join(one.text() for one in shown.findChildren(QLabel) if one.isVisible() and one.text())


def yellow(colour: str) -> int:
    """How much nearer to yellow than to blue."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red + green - 2 * blue


def test_m_shows_and_hides_where_the_model_looked(window: MainWindow, qtbot: QtBot, photo: Path) -> None:
    show(qtbot, window, photo)
    inspector, gallery = window.photos_page.inspector, window.photos_page.gallery
    plain = inside(window)
    assert plain == ["#00ff00", "#0000ff"]
    assert legend(window) == ""

    qtbot.keyClick(gallery, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: inspector.map.shown is not None, timeout=PATIENCE_MS)
    assert window.actions_by_id[ActionId.SHOW_MAP].isChecked()
    assert "Where the model saw “green” Exact: the map adds up" in legend(window)
    left, right = inside(window)
    assert [left, right] != plain
    assert int(left[1:3], 16) > 128 > 64 > int(right[1:3], 16), "yellow where it looked, dark blue elsewhere"

    bars = inspector.findChild(ScoreBars)
    name = next(one for one in bars.findChildren(QLabel) if one.text() == "blue")
    middle = name.mapTo(window, name.rect().center())
    below = window.childAt(middle)
    qtbot.mouseClick(below, Qt.MouseButton.LeftButton, pos=below.mapFrom(window, middle))
    qtbot.waitUntil(lambda: "“blue”" in legend(window), timeout=PATIENCE_MS)
    assert inside(window) != [left, right]
    qtbot.keyClick(bars, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: "“blue”" not in legend(window) and inspector.map.shown is not None, timeout=PATIENCE_MS)

    qtbot.keyClick(gallery, Qt.Key.Key_M)
    assert inside(window) == plain
    assert legend(window) == ""


def test_the_viewer_shows_the_map_too(window: MainWindow, qtbot: QtBot, photo: Path) -> None:
    show(qtbot, window, photo)
    window.actions_by_id[ActionId.SHOW_MAP].trigger()
    qtbot.waitUntil(lambda: window.photos_page.inspector.map.shown is not None, timeout=PATIENCE_MS)
    window.photos_page.viewing.open()
    canvas = window.photos_page.viewing.viewer.get().canvas
    assert canvas._map is window.photos_page.inspector.map.shown
    shown = [one.text() for one in canvas.window().findChildren(QLabel) if one.isVisible()]
    assert shown.count("Where the model saw “green”") == 2, "in the inspector and in the viewer"
    qtbot.keyClick(canvas, Qt.Key.Key_M)
    assert canvas._map is None


def explanation(grid: tuple[tuple[float, ...], ...], area: tuple[float, float, float, float]) -> Explanation:
    return Explanation(Path("a"), "m", 1, "cat", MapMethod.EXACT, grid, area, Picture(1, 1, b"123"))


def test_a_map_lies_where_the_network_looked() -> None:
    shown = map_picture(explanation(((1.0, 0.0), (-2.0, 0.0)), (0.25, 0, 0.75, 1)))
    image = QImage(200, 100, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    shown.paint(painter, QRectF(0, 0, 200, 100))
    painter.end()
    colours = [image.pixelColor(x, y).name() for x, y in ((20, 50), (180, 50), (60, 10), (60, 90), (140, 10))]
    assert colours[:2] == ["#ffffff", "#ffffff"]
    assert yellow(colours[2]) > 100 > yellow(colours[3])
    assert colours[3] == colours[4]


def test_the_map_of_a_padded_photo_stays_on_the_photo() -> None:
    shown = map_picture(explanation(((0.0,), (1.0,), (0.0,), (0.0,)), (0, -0.5, 1, 1.5)))
    image = QImage(100, 100, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    shown.paint(painter, QRectF(0, 25, 100, 50))
    painter.end()
    colours = [image.pixelColor(50, y).name() for y in (10, 37, 70, 90)]
    assert (colours[0], colours[3]) == ("#ffffff", "#ffffff"), "nothing is painted beside the photo"
    assert yellow(colours[1]) > 100 > yellow(colours[2])
    assert image.pixelColor(0, 50).name() == image.pixelColor(1, 50).name(), "no outline: the network sees all of it"
