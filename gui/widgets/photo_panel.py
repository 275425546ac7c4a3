"""A photo with its prediction, as the inspectors and the review show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from core.base.errors import ImageErrorKind
from core.base.i18n import mark, tr
from core.base.label_sets import label_text
from core.base.text import display_path
from core.detection import Box
from core.prediction import Failure, Outcome, Prediction
from gui.tasks.picture_client import PREVIEW_SIDE, PictureClient
from gui.widgets import theme
from gui.widgets.basic import Panel, PropertyList, label, show_text
from gui.widgets.crop_frame import CropFrame, paint_frame
from gui.widgets.formats import confidence, percent
from gui.widgets.layouts import SPACE, add, hbox
from gui.widgets.neighbours import NeighbourStrip
from gui.widgets.painting import paint_no_picture
from gui.widgets.photo_map import MapPicture, PhotoMap
from gui.widgets.score_bars import ScoreBars

_MIN_HEIGHT: Final = 220
_MAX_PART: Final = 0.5
"""The minimum height of a photo in pixels, and its maximum as a fraction of the window's."""

_REASONS: Final[Mapping[str, str]] = {
    ImageErrorKind.MISSING: mark("File missing"),
    ImageErrorKind.NOT_A_FILE: mark("Not a file"),
    ImageErrorKind.NO_ACCESS: mark("No access"),
    ImageErrorKind.EMPTY: mark("Empty file"),
    ImageErrorKind.NOT_AN_IMAGE: mark("Not a photo"),
    ImageErrorKind.UNSUPPORTED: mark("Unsupported"),
    ImageErrorKind.DAMAGED: mark("Damaged"),
    ImageErrorKind.TOO_LARGE: mark("Too large"),
    ImageErrorKind.NO_MEMORY: mark("Out of memory"),
}


class PhotoPreview(QWidget):
    """A photo scaled to fit, with its aspect ratio kept; its thumbnail until the preview is rendered.

    Attributes:
        clicked: the user clicked the photo.
        frame: what is framed; None for nothing.
    """

    clicked = Signal()

    def __init__(self, pictures: PictureClient, *, follows_width: bool = False) -> None:
        """With `follows_width`, the height follows from the width; otherwise it takes the room there is."""
        super().__init__()
        self._follows_width = follows_width
        self.setAccessibleName(tr("Photo preview"))
        self.setMinimumHeight(_MIN_HEIGHT)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        policy.setHeightForWidth(follows_width)
        self.setSizePolicy(policy)
        self._pictures = pictures
        self._path: Path | None = None
        self._picture: QPixmap | None = None
        self._scaled: QPixmap | None = None
        self._map: MapPicture | None = None
        self.frame: Box | None = None
        pictures.rendered.connect(self._on_rendered)

    def show_photo(self, path: Path | None) -> None:
        """Show this photo; None shows a placeholder."""
        self._path, picture = path, None
        if path is not None:
            picture = self._pictures.picture(path, PREVIEW_SIDE)
            if picture is None:
                picture = self._pictures.thumbnail(path)
        if picture is not self._picture:
            self._picture, self._scaled = picture, None
            self.update()

    def show_map(self, shown: MapPicture | None) -> None:
        """Show this map over the photo; None removes it."""
        self._map = shown
        self.update()

    def show_frame(self, box: Box | None) -> None:
        """Show a frame over the photo; None removes it."""
        self.frame = box
        self.update()

    def hasHeightForWidth(self) -> bool:
        return self._follows_width

    def heightForWidth(self, width: int) -> int:
        """Three quarters of the width, but never so much of the window that the prediction is hidden."""
        return max(_MIN_HEIGHT, min(width * 3 // 4, round(self.window().height() * _MAX_PART)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def _on_rendered(self, path: Path) -> None:
        if path == self._path:
            self.show_photo(path)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._scaled = None

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.current().track))
        painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS, theme.RADIUS)
        if self._picture is None or self._picture.isNull():
            paint_no_picture(painter, QRectF(self.rect()), self._picture, 40)
        else:
            self._paint_picture(painter, self._picture)
        painter.end()

    def _paint_picture(self, painter: QPainter, picture: QPixmap) -> None:
        if self._scaled is None:
            ratio = self.devicePixelRatioF()
            self._scaled = picture.scaled(
                self.size() * ratio, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            self._scaled.setDevicePixelRatio(ratio)
        box = QRect(0, 0, *(self._scaled.size() / self._scaled.devicePixelRatio()).toTuple())
        box.moveCenter(self.rect().center())
        painter.drawPixmap(box.topLeft(), self._scaled)
        if self._map is not None:
            self._map.paint(painter, QRectF(box))
        if self.frame is not None:
            paint_frame(painter, QRectF(box), self.frame)


class PhotoPanel(Panel):
    """A photo with its name, prediction and properties, the user's label, and buttons.

    Attributes:
        viewing_wanted: the user wants to see the photo large.
        map: where the model saw a class.
        crop: the crop that the prediction was made from.
    """

    viewing_wanted = Signal()

    def __init__(self, pictures: PictureClient, buttons: Sequence[QPushButton], rows: int = 0) -> None:
        """`rows` is the number of scores and of properties to create now; more are created when they are needed."""
        super().__init__()
        self._view = PhotoPreview(pictures, follows_width=True)
        self._view.setCursor(Qt.CursorShape.PointingHandCursor)
        self._view.setToolTip(tr("Click to see the photo large (Space), M to see where the model looked"))
        self._view.clicked.connect(self.viewing_wanted)
        self._name, self._note = label(kind="muted", wrap=True), label(kind="muted", wrap=True)
        self._answer, self._about_label = label(kind="title", wrap=True), label(kind="muted", wrap=True)
        self._levels = label(kind="muted", wrap=True)
        for text in (self._name, self._answer, self._levels, self._about_label, self._note):
            text.setMinimumWidth(1)  # a long file name is cut rather than all that is shown below it
        self._scores, self._properties, self.map = ScoreBars(rows), PropertyList(rows), PhotoMap()
        self._scores.chosen.connect(self.map.choose)
        self.map.changed.connect(self._view.show_map)
        self.map.asked.connect(self._scores.mark)
        self.map.turned.connect(lambda is_on: self._scores.let_choose(on=is_on))
        self.neighbours, self.crop = NeighbourStrip(pictures), CropFrame()
        self.crop.changed.connect(self._view.show_frame)
        add(self.body, self._view, self.map, self._name, self._answer, self._levels, self._about_label)
        add(self.body, self.crop, self._note)
        for one in buttons:
            one.setProperty("edge", True)
        add(self.body, hbox(*buttons, SPACE, spacing=theme.GRID), self._scores, self.neighbours, self._properties)

    def show_photo(
        self,
        path: Path | None,
        outcome: Outcome | None,
        own_label: str = "",
        about_label: str = "",
        properties: Sequence[tuple[str, str]] = (),
        version: int | None = None,
    ) -> None:
        """Show a photo; None shows a placeholder.

        Args:
            path: the photo.
            outcome: its prediction or failure; None if it is waiting.
            own_label: the user's label (`core.base.label_sets`), which is then the headline; empty if none.
            about_label: what else there is to say of the user's label, such as what the model predicted.
            properties: names and values.
            version: the version of the model that made the prediction; None if unknown.
        """
        self._view.show_photo(path)
        self._name.setText("" if path is None else display_path(path.name))
        self._name.setToolTip("" if path is None else display_path(path))
        headline = label_text(own_label) if own_label else headline_text(outcome)
        self._answer.setText(tr("No photo selected") if path is None else headline)
        show_text(self._levels, levels_text(outcome))
        show_text(self._about_label, about_label)
        show_text(self._note, note_text(outcome, is_labelled=bool(own_label)))
        prediction = outcome if isinstance(outcome, Prediction) else None
        self._scores.show_prediction(prediction)
        evidence = prediction.evidence if prediction else None
        self.neighbours.show_neighbours(evidence.nearest if evidence else (), prediction.model if prediction else "")
        self._properties.show_properties(properties)
        self.map.show_photo(path, outcome, version)
        self.crop.show_outcome(outcome)


def about_label_text(outcome: Outcome | None, own_label: str) -> str:
    """What the model predicted for a photo that the user labelled."""
    if not isinstance(outcome, Prediction):
        return tr("Labelled by you")
    if outcome.is_guess:
        return tr("Model: unknown, maybe {label}", label=outcome.best.label)
    if outcome.label == own_label:
        return tr("Confirmed by you")
    if outcome.labels is not None:
        return tr("Model: {label}", label=outcome.answer)
    best = outcome.best
    return tr("Model: {label} {confidence}", label=best.label, confidence=confidence(best.probability))


def headline_text(outcome: Outcome | None) -> str:
    """The prediction, or that there is none."""
    match outcome:
        case Prediction(labels=()):
            return tr("No class")
        case Prediction(unknown=True):
            return tr("Unknown, maybe {label}", label=outcome.best.label)
        case Prediction() if outcome.group:
            return tr("{group}, maybe {label}", group=outcome.group.label, label=outcome.best.label)
        case Prediction() if outcome.is_unsure:
            return tr("Not sure, maybe {label}", label=outcome.best.label)
        case Prediction():
            return outcome.answer
        case Failure():
            return tr("Couldn't read this photo")
        case None:
            return tr("Waiting")


def levels_text(outcome: Outcome | None) -> str:
    """The levels of the model's hierarchy that are sure enough; empty if there are none."""
    found = outcome.rolled_up if isinstance(outcome, Prediction) else None
    if found is None:
        return ""
    return tr("{levels}: {confidence}", levels=" › ".join(found.path), confidence=confidence(found.probability))


def prediction_text(prediction: Prediction) -> str:
    """A prediction as a sentence."""
    label, sure = prediction.best.label, confidence(prediction.best.probability)
    if prediction.labels is not None:
        return tr("Prediction: {label}.", label=prediction.answer)
    if prediction.unknown:
        return tr("Prediction: unknown, maybe {label} ({confidence}).", label=label, confidence=sure)
    return tr("Prediction: {label} ({confidence}).", label=label, confidence=sure)


def brief_failure_text(failure: Failure) -> str:
    """Why a photo could not be read, in a word or two."""
    reason = _REASONS.get(failure.kind)
    return tr("Unreadable") if reason is None else tr(reason)


def note_text(outcome: Outcome | None, *, is_labelled: bool) -> str:
    """What the user should know about a prediction, or why there is none; empty if nothing."""
    match outcome:
        case Failure():
            return f"{outcome.message} {outcome.hint}"
        case Prediction(warnings=(_, *_)):
            return " ".join(outcome.warnings)
        case Prediction(is_unlike=True):
            return tr("The photo is unlike all training photos, so none of the classes counts.")
        case Prediction(labels=()):
            return tr("None of the classes reaches its threshold.")
        case Prediction(unknown=True) if is_labelled:
            return tr("The photo may show none of the model's classes.")
        case Prediction(unknown=True):
            return tr("The photo may show none of the model's classes. Choose its class.")
        case Prediction() if not is_labelled:
            return coverage_text(outcome)
    return ""


def coverage_text(outcome: Outcome | None) -> str:
    """How often an answer of several classes, such as “fox or dog”, is right; empty for other answers."""
    if not isinstance(outcome, Prediction) or outcome.unknown or outcome.is_unsure or len(outcome.candidates) < 2:
        return ""
    if not outcome.evidence or outcome.evidence.coverage is None:
        return ""
    share = percent(outcome.evidence.coverage)
    return tr("Such answers contain the right class for {coverage} of photos.", coverage=share)
