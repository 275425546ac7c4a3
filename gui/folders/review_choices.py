"""The panel beside the photo under review: its prediction, and the classes to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout

from core.base.i18n import tr
from core.jobs.reviewing import can_be_accepted
from core.jobs.values import Row
from gui.folders.row_text import percent_text
from gui.photos.inspector import percent
from gui.widgets import theme
from gui.widgets.basic import Bar, Panel, label

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
        self.body.addWidget(self.answer)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._bar, 1)
        row.addWidget(self._number)
        self.body.addLayout(row)
        self.right = self._button(tr("Confirm"), self.accepted, tr("Enter"))
        self.right.setProperty("kind", "primary")
        self.nothing_to_confirm = label(
            tr("The model is not sure enough to confirm a class. Choose one, or skip the photo."), wrap=True
        )
        self.body.addWidget(self.right)
        self.body.addWidget(self.nothing_to_confirm)
        self.body.addSpacing(theme.GRID)
        self._choose = label(kind="muted")
        self.body.addWidget(self._choose)
        self.offers = [self._make_offer(number) for number in range(1, _MAX_CHOICES + 1)]
        offers = QVBoxLayout()
        offers.setSpacing(4)
        for offer in self.offers:
            offers.addWidget(offer)
        self.body.addLayout(offers)
        self.body.addWidget(self._button(tr("Other class…"), self.other_wanted, tr("F2")))
        self.body.addStretch()
        rest = QHBoxLayout()
        rest.addWidget(self._button(tr("Skip"), self.skipped, tr("S")))
        rest.addWidget(self._button(tr("Undo"), self.undo_wanted, tr("Ctrl+Z")))
        self.body.addLayout(rest)

    def _button(self, text: str, signal: object, key: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(key)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take Enter and Space away from the page
        button.clicked.connect(signal)
        return button

    def _make_offer(self, number: int) -> QPushButton:
        button = self._button("", lambda: self.choose(number), str(number))
        button.setProperty("kind", "offer")
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_offers()

    def show_row(self, row: Row, offered: Sequence[str]) -> None:
        """Show the prediction, and these classes to choose from."""
        self._offered = tuple(offered)
        self.answer.setText(tr("Unknown, maybe {label}", label=row.label) if row.unknown else row.label or "")
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
        for number, button in enumerate(self.offers, start=1):
            button.setVisible(number <= len(self._shown))
            if number <= len(self._shown):
                name = self._shown[number - 1]
                fraction = f"   {percent(self._percents[name])}" if name in self._percents else ""
                button.setText(f"{number}   {name}{fraction}".replace("&", "&&"))
                button.setAccessibleName(f"{number}: {name}{fraction}")

    def choose(self, number: int) -> None:
        """Choose the class on the button with this number."""
        if 0 < number <= len(self._shown):
            self.chosen.emit(self._shown[number - 1])
