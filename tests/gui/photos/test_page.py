"""The page *Photos*: what is up to date beside the gallery, and what is shown of a photo that waits."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRect
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from gui.session.photos_model import Role
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.widgets import theme
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS


def all_classified(window: MainWindow, count: int) -> bool:
    photos = window.session.photos.photos()
    return len(photos) == count and all(photo.outcome is not None for photo in photos)


def visible_texts(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]


def test_predictions_of_another_model_are_dimmed_until_the_new_ones_arrive(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path]
) -> None:
    window.session.photo_list.add([solids["red"]])
    qtbot.waitUntil(lambda: all_classified(window, 1), timeout=PATIENCE_MS)
    index = window.session.photos.index(0)
    assert not index.data(Role.STALE)
    assert not has_sign(window)
    window.session.photos.show_in_use("other", None)
    assert index.data(Role.STALE)
    assert has_sign(window), "it is being classified"
    about = "This prediction was made before the model or its options changed."
    assert about in visible_texts(window.photos_page.inspector)
    window.session.models.open()
    qtbot.waitUntil(lambda: not index.data(Role.STALE), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: about not in visible_texts(window.photos_page.inspector), timeout=PATIENCE_MS)


def has_sign(window: MainWindow) -> bool:
    """Whether the corner of the first photo has the sign that it waits for its prediction."""
    gallery = window.photos_page.gallery
    tile = gallery.visualRect(gallery.model().index(0, 0))
    corner = gallery.viewport().grab(QRect(tile.right() - 50, tile.top() + 12, 36, 30)).toImage()
    accent, places = QColor(theme.current().accent), range(corner.width() * corner.height())
    colours = (corner.pixelColor(place % corner.width(), place // corner.width()) for place in places)
    return any(abs(one.red() - accent.red()) + abs(one.blue() - accent.blue()) < 60 for one in colours)


def test_a_new_photo_is_shown_from_the_top(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    window.resize(900, 600)
    window.session.photo_list.add([solids["red"], solids["green"]])
    qtbot.waitUntil(lambda: all_classified(window, 2), timeout=PATIENCE_MS)
    bar = window.photos_page.inspector.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0, timeout=PATIENCE_MS)
    bar.setValue(bar.maximum())
    assert dragging.drop(window, dragging.files([solids["blue"]]))
    qtbot.waitUntil(lambda: all_classified(window, 3), timeout=PATIENCE_MS)
    assert bar.value() == 0
    bar.setValue(bar.maximum())
    window.actions_by_id[ActionId.SELECT_ALL].trigger()
    qtbot.waitUntil(lambda: window.photos_page.inspector.selection.isVisible(), timeout=PATIENCE_MS)
    assert bar.value() == 0, "what can be done with all of them is at the top"
