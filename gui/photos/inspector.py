"""The inspector: a large view of the current photo with its prediction."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from core.base.i18n import tr
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
        correction_wanted: the user requested to correct the prediction.
        removal_wanted: the user requested to remove the correction.
    """

    correction_wanted = Signal()
    removal_wanted = Signal()

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Selected photo"))
        self._pictures = pictures
        self._pictures.rendered.connect(self._on_rendered)
        self._photo: Photo | None = None
        body = QWidget()
        body.setObjectName("inspector")
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(theme.GRID)
        self._prediction = _PredictionPanel()
        self._prediction.correct.clicked.connect(self.correction_wanted)
        self._prediction.remove_correction.clicked.connect(self.removal_wanted)
        self.statistics = ModelStatistics(tr("Model in use"))
        self._column.addWidget(self._prediction)
        self._column.addWidget(self.statistics)
        self._column.addStretch()
        self.setWidget(body)

    def show_photo(self, photo: Photo | None, correction: Correction | None) -> None:
        """Show this photo and its correction; None shows a placeholder."""
        self._photo = photo
        self._prediction.show_photo(photo, correction)
        self._show_picture()

    def _show_picture(self) -> None:
        if self._photo is None:
            self._prediction.view.show_picture(None)
            return
        picture = self._pictures.picture(self._photo.path, PREVIEW_SIDE)
        if picture is None:  # show the thumbnail until the preview is rendered
            picture = self._pictures.picture(self._photo.path, THUMBNAIL_SIDE)
        self._prediction.view.show_picture(picture)

    def _on_rendered(self, path: object, side: object) -> None:
        if self._photo is not None and path == self._photo.path and side == PREVIEW_SIDE:
            self._show_picture()


class _PredictionPanel(Panel):
    """The photo with its name, scores and timings."""

    def __init__(self) -> None:
        super().__init__(tr("Photo"))
        self.view = PhotoView()
        self.view.setAccessibleName(tr("Large preview"))
        self._name = label(kind="muted", wrap=True)
        self._answer = label(kind="title", wrap=True)
        self._note = label(kind="muted", wrap=True)
        self._own_label = label(kind="heading", wrap=True)
        self.correct, self.remove_correction = _link(tr("Correct… (F2)")), _link(tr("Remove label (Shift+F2)"))
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        row.addWidget(self.correct)
        row.addWidget(self.remove_correction)
        row.addStretch()
        self._scores = ScoreBars()
        self._properties = PropertyList()
        self.heading.hide()
        for widget in (self.view, self._name, self._answer, self._note, self._own_label):
            self.body.addWidget(widget)
        self.body.addLayout(row)
        self.body.addWidget(self._scores)
        self.body.addWidget(self._properties)

    def show_photo(self, photo: Photo | None, correction: Correction | None) -> None:
        outcome = None if photo is None else photo.outcome
        self._name.setText("" if photo is None else display_path(photo.path.name))
        self._name.setToolTip("" if photo is None else display_path(photo.path))
        self._answer.setText(tr("No photo selected") if photo is None else _headline(outcome))
        note = _note(outcome)
        self._note.setText(note)
        self._note.setVisible(bool(note))
        prediction = outcome if isinstance(outcome, Prediction) else None
        self._show_correction(prediction, correction)
        self._scores.show_scores(
            prediction.scores if prediction else (), is_strong=not (prediction and prediction.unknown)
        )
        self._properties.show_properties(_properties(prediction) if prediction else ())

    def _show_correction(self, prediction: Prediction | None, correction: Correction | None) -> None:
        """Show the user's label and the buttons that change it."""
        self.correct.setVisible(prediction is not None)
        self.correct.setText(tr("Correct… (F2)") if correction is None else tr("Change… (F2)"))
        self.remove_correction.setVisible(correction is not None)
        self._own_label.setVisible(correction is not None)
        if prediction is not None and correction is not None:
            agrees = correction.label == prediction.best.label and not prediction.unknown
            own = correction.label
            self._own_label.setText(tr("Confirmed: {label}", label=own) if agrees else tr("You: {label}", label=own))


class ScoreBars(QWidget):
    """The most likely classes: label, bar, number."""

    def __init__(self, rows: int = 0) -> None:
        """Create this many rows; further ones are created when they are first shown."""
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
        """Show these scores, most likely first; the first bar has the accent colour if `is_strong`."""
        while len(self._rows) < len(scores):
            self._add_row()
        for row, (name, bar, number) in enumerate(self._rows):
            for widget in (name, bar, number):
                widget.setVisible(row < len(scores))
            if row < len(scores):
                score = scores[row]
                name.setText(score.label)
                number.setText(percent(score.probability))
                name_and_value = tr("{label}: {confidence}", label=score.label, confidence=percent(score.probability))
                number.setAccessibleName(name_and_value)
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
    """Format a probability; values near 0% and 100% are not rounded to them."""
    if 0 < probability < 0.001:
        return "< 0.1%"
    if 0.999 < probability < 1:
        return "> 99.9%"
    return f"{probability:.1%}"


def _headline(outcome: Outcome | None) -> str:
    match outcome:
        case Prediction(unknown=True):
            return tr("Unknown, perhaps {label}", label=outcome.best.label)
        case Prediction():
            return outcome.best.label
        case Failure():
            return tr("Couldn't read this photo")
        case None:
            return tr("Waiting")


def _note(outcome: Outcome | None) -> str:
    match outcome:
        case Prediction(warnings=(_, *_)):
            return " ".join(outcome.warnings)
        case Prediction(unknown=True):
            return tr("Low confidence: this may be none of the model's classes.")
        case Failure():
            return f"{outcome.message} {outcome.hint}"
    return ""


def _properties(prediction: Prediction) -> list[tuple[str, str]]:
    timing = prediction.timing
    return [
        (tr("Decoding"), tr("{milliseconds:.1f} ms", milliseconds=timing.decode_ms)),
        (tr("Preprocessing"), tr("{milliseconds:.1f} ms", milliseconds=timing.preprocess_ms)),
        (tr("Inference"), tr("{milliseconds:.1f} ms", milliseconds=timing.inference_ms)),
        (tr("Model"), prediction.model),
        (tr("Provider"), TITLES[Provider(prediction.provider)]),
    ]
