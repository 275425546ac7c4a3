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


class CorrectionController(QObject):
    """Asks the person what is in photos; the chooser is made when it is first wanted.

    Attributes:
        chooser: where they choose.
    """

    def __init__(self, session: Session, page: QWidget) -> None:
        super().__init__(page)
        self._session, self._page = session, page
        self.chooser: ClassChooser | None = None
        self._photos: list[Photo] = []

    def choose_class(self, photos: Sequence[Photo]) -> None:
        """Let the person choose what is in these photos; those without an answer have none to put right."""
        self._photos = [photo for photo in photos if isinstance(photo.outcome, Prediction)]
        facts = self._session.model
        if not self._photos or facts is None:
            self._session.noticed.emit("Choose a photo that the model has answered; then its answer can be put right.")
            return
        if self.chooser is None:
            self.chooser = ClassChooser(self._page.window())
            self.chooser.chosen.connect(self._correct)
        predictions = [photo.outcome for photo in self._photos if isinstance(photo.outcome, Prediction)]
        labels = [self._session.correction(photo) for photo in self._photos]
        only = predictions[0] if len(predictions) == 1 else None
        self.chooser.open(
            [*facts.card.classes, *self._session.new_classes()],
            title="What is in this photo?" if only else f"What is in these {len(predictions):,} photos?",
            about=_prediction_text(predictions, labels),
            likely=[score.label for score in only.scores] if only else [],
            current=labels[0].label if only and labels[0] else "",
        )

    def remove_corrections(self, photos: Sequence[Photo]) -> None:
        """Take back what the person said of these photos."""
        self._session.remove_corrections(photos)

    def _correct(self, label: str) -> None:
        self._session.correct(self._photos, label)


def _prediction_text(predictions: Sequence[Prediction], labels: Sequence[Correction | None]) -> str:
    """What the model says, and what the person said before."""
    if len(predictions) == 1:
        best, before = predictions[0].best, labels[0]
        text = f"The model says {best.label}, {best.probability:.0%}."
        return text if before is None else f"{text} You said {before.label}."
    counts = Counter(one.best.label for one in predictions).most_common()
    named = ", ".join(f"{label} ({count:,})" for label, count in counts[:_NAMED])
    rest = len(counts) - _NAMED
    return f"The model says {named}{f' and {rest:,} more' if rest > 0 else ''}."
