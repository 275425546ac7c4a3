"""Correcting predictions on the *Photos* page with the class chooser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr, tr_n
from core.datasets.labels import Label
from core.prediction import Prediction
from gui.session.photos_model import Photo
from gui.session.session import Session
from gui.widgets.class_chooser import ClassChooser

_LISTED = 3
"""How many different predictions are listed in the chooser."""


class CorrectionController(QObject):
    """Asks the user for the class of photos.

    Attributes:
        chooser: the class chooser, created on first use.
    """

    def __init__(self, session: Session, page: QWidget) -> None:
        super().__init__(page)
        self._session, self._page = session, page
        self.chooser: ClassChooser | None = None
        self._photos: list[Photo] = []

    def choose_class(self, photos: Sequence[Photo]) -> None:
        """Let the user choose the class of these photos; those without a prediction are skipped."""
        self._photos = [photo for photo in photos if isinstance(photo.outcome, Prediction)]
        model = self._session.model
        if not self._photos or model is None:
            self._session.noticed.emit(tr("Select a classified photo first, then correct it."))
            return
        if self.chooser is None:
            self.chooser = ClassChooser(self._page.window())
            self.chooser.chosen.connect(self._correct)
        predictions = [photo.outcome for photo in self._photos if isinstance(photo.outcome, Prediction)]
        labels = [self._session.correction(photo) for photo in self._photos]
        only = predictions[0] if len(predictions) == 1 else None
        self.chooser.open(
            [*model.card.classes, *self._session.new_classes()],
            title=tr_n("What is in this photo?", "What is in these {count:,} photos?", len(predictions)),
            about=_prediction_text(predictions, labels),
            likely=[score.label for score in only.scores] if only else [],
            current=labels[0].label if only and labels[0] else "",
        )

    def _correct(self, label: str) -> None:
        self._session.correct(self._photos, label)


def _prediction_text(predictions: Sequence[Prediction], labels: Sequence[Label | None]) -> str:
    """The predictions, and the label that the user gave before."""
    if len(predictions) == 1:
        best, before = predictions[0].best, labels[0]
        text = tr("Prediction: {label} ({confidence:.0%}).", label=best.label, confidence=best.probability)
        return text if before is None else " ".join((text, tr("Your label: {label}.", label=before.label)))
    counts = Counter(one.best.label for one in predictions).most_common()
    listed = ", ".join(f"{label} ({count:,})" for label, count in counts[:_LISTED])
    rest = len(counts) - _LISTED
    if rest <= 0:
        return tr("Predictions: {predictions}.", predictions=listed)
    return tr_n(
        "Predictions: {predictions} and {count:,} more.",
        "Predictions: {predictions} and {count:,} more.",
        rest,
        predictions=listed,
    )
