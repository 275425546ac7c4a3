"""Putting answers right on the page *Photos*: the marked photos, the chooser, and what is done with the choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from core.datasets.corrections import Correction
from core.prediction import Prediction
from gui.session.photos_model import Photo
from gui.session.session import Session
from gui.widgets.class_chooser import ClassChooser

_NAMED = 3
"""How many of several answers are told."""


class Correcting(QObject):
    """Asks the person what is in photos; the chooser is made when it is first wanted.

    Attributes:
        chooser: where they choose.
    """

    def __init__(self, session: Session, page: QWidget) -> None:
        super().__init__(page)
        self._session, self._page = session, page
        self.chooser: ClassChooser | None = None
        self._asked: list[Photo] = []

    def ask(self, photos: Sequence[Photo]) -> None:
        """Let the person choose what is in these photos; those without an answer have none to put right."""
        self._asked = [photo for photo in photos if isinstance(photo.outcome, Prediction)]
        facts = self._session.model
        if not self._asked or facts is None:
            self._session.noticed.emit("Choose a photo that the model has answered; then its answer can be put right.")
            return
        if self.chooser is None:
            self.chooser = ClassChooser(self._page.window())
            self.chooser.chosen.connect(self._correct)
        said = [photo.outcome for photo in self._asked if isinstance(photo.outcome, Prediction)]
        own = [self._session.correction(photo) for photo in self._asked]
        only = said[0] if len(said) == 1 else None
        self.chooser.open(
            [*facts.card.classes, *self._session.new_classes()],
            title="What is in this photo?" if only else f"What is in these {len(said):,} photos?",
            about=_told(said, own),
            likely=[score.label for score in only.scores] if only else [],
            current=own[0].label if only and own[0] else "",
        )

    def take_back(self, photos: Sequence[Photo]) -> None:
        """Take back what the person said of these photos."""
        self._session.take_back(photos)

    def _correct(self, label: str) -> None:
        self._session.correct(self._asked, label)


def _told(said: Sequence[Prediction], own: Sequence[Correction | None]) -> str:
    """What the model says, and what the person said before."""
    if len(said) == 1:
        best, before = said[0].best, own[0]
        told = f"The model says {best.label}, {best.probability:.0%}."
        return told if before is None else f"{told} You said {before.label}."
    counts = Counter(one.best.label for one in said).most_common()
    named = ", ".join(f"{label} ({count:,})" for label, count in counts[:_NAMED])
    rest = len(counts) - _NAMED
    return f"The model says {named}{f' and {rest:,} more' if rest > 0 else ''}."
