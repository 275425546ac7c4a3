"""A button that shows the key that presses it, and a value beside its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QPushButton, QStyle, QStyleOptionButton, QStylePainter

from gui.widgets import icons, theme
from gui.widgets.basic import ButtonKind
from gui.widgets.painting import CENTRE, LEFT, RIGHT, paint_text

_PAD: Final = 10
_CAP_HEIGHT: Final = 18
_DIGIT_WIDTH: Final = 20
_MIN_TEXT: Final = 48
_SIGN: Final = 16


class KeyButton(QPushButton):
    """A button with a key cap: a digit to the left of its text, any other key at the right end; a mark if checked.

    Long texts are elided, so the button never widens its column. A click does not focus it, as that would take the
    keys away from the page.
    """

    def __init__(self, text: str, on_click: Callable[[], object], key: str = "", kind: ButtonKind = "offer") -> None:
        super().__init__()
        self.setProperty("kind", kind)
        self.setAutoDefault(True)  # Enter presses it while it has the focus
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(lambda: on_click())  # drops the argument of the signal
        self._name = self._key = self._value = ""
        self.show_choice(text, key)

    def show_choice(self, text: str, key: str = "", value: str = "") -> None:
        """Show this text, key and value; a key without a cap is empty."""
        self._name, self._key, self._value = text, key, value
        self.setText(text.replace("&", "&&"))
        parts = [f"{key}: {text}" if key.isdecimal() else text, value]
        self.setAccessibleName("  ".join(part for part in parts if part))
        self.setAccessibleDescription("" if key.isdecimal() else key)
        self.update()

    def sizeHint(self) -> QSize:
        texts = (self._name, self._value, self._key)
        return QSize(sum(map(self.fontMetrics().horizontalAdvance, texts)) + 6 * _PAD, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        cap = self.fontMetrics().horizontalAdvance(self._key)
        return QSize(_MIN_TEXT + cap + 4 * _PAD, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.setFont(self.font())
        self._paint_parts(painter, self.rect().adjusted(_PAD, 0, -_PAD, 0))
        painter.end()

    def _paint_parts(self, painter: QPainter, box: QRect) -> None:
        is_strong = self.property("kind") == "primary" and self.isEnabled()
        colours = theme.current()
        colour = colours.on_accent if is_strong else self.palette().color(QPalette.ColorRole.ButtonText).name()
        muted = colour if is_strong else colours.muted
        is_first = self._key.isdecimal() or not self._key
        cap = max(_DIGIT_WIDTH, painter.fontMetrics().horizontalAdvance(self._key) + 8) if self._key else 0
        if is_first:
            _paint_cap(painter, QRect(box.left(), 0, cap, box.height()), self._key, muted)
            box.setLeft(box.left() + (_DIGIT_WIDTH + _PAD if self.property("kind") == "offer" else 0))
        else:
            _paint_cap(painter, QRect(box.right() - cap + 1, 0, cap, box.height()), self._key, muted)
            box.setRight(box.right() - cap - _PAD)
        if self.isChecked():
            sign = QRectF(box.right() - _SIGN + 1, box.center().y() - _SIGN / 2 + 1, _SIGN, _SIGN)
            icons.paint(painter, "check", sign, colours.accent)
        if self.isCheckable():
            box.setRight(box.right() - _SIGN - _PAD // 2)
        if self._value:
            width = paint_text(painter, box, self._value, muted, side=RIGHT)
            box.setRight(box.right() - width - _PAD)
        paint_text(painter, box, self._name, colour, bold=is_strong, side=LEFT)


def _paint_cap(painter: QPainter, box: QRect, key: str, colour: str) -> None:
    if not key:
        return
    cap = QRectF(0, 0, box.width() - 1, _CAP_HEIGHT)
    cap.moveCenter(QRectF(box).center())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    outline = QColor(colour)
    outline.setAlphaF(0.5)
    painter.setPen(QPen(outline, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(cap, 4, 4)
    paint_text(painter, cap.toRect(), key, colour, side=CENTRE)
    painter.restore()
