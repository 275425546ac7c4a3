"""Looking at photos in the real window: fit, 100%, stepping, correcting, by mouse and keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.widgets.photo_viewer import PhotoViewer
from tests import tiny
from tests.gui.conftest import PATIENCE_MS

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")

LARGE = (3000, 2000)


def opened(window: MainWindow, qtbot: QtBot, photos: list[Path]) -> PhotoViewer:
    """The viewer, showing the first of these photos."""
    window.session.photo_list.add(photos)
    answered = window.session.photos.photos
    qtbot.waitUntil(lambda: len(answered()) == len(photos) and all(p.outcome for p in answered()), timeout=PATIENCE_MS)
    gallery = window.photos_page.gallery
    gallery.select_row(0)
    gallery.setFocus()
    QTest.keyClick(gallery, Qt.Key.Key_Space)
    viewer = window.photos_page.viewing.viewer.made
    assert viewer is not None
    qtbot.waitUntil(lambda: viewer.canvas.is_sharp, timeout=PATIENCE_MS)
    return viewer


def texts(viewer: PhotoViewer) -> str:
    return " ".join(one.text() for one in viewer.findChildren(QLabel) if one.isVisible())


def colour(viewer: PhotoViewer) -> str:
    """The colour in the middle of the photo."""
    canvas = viewer.canvas
    found = canvas.grab().toImage().pixelColor(canvas.grab().rect().center())
    return max(("red", "green", "blue"), key=lambda name: getattr(found, name)())


def test_photos_are_looked_at_zoomed_and_corrected(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    photos = [tiny.write_solid(tmp_path / f"{name}.png", name, size=LARGE) for name in ("red", "green", "blue")]
    viewer = opened(window, qtbot, photos)
    placement = viewer.canvas.placement
    assert placement.zoom is None
    assert placement.photo.toTuple() == LARGE
    assert "red.png" in texts(viewer)
    assert "1 of 3" in texts(viewer)
    assert colour(viewer) == "red"

    QTest.keyClick(viewer.canvas, Qt.Key.Key_1)
    assert "100%" in texts(viewer)
    qtbot.waitUntil(lambda: viewer.canvas.is_sharp, timeout=PATIENCE_MS)
    before = placement.visible_area()
    QTest.keyClick(viewer.canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert placement.visible_area().left > before.left
    QTest.mousePress(viewer.canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    QTest.mouseMove(viewer.canvas, QPoint(150, 200))
    QTest.mouseRelease(viewer.canvas, Qt.MouseButton.LeftButton, pos=QPoint(150, 200))
    QTest.keyClick(viewer.canvas, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert "125%" in texts(viewer)
    scroll(viewer, -120)
    assert "100%" in texts(viewer)
    QTest.mouseDClick(viewer.canvas, Qt.MouseButton.LeftButton)
    assert placement.zoom is None

    QTest.keyClick(viewer.canvas, Qt.Key.Key_Right)
    assert "green.png" in texts(viewer)
    assert "2 of 3" in texts(viewer)
    qtbot.waitUntil(lambda: viewer.canvas.is_sharp, timeout=PATIENCE_MS)
    assert colour(viewer) == "green"
    window.actions_by_id[ActionId.CORRECT].trigger()
    chooser = window.photos_page.browser.chooser
    assert chooser is not None
    assert chooser.isVisible()
    QTest.keyClicks(chooser.line, "blue")
    QTest.keyClick(chooser.line, Qt.Key.Key_Return)
    assert "blue" in viewer.title.text()
    assert viewer.isVisible()
    assert viewer.canvas.hasFocus()

    QTest.keyClick(viewer.canvas, Qt.Key.Key_Escape)
    assert not viewer.isVisible()
    assert window.photos_page.gallery.current_row() == 1
    assert window.photos_page.gallery.hasFocus()


def test_what_comes_into_sight_is_drawn_while_the_hand_still_moves(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    canvas = opened(window, qtbot, [tiny.write_solid(tmp_path / "red.png", "red", size=LARGE)]).canvas
    canvas.zoom_to(1.0)
    qtbot.waitUntil(lambda: canvas.is_sharp, timeout=PATIENCE_MS)
    first = canvas._part

    def is_drawn_again() -> bool:
        canvas.pan(QPointF(-1, 0))  # every 10 ms
        return canvas._part is not first

    qtbot.waitUntil(is_drawn_again, timeout=PATIENCE_MS)
    assert canvas._part is not None
    assert canvas._part[0].width > canvas.width(), "with a margin, for what comes into sight next"


def scroll(viewer: PhotoViewer, angle: int) -> None:
    middle = QPointF(viewer.canvas.rect().center())
    buttons, none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(middle, middle, QPoint(), QPoint(0, angle), buttons, none, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(viewer.canvas, event)


def test_a_viewer_keeps_the_focus_and_closes_with_its_page(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("no photo")
    viewer = opened(window, qtbot, [*solids.values(), broken])
    for _ in range(20):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert viewer.isAncestorOf(QApplication.focusWidget())
    QTest.keyClick(viewer.canvas, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: viewer.canvas.is_sharp, timeout=PATIENCE_MS)
    assert "4 of 4" in texts(viewer)
    assert not viewer.correct.isEnabled()
    window.actions_by_id[ActionId.REMOVE].trigger()
    assert "3 of 3" in texts(viewer)
    window.actions_by_id[ActionId.SHOW_MODELS].trigger()
    assert not viewer.isVisible()

    window.actions_by_id[ActionId.SHOW_PHOTOS].trigger()
    gallery = window.photos_page.gallery
    place = gallery.visualRect(gallery.currentIndex()).center()
    QTest.mouseClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert viewer.isVisible()
    window.actions_by_id[ActionId.CLEAR].trigger()
    assert not viewer.isVisible()
