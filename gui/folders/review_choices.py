"""The panel beside the photo under review: its prediction, and the classes to choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton

from core.base.i18n import tr
from core.jobs.reviewing import can_be_accepted
from core.jobs.values import Row
from gui.folders.row_text import percent_text
from gui.widgets import theme
from gui.widgets.basic import Bar, ButtonKind, Panel, button, label
from gui.widgets.layouts import SPACE, add, fill, hbox, vbox
from gui.widgets.photo_panel import headline_text, percent

_WIDTH: Final = 296
_MAX_CHOICES: Final = 9
_MIN_CHOICES: Final = 2
_OFFER: Final = 36
_REST: Final = 312
"""Height in pixels of a class button with the gap below it, and of everything else."""


class ReviewChoices(Panel):
    """Asks for the class of a photo.

    Attributes:
        accepted: the user confirmed the prediction.
        chosen: the user chose this class.
        other_wanted: the user wants to choose from all classes.
        skipped: the user skipped the photo.
        undo_wanted: undo the last review.
    """

    accepted = Signal()
    chosen = Signal(str)
    other_wanted = Signal()
    skipped = Signal()
    undo_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(tr("Prediction"))
        self.setFixedWidth(_WIDTH)
        self._offered: tuple[str, ...] = ()
        self._shown: tuple[str, ...] = ()
        self._percents: dict[str, float] = {}
        self.answer = label(kind="title", wrap=True)
        self._bar, self._number = Bar(), label(kind="number")
        self.right = self._button(tr("Confirm"), self.accepted.emit, tr("Enter"), "primary")
        self.nothing_to_confirm = label(
            tr("The model is not sure enough to confirm a class. Choose one, or skip the photo."), wrap=True
        )
        self._choose = label(kind="muted")
        self.offers = [self._make_offer(number) for number in range(1, _MAX_CHOICES + 1)]
        skip = self._button(tr("Skip"), self.skipped.emit, tr("S"))
        undo = self._button(tr("Undo"), self.undo_wanted.emit, tr("Ctrl+Z"))
        add(
            self.body,
            self.answer,
            hbox(fill(self._bar), self._number, spacing=12),
            self.right,
            self.nothing_to_confirm,
            theme.GRID,
            self._choose,
            vbox(*self.offers, spacing=4),
            self._button(tr("Other class…"), self.other_wanted.emit, tr("F2")),
            SPACE,
            hbox(skip, undo),
        )

    def _button(self, text: str, on_click: Callable[[], object], key: str, kind: ButtonKind = "") -> QPushButton:
        result = button(text, on_click, kind=kind, hint=key)
        result.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take Enter and Space away from the page
        return result

    def _make_offer(self, number: int) -> QPushButton:
        return self._button("", lambda: self.choose(number), str(number), "offer")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_offers()

    def show_row(self, row: Row, offered: Sequence[str]) -> None:
        """Show the prediction, and these classes to choose from."""
        self._offered = tuple(offered)
        self.answer.setText(headline_text(row.outcome))
        self.right.setVisible(can_be_accepted(row))
        self.nothing_to_confirm.setVisible(not can_be_accepted(row))
        self._choose.setText(tr("Or choose a class") if can_be_accepted(row) else tr("Choose a class"))
        self._bar.show_fraction(row.confidence or 0.0, is_strong=not row.unknown)
        self._number.setText(percent_text(row))
        self._percents = {score.label: score.probability for score in row.scores}
        self._show_offers()

    def _show_offers(self) -> None:
        """Show as many class buttons as fit; all other classes can be found by typing."""
        room = max(_MIN_CHOICES, (self.height() - _REST) // _OFFER)
        self._shown = self._offered[:room]
        for number, offer in enumerate(self.offers, start=1):
            offer.setVisible(number <= len(self._shown))
            if number <= len(self._shown):
                name = self._shown[number - 1]
                fraction = f"   {percent(self._percents[name])}" if name in self._percents else ""
                offer.setText(f"{number}   {name}{fraction}".replace("&", "&&"))
                offer.setAccessibleName(f"{number}: {name}{fraction}")

    def choose(self, number: int) -> None:
        """Choose the class on the button with this number."""
        if 0 < number <= len(self._shown):
            self.chosen.emit(self._shown[number - 1])
