"""Every control as it is painted: no text is cut, and every state looks different, in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from core.base.settings import Theme
from gui.widgets import theme
from tests.gui.widgets.gallery import STATES, Gallery, hover

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")
WITHOUT_PRESSED = ("field", "number", "decimal", "percent", "choice", "text")
"""They open or take the focus when pressed."""


@pytest.fixture(params=[Theme.LIGHT, Theme.DARK], ids=["light", "dark"])
def gallery(request: pytest.FixtureRequest, qtbot: QtBot, qapp: QApplication) -> Iterator[Gallery]:
    """The gallery in a theme."""
    qapp.setStyle("Fusion")
    theme.apply(qapp, request.param)
    made = Gallery()
    qtbot.addWidget(made)
    made.resize(made.sizeHint())
    made.show()
    made.setFocus()  # so that no control has it, and a ring
    yield made
    theme.apply(qapp, Theme.LIGHT)


def picture(widget: QWidget, scale: int = 1) -> QImage:
    """The widget as it is painted at a scale."""
    result = QPixmap(widget.size() * scale)
    result.setDevicePixelRatio(scale)
    result.fill(Qt.GlobalColor.transparent)
    widget.render(result)
    return result.toImage()


def is_cut(widget: QWidget) -> bool:
    """Whether the text of this widget does not fit into it."""
    match widget:
        case QLabel() if widget.wordWrap():
            return widget.height() < widget.heightForWidth(widget.width())
        case QLabel() | QAbstractButton():
            needed = widget.sizeHint()
            return widget.width() < needed.width() or widget.height() < needed.height()
        case QLineEdit():
            return widget.height() < widget.fontMetrics().height()
    return False


def test_no_text_is_cut(gallery: Gallery) -> None:
    texts = [one for one in gallery.findChildren(QWidget) if one.isVisible() and is_cut(one)]
    assert not texts


@pytest.mark.parametrize("scale", [1, 2])
def test_every_state_looks_different(gallery: Gallery, scale: int) -> None:
    assert len(gallery.rows) > 15
    for name, controls in gallery.rows.items():
        for control in controls:  # columns may differ by a pixel
            control.resize(controls[0].size())
        hover(controls[STATES.index("hovered")])
        painted = dict(zip(STATES, (picture(control, scale) for control in controls), strict=True))
        if name.startswith(WITHOUT_PRESSED):
            del painted["pressed"]
        alike = [(one, other) for one, other in combinations(painted, 2) if painted[one] == painted[other]]
        assert not alike, name


def test_on_and_partly_look_different(gallery: Gallery) -> None:
    boxes = [picture(gallery.rows[name][0]) for name in ("checkbox", "checkbox, on", "checkbox, partly")]
    assert all(one != other for one, other in combinations(boxes, 2))
