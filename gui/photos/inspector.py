"""The inspector: the photo the person looks at, large, with everything the model said about it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from core.base.providers import TITLES, Provider
from core.base.text import display_path
from core.datasets.corrections import Correction
from core.prediction import Failure, Outcome, Prediction, Score
from gui.session.photos_model import Photo
from gui.tasks.picture_client import PREVIEW_SIDE, THUMBNAIL_SIDE, PictureClient
from gui.widgets import theme
from gui.widgets.basic import Bar, Panel, PhotoView, PropertyList, label
from gui.widgets.model_statistics import ModelStatistics


class Inspector(QScrollArea):
    """Shows one photo and the model in use.

    Attributes:
        correction_wanted: the person wants to put the answer right.
        removal_wanted: they want to take back what they said.
    """

    correction_wanted = Signal()
    removal_wanted = Signal()

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Selected photo")
        self._pictures = pictures
        self._pictures.rendered.connect(self._on_drawn)
        self._photo: Photo | None = None
        body = QWidget()
        body.setObjectName("inspector")
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(theme.GRID)
        self._answer = _PredictionPanel()
        self._answer.correct.clicked.connect(self.correction_wanted)
        self._answer.remove_correction.clicked.connect(self.removal_wanted)
        self.statistics = ModelStatistics("Model in use")
        self._column.addWidget(self._answer)
        self._column.addWidget(self.statistics)
        self._column.addStretch()
        self.setWidget(body)

    def show_photo(self, photo: Photo | None, correction: Correction | None) -> None:
        """Show this photo and what the person says of it; None shows what to do to see one."""
        self._photo = photo
        self._answer.show_photo(photo, correction)
        self._show_picture()

    def _show_picture(self) -> None:
        if self._photo is None:
            self._answer.view.show_picture(None)
            return
        picture = self._pictures.picture(self._photo.path, PREVIEW_SIDE)
        if picture is None:  # the thumbnail stands in until the large one is drawn
            picture = self._pictures.picture(self._photo.path, THUMBNAIL_SIDE)
        self._answer.view.show_picture(picture)

    def _on_drawn(self, path: object, side: object) -> None:
        if self._photo is not None and path == self._photo.path and side == PREVIEW_SIDE:
            self._show_picture()


class _PredictionPanel(Panel):
    """The photo, its name, its scores and how long it took."""

    def __init__(self) -> None:
        super().__init__("Photo")
        self.view = PhotoView()
        self.view.setAccessibleName("The photo, large")
        self._name = label(kind="muted", wrap=True)
        self._answer = label(kind="title", wrap=True)
        self._note = label(kind="muted", wrap=True)
        self._own_label = label(kind="heading", wrap=True)
        self.correct, self.remove_correction = _link("Not right? (F2)"), _link("Take back (Shift+F2)")
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        row.addWidget(self.correct)
        row.addWidget(self.remove_correction)
        row.addStretch()
        self._scores = ScoreBars()
        self._facts = PropertyList()
        self.heading.hide()
        for widget in (self.view, self._name, self._answer, self._note, self._own_label):
            self.body.addWidget(widget)
        self.body.addLayout(row)
        self.body.addWidget(self._scores)
        self.body.addWidget(self._facts)

    def show_photo(self, photo: Photo | None, correction: Correction | None) -> None:
        outcome = None if photo is None else photo.outcome
        self._name.setText("" if photo is None else display_path(photo.path.name))
        self._name.setToolTip("" if photo is None else display_path(photo.path))
        self._answer.setText("Choose a photo" if photo is None else _headline(outcome))
        note = _note(outcome)
        self._note.setText(note)
        self._note.setVisible(bool(note))
        prediction = outcome if isinstance(outcome, Prediction) else None
        self._show_correction(prediction, correction)
        self._scores.show_scores(
            prediction.scores if prediction else (), is_strong=not (prediction and prediction.unknown)
        )
        self._facts.show_properties(_facts(prediction) if prediction else ())

    def _show_correction(self, prediction: Prediction | None, correction: Correction | None) -> None:
        """What the person says beside what the model says, and what they can do about it."""
        self.correct.setVisible(prediction is not None)
        self.correct.setText("Not right? (F2)" if correction is None else "Change (F2)")
        self.remove_correction.setVisible(correction is not None)
        self._own_label.setVisible(correction is not None)
        if prediction is not None and correction is not None:
            agrees = correction.label == prediction.best.label and not prediction.unknown
            self._own_label.setText(f"{'You agree' if agrees else 'You say'}: {correction.label}")


class ScoreBars(QWidget):
    """The most likely classes: label, bar, number."""

    def __init__(self, rows: int = 0) -> None:
        """So many rows are made at once, the rest when they are first shown."""
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 4, 0, 4)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QLabel, Bar, QLabel]] = []
        for _ in range(rows):
            self._add_row()

    def show_scores(self, scores: Sequence[Score], *, is_strong: bool) -> None:
        """Show these, from the most likely; the first bar is in the accent colour where it is `is_strong`."""
        while len(self._rows) < len(scores):
            self._add_row()
        for row, (name, bar, number) in enumerate(self._rows):
            for widget in (name, bar, number):
                widget.setVisible(row < len(scores))
            if row < len(scores):
                score = scores[row]
                name.setText(score.label)
                number.setText(percent(score.probability))
                number.setAccessibleName(f"{score.label}: {percent(score.probability)}")
                bar.show_fraction(score.probability, is_strong=is_strong and row == 0)

    def _add_row(self) -> None:
        row = len(self._rows)
        name, bar, number = label(wrap=True), Bar(), label(kind="number")
        name.setFixedWidth(136)
        number.setMinimumWidth(48)
        number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._grid.addWidget(name, row, 0)
        self._grid.addWidget(bar, row, 1)
        self._grid.addWidget(number, row, 2)
        self._rows.append((name, bar, number))


def _link(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("kind", "link")
    return button


def percent(probability: float) -> str:
    """A probability as a person reads it: never 100 % or 0 % unless it is."""
    if 0 < probability < 0.001:
        return "< 0.1%"
    if 0.999 < probability < 1:
        return "> 99.9%"
    return f"{probability:.1%}"


def _headline(outcome: Outcome | None) -> str:
    match outcome:
        case Prediction(unknown=True):
            return f"Unknown. Perhaps {outcome.best.label}?"
        case Prediction():
            return outcome.best.label
        case Failure():
            return "This image could not be read"
        case None:
            return "Waiting"


def _note(outcome: Outcome | None) -> str:
    match outcome:
        case Prediction(warnings=(_, *_)):
            return " ".join(outcome.warnings)
        case Prediction(unknown=True):
            return "Low confidence: this may be none of the model’s classes."
        case Failure():
            return f"{outcome.message} {outcome.hint}"
    return ""


def _facts(prediction: Prediction) -> list[tuple[str, str]]:
    timing = prediction.timing
    return [
        ("Decode", f"{timing.decode_ms:.1f} ms"),
        ("Preprocess", f"{timing.preprocess_ms:.1f} ms"),
        ("Inference", f"{timing.inference_ms:.1f} ms"),
        ("Model", prediction.model),
        ("Provider", TITLES[Provider(prediction.provider)]),
    ]
