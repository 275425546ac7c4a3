"""Every control in every state, to look at while the design changes: `python -m tests.gui.widgets.gallery [SCALE]`.

The texts are for developers only, so they are not translated.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QLineEdit,
    QPlainTextEdit,
    QRadioButton,
    QSpinBox,
    QTreeWidgetItem,
    QWidget,
)

from core.base.progress import Progress
from core.base.settings import Theme
from gui.tasks.notice import Notice, NoticeKind
from gui.widgets import theme
from gui.widgets.basic import (
    Bar,
    ButtonKind,
    CheckBox,
    Choice,
    Kind,
    Panel,
    PercentBox,
    ProgressBar,
    PropertyList,
    ScrollColumn,
    button,
    icon_button,
    label,
    plain_list,
    restyle,
)
from gui.widgets.focus_ring import FocusRings
from gui.widgets.layouts import LEFT, SPACE, Placed, add, fill, hbox, vbox
from gui.widgets.notices import Toast
from gui.widgets.work_strip import WorkStrip

STATES: Final = ("normal", "hovered", "pressed", "focused", "disabled")
_BUTTONS: Final[tuple[ButtonKind, ...]] = ("", "primary", "link", "offer", "chip")
_TEXTS: Final[tuple[Kind, ...]] = ("display", "title", "heading", "number", "plain", "muted", "warning", "danger")
_SENTENCE: Final = "Couldn't read cat.jpg: the file is empty. Download or copy it again."


class Gallery(QWidget):
    """The controls in rows, their states in columns.

    Attributes:
        rows: the controls of each row by name, one for each of `STATES`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.rows: dict[str, list[QWidget]] = {}
        left = vbox(self._controls(), SPACE, spacing=2 * theme.GRID)
        right = vbox(_texts(), _notices(), _progress(), _lists(), SPACE, spacing=2 * theme.GRID)
        hbox(Placed(left, 3), Placed(right, 2), parent=self, margins=3 * theme.GRID, spacing=2 * theme.GRID)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Let the hovered buttons notice the pointer, which they look for in its movements."""
        super().showEvent(event)
        for controls in self.rows.values():
            hover(controls[STATES.index("hovered")])

    def _controls(self) -> Panel:
        panel, grid = Panel("Controls"), QGridLayout()
        for column, state in enumerate(STATES):
            grid.addWidget(label(state, "muted"), 0, column + 1)
        for row, (name, make) in enumerate(_makers().items(), 1):
            controls = [_in_state(make(), state) for state in STATES]
            grid.addWidget(label(name, "muted"), row, 0)
            for column, control in enumerate(controls):
                grid.addWidget(control, row, column + 1)
            self.rows[name] = controls
        panel.body.addLayout(grid)
        return panel


def _makers() -> dict[str, Callable[[], QWidget]]:
    """What makes a control of each kind, by its name."""
    makers: dict[str, Callable[[], QWidget]] = {
        f"button {kind}".strip(): partial(button, "Retrain", kind=kind) for kind in _BUTTONS
    }
    makers |= {
        "icon button": lambda: icon_button("copy", "Copy", lambda: None),
        "checkbox": lambda: CheckBox("Subfolders"),
        "checkbox, on": lambda: _checked(CheckBox("Subfolders"), Qt.CheckState.Checked),
        "checkbox, partly": lambda: _checked(CheckBox("Subfolders"), Qt.CheckState.PartiallyChecked),
        "radio button": lambda: QRadioButton("Quick"),
        "radio button, on": _chosen,
        "field": lambda: QLineEdit("holiday"),
        "field, empty": lambda: QLineEdit(placeholderText="*.jpg"),
        "number": lambda: QSpinBox(value=12),
        "decimal": lambda: QDoubleSpinBox(value=0.5),
        "percent": lambda: PercentBox(0.5),
        "choice": _choice,
        "text": _text,
    }
    return makers


def _in_state(control: QWidget, state: str) -> QWidget:
    """Put a control into a state as if the pointer or the keyboard had."""
    control.setToolTip(state)
    match state:
        case "pressed" if isinstance(control, QAbstractButton):
            control.setDown(True)
        case "focused":
            restyle(control, "ring", value=True)
        case "disabled":
            control.setEnabled(False)
    return control


def hover(control: QWidget) -> None:
    """Let a control believe that the pointer is on it."""
    control.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    place, no_button = QPointF(12, control.height() / 2), Qt.MouseButton.NoButton
    move = QMouseEvent(QEvent.Type.MouseMove, place, place, no_button, no_button, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(control, move)


def _checked(box: QCheckBox, state: Qt.CheckState) -> QCheckBox:
    box.setCheckState(state)
    return box


def _chosen() -> QRadioButton:
    result = QRadioButton("Quick")
    result.setAutoExclusive(False)
    result.setChecked(True)
    return result


def _choice() -> Choice:
    result = Choice()
    result.addItems(["General", "Everyday"])
    return result


def _text() -> QPlainTextEdit:
    result = QPlainTextEdit("bird\ncat")
    result.setFixedHeight(56)
    return result


def _texts() -> Panel:
    panel = Panel("Texts")
    add(panel.body, *(label(f"{kind.capitalize()}: 94% of 12,480 photos", kind) for kind in _TEXTS))
    return panel


def _notices() -> Panel:
    panel = Panel("Notices")
    for kind in NoticeKind:
        add(panel.body, Toast(Notice(_SENTENCE, kind, (("Undo", lambda: None),)), lambda _: None, lambda: None))
    return panel


def _progress() -> Panel:
    panel = Panel("Progress")
    for fraction in (0.0, 0.001, 0.017, 0.4, 1.0):
        bar, progress = Bar(), ProgressBar()
        bar.show_fraction(fraction, is_strong=fraction > 0.01)
        progress.setRange(0, 1000)
        progress.setValue(round(1000 * fraction))
        add(panel.body, hbox(fill(bar), fill(progress), spacing=16))
    strip = WorkStrip("Progress", "Cancel")
    strip.show_progress(Progress("reading photos", 40, 100, None))
    strip.show()
    add(panel.body, strip)
    return panel


def _lists() -> Panel:
    panel, properties = Panel("Lists and cards"), PropertyList()
    names = plain_list("Models", ["Model", "Photos"], 0)
    names.addTopLevelItems([QTreeWidgetItem([name, "1,000"]) for name in ("General", "Everyday")])
    names.setCurrentIndex(names.model().index(0, 0))
    names.setFixedHeight(110)
    properties.show_properties([("Input size", "299 × 299 px"), ("Size on disk", "88.1 MB")])
    cards = [_card(is_chosen=is_chosen) for is_chosen in (False, True)]
    add(panel.body, names, properties, hbox(*cards, spacing=theme.GRID))
    return panel


def _card(*, is_chosen: bool) -> QFrame:
    card = QFrame()
    card.setObjectName("card")
    card.setProperty("chosen", is_chosen)
    text = "Chosen" if is_chosen else "Card"
    vbox(label(text, "heading"), label("Takes seconds.", "muted"), parent=card, margins=12)
    return card


def main() -> int:
    """Show the gallery in a window; a scale such as 2 enlarges everything."""
    os.environ["QT_SCALE_FACTOR"] = sys.argv[1] if len(sys.argv) > 1 else "1"
    application = QApplication(sys.argv[:1])
    application.setStyle("Fusion")
    theme.apply(application, Theme.LIGHT)
    FocusRings(application, application)

    def switch() -> None:
        theme.apply(application, Theme.DARK if theme.current() is theme.LIGHT else Theme.LIGHT)

    window = ScrollColumn("Gallery")
    window.show_column(Placed(button("Light or dark", switch), alignment=LEFT), Gallery())
    window.resize(1280, 860)
    window.show()
    return application.exec()


if __name__ == "__main__":
    sys.exit(main())
