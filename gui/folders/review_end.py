"""The end of a review: how often the model was right, and what to do next."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from core.base.i18n import tr, tr_n
from core.jobs.values import Review, Row, Verdict
from gui.widgets.basic import Icon, button, label, show_text
from gui.widgets.layouts import CENTRE, SPACE, Placed, hbox, vbox


@dataclass(frozen=True, slots=True)
class ReviewTally:
    """What was found in a review: predictions that were right or wrong, unknown photos labelled, photos skipped."""

    right: int = 0
    wrong: int = 0
    unknown: int = 0
    skipped: int = 0

    @classmethod
    def of(cls, reviews: Collection[tuple[Row, Review]]) -> ReviewTally:
        """Count the reviews of these rows."""
        verdicts = [(review.verdict, row.is_guess) for row, review in reviews]
        return cls(
            right=sum(verdict is Verdict.ACCEPTED for verdict, _ in verdicts),
            wrong=verdicts.count((Verdict.CORRECTED, False)),
            unknown=verdicts.count((Verdict.CORRECTED, True)),
            skipped=sum(verdict is Verdict.SKIPPED for verdict, _ in verdicts),
        )

    @property
    def labelled(self) -> int:
        """The number of photos that got a label."""
        return self.right + self.wrong + self.unknown

    def text(self) -> str:
        """How often the model was right, in up to three sentences; empty if nothing was reviewed."""
        parts, judged = [], self.right + self.wrong
        if judged:
            parts.append(tr("The model was right on {right:,} of {total:,}.", right=self.right, total=judged))
        if self.unknown:
            parts.append(tr_n("{count:,} was unknown to it.", "{count:,} were unknown to it.", self.unknown))
        if self.skipped:
            parts.append(tr_n("You skipped {count:,}.", "You skipped {count:,}.", self.skipped))
        return " ".join(parts)


class ReviewEnd(QWidget):
    """Shows the result of a review, with buttons for what follows.

    Attributes:
        closed: the user wants to go back to the results.
        retrain_wanted: the user wants to retrain the model with the labels.
    """

    closed = Signal()
    retrain_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.headline, self._details = label(kind="display"), label(kind="heading", wrap=True)
        self.retrain = button(tr("Retrain"), self.retrain_wanted.emit, kind="primary")
        self.sort, self.export = button(tr("Sort into folders…")), button(tr("Export"))
        back = button(tr("Back to results"), self.closed.emit)
        self._details.setAlignment(CENTRE)
        self._buttons = hbox(SPACE, self.retrain, self.sort, self.export, back, SPACE)
        shown = (Placed(Icon("check", "accent", 56), alignment=CENTRE), Placed(self.headline, alignment=CENTRE))
        vbox(SPACE, *shown, self._details, self._buttons, SPACE, parent=self, margins=24, spacing=16)

    def fill(self, sort: QAction, exports: QMenu) -> None:
        """Connect the buttons to the window's actions."""
        self.sort.clicked.connect(sort.trigger)
        self.export.setMenu(exports)

    def show_tally(self, count: int, tally: ReviewTally, *, can_retrain: bool) -> None:
        """Show the end of a review of this many photos; 0 if there were none to review."""
        if not count:
            text = tr("Nothing to review")
        elif tally.skipped:
            text = tr("{done:,} of {total:,} photos reviewed", done=count - tally.skipped, total=count)
        else:
            text = tr_n("{count:,} photo reviewed", "All {count:,} photos reviewed", count)
        self.headline.setText(text)
        show_text(self._details, tally.text() if count else tr("You have reviewed all photos that match the filters."))
        self.retrain.setVisible(can_retrain and tally.labelled > 0)
        self.setAccessibleName(f"{text}. {self._details.text()}")
