"""The panel beside the photo under review: its prediction, and the classes to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent

from core.base.i18n import tr
from core.base.label_sets import classes_of, label_of, label_text
from core.jobs.reviewing import can_be_accepted
from core.jobs.values import Row
from core.prediction import Level
from gui.folders.row_text import percent_text
from gui.widgets import theme
from gui.widgets.basic import Bar, Panel, label
from gui.widgets.class_chooser import NUMBERED, ordered_classes
from gui.widgets.formats import confidence
from gui.widgets.key_button import KeyButton
from gui.widgets.layouts import SPACE, add, fill, hbox, vbox
from gui.widgets.photo_panel import coverage_text, headline_text

_WIDTH: Final = 304
_LIKELY: Final = 5
"""How many of the most likely classes come first, with their probabilities."""
_MAX_CHOICES: Final = NUMBERED + _LIKELY
_GROUP_KEY: Final = "0"
_OFFER: Final = 34
"""Height in pixels of a class button with the gap below it."""


class ReviewChoices(Panel):
    """Asks for the class of a photo. Each class keeps its digit, wherever its button is.

    Where a photo may have several classes, a button or digit adds or removes one, and the user confirms them together.

    Attributes:
        accepted: the user confirmed the prediction.
        chosen: the user chose this class.
        other_wanted: the user wants to choose from all classes.
        skipped: the user skipped the photo.
    """

    accepted = Signal()
    chosen = Signal(str)
    other_wanted = Signal()
    skipped = Signal()

    def __init__(self) -> None:
        super().__init__(tr("Prediction"))
        self.setFixedWidth(_WIDTH)
        self._numbered: tuple[str, ...] = ()
        self._offered: tuple[str, ...] = ()
        self._percents: dict[str, str] = {}
        self._group = ""
        self._row: Row | None = None
        self._several: frozenset[str] | None = None
        self.answer = label(kind="title", wrap=True)
        self._bar, self._number = Bar(), label(kind="number")
        self.right = KeyButton(tr("Confirm"), self.accepted.emit, tr("Enter"), "primary")
        self.group = KeyButton("", lambda: self.choose(0), _GROUP_KEY)
        self.nothing_to_confirm = label(
            tr("No class fits well enough to be confirmed. Choose one, or skip the photo."), wrap=True
        )
        self._choose = label(kind="muted")
        self.offers = [self._make_offer(place) for place in range(_MAX_CHOICES)]
        add(
            self.body,
            self.answer,
            hbox(fill(self._bar), self._number, spacing=12),
            self.right,
            self.group,
            self.nothing_to_confirm,
            theme.GRID,
            self._choose,
            vbox(*self.offers, spacing=2),
            theme.GRID,
            KeyButton(tr("Other class…"), self.other_wanted.emit, tr("F2"), ""),
            KeyButton(tr("Skip"), self.skipped.emit, "→", ""),
            SPACE,
        )

    def _make_offer(self, place: int) -> KeyButton:
        return KeyButton("", lambda: self._choose_class(self._offered[place]))

    @property
    def chosen_label(self) -> str | None:
        """The label of the classes chosen so far, if the photo may have several; otherwise None."""
        return None if self._several is None else label_of(self._several)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_offers()

    def show_row(self, row: Row, classes: Sequence[str]) -> None:
        """Show the prediction, and the classes of the model to choose from."""
        likely, is_known = [score.label for score in row.scores], can_be_accepted(row)
        may_have_several = row.prediction is not None and row.prediction.labels is not None
        self._row, self._several = row, frozenset(classes_of(row.label)) if may_have_several else None
        self._numbered = ordered_classes(classes or likely, likely)[:NUMBERED]
        confirmed = {row.label} if is_known and self._several is None else set()
        others = [one for one in likely if one not in confirmed][:_LIKELY]
        rest = [one for one in self._numbered if one not in confirmed]
        self._offered = tuple(dict.fromkeys([*others, *rest]))
        self._percents = {one.label: confidence(one.probability) for one in row.scores if one.label in others}
        self.answer.setText(headline_text(row.outcome))
        self.answer.setToolTip(coverage_text(row.outcome))
        self.right.show_choice(tr("Confirm {label}", label=label_text(row.label or "")), tr("Enter"))
        self.right.setVisible(is_known)
        self._show_group(row.prediction.group if row.prediction else None)
        self.nothing_to_confirm.setVisible(not is_known)
        self._choose.setText(tr("Or choose a class") if is_known else tr("Choose a class"))
        self._bar.show_fraction(row.confidence or 0.0, is_strong=not row.is_unknown)
        self._number.setText(percent_text(row))
        self._show_offers()
        if self._several is not None:
            self._choose.setText(tr("Choose all classes that fit"))

    def _choose_class(self, name: str) -> None:
        """Choose a class, or add it to the chosen ones or remove it."""
        if self._several is None or self._row is None:
            self.chosen.emit(name)
            return
        self._several ^= {name}
        text = label_text(label_of(self._several))
        self.answer.setText(text if self._several else tr("No class"))
        is_same = label_of(self._several) == self._row.label
        self.right.show_choice(
            tr("Confirm {label}", label=text) if is_same else tr("Save {label}", label=text), tr("Enter")
        )
        self._show_offers()

    def _show_offers(self) -> None:
        """Show as many class buttons as fit; all other classes are chosen by their digit or by typing."""
        room = self._room()
        self._choose.setVisible(room > 0)
        for place, offer in enumerate(self.offers):
            offer.setVisible(place < min(room, len(self._offered)))
            if place < len(self._offered):
                name = self._offered[place]
                digit = str(self._numbered.index(name) + 1) if name in self._numbered else ""
                offer.show_choice(name, digit, self._percents.get(name, ""))
                offer.setCheckable(self._several is not None)
                offer.setChecked(self._several is not None and name in self._several)

    def _show_group(self, group: Level | None) -> None:
        """Offer to accept only the group that the prediction is sure of."""
        self._group = group.label if group else ""
        self.group.setVisible(group is not None)
        if group is not None:
            share = confidence(group.probability)
            self.group.show_choice(tr("Only {group}", group=group.label), _GROUP_KEY, share)

    def _room(self) -> int:
        """How many class buttons fit beside the rest, whose height depends on how the texts wrap."""
        self._choose.show()
        self.body.activate()
        shown = sum(not offer.isHidden() for offer in self.offers)
        rest = self.body.totalHeightForWidth(self.width()) - shown * _OFFER
        return max(0, (self.height() - rest) // _OFFER)

    def choose(self, number: int) -> None:
        """Choose the class with this digit; 0 is the group that the prediction is sure of."""
        if number == 0 and self._group:
            self.chosen.emit(self._group)
        elif 0 < number <= len(self._numbered):
            self._choose_class(self._numbered[number - 1])
