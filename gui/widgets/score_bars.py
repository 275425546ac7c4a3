"""The classes of a prediction with their probabilities, as bars."""

from __future__ import annotations

from typing import Final, TypeAlias

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from core.base.i18n import tr
from core.prediction import Prediction, Score
from gui.widgets import theme
from gui.widgets.basic import Bar, Icon, label
from gui.widgets.formats import confidence, percent

_TICK: Final = 16
"""The side of the check mark beside the classes that a photo has by a multi-label model."""


_Widgets: TypeAlias = tuple[QLabel, Bar, QLabel, Icon]


class ScoreBars(QWidget):
    """The most likely classes: label, bar, number; one of them can be chosen by a click, or by Up and Down.

    Attributes:
        chosen: the user chose this class.
    """

    chosen = Signal(str)

    def __init__(self, rows: int = 0) -> None:
        """Create this many rows; further ones are created when they are first shown."""
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 4, 0, 4)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[_Widgets] = []
        self._names: list[str] = []
        self._is_open = False
        for _ in range(rows):
            self._add_row()

    def let_choose(self, *, on: bool) -> None:
        """Let the user choose a class, or not."""
        self._is_open = on
        for text, *_ in self._rows:
            text.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, on)
        self.setAccessibleName(tr("Predicted classes") if on else "")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if on else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor if on else Qt.CursorShape.ArrowCursor)
        self.setToolTip(tr("Choose a class to see where the model saw it") if on else "")

    def mark(self, name: str) -> None:
        """Mark the class that is chosen; an empty name marks none."""
        for (text, *_), own in zip(self._rows, self._names, strict=False):
            font = text.font()
            font.setBold(own == name)
            text.setFont(font)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.hasFocus():
            painter = QPainter(self)
            painter.setPen(QColor(theme.current().accent))
            painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 4, 4)
            painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for (text, *_), name in zip(self._rows, self._names, strict=False):
            if self._is_open and text.y() <= event.position().y() <= text.geometry().bottom():
                self.chosen.emit(name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
        if not (self._is_open and step and self._names):
            super().keyPressEvent(event)
            return
        bold = [name for (text, *_), name in zip(self._rows, self._names, strict=False) if text.font().bold()]
        at = self._names.index(bold[0]) + step if bold else 0
        self.chosen.emit(self._names[min(max(at, 0), len(self._names) - 1)])

    def show_prediction(self, prediction: Prediction | None) -> None:
        """Show the classes of a prediction, most likely first; the bars of its answer have the accent colour."""
        scores = prediction.scores if prediction else ()
        self._names = [score.label for score in scores]
        while len(self._rows) < len(scores):
            self._add_row()
        for row, widgets in enumerate(self._rows):
            for widget in widgets:
                widget.setVisible(row < len(scores))
            if prediction and row < len(scores):
                self._show_score(widgets, scores[row], is_in=_is_in_answer(prediction, row))

    def _show_score(self, widgets: _Widgets, score: Score, *, is_in: bool) -> None:
        name, bar, number, tick = widgets
        name.setText(score.label)
        number.setText(confidence(score.probability))
        number.setAccessibleName(_score_text(score, is_in=is_in))
        bar.show_fraction(score.probability, is_strong=is_in, mark=score.threshold)
        tick.setVisible(is_in and score.threshold is not None)
        self._grid.setColumnMinimumWidth(3, 0 if score.threshold is None else _TICK)
        for widget in (name, bar, number):
            widget.setToolTip("" if score.threshold is None else _threshold_text(score))

    def _add_row(self) -> None:
        row = len(self._rows)
        name, bar, number, tick = label(wrap=True), Bar(), label(kind="number"), Icon("check", "accent", _TICK)
        name.setFixedWidth(136)
        name.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, self._is_open)
        number.setMinimumWidth(48)
        number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._grid.addWidget(name, row, 0)
        self._grid.addWidget(bar, row, 1)
        self._grid.addWidget(number, row, 2)
        self._grid.addWidget(tick, row, 3)
        self._rows.append((name, bar, number, tick))


def _is_in_answer(prediction: Prediction, row: int) -> bool:
    if prediction.labels is not None:
        return prediction.scores[row].label in prediction.labels
    return row == 0 and not prediction.unknown


def _score_text(score: Score, *, is_in: bool) -> str:
    sure = confidence(score.probability)
    if score.threshold is None:
        return tr("{label}: {confidence}", label=score.label, confidence=sure)
    if is_in:
        return tr("{label}: yes, {confidence}", label=score.label, confidence=sure)
    return tr("{label}: no, {confidence}", label=score.label, confidence=sure)


def _threshold_text(score: Score) -> str:
    share = percent(score.threshold or 0.0)
    return tr("A photo has the class “{label}” from {threshold}", label=score.label, threshold=share)
