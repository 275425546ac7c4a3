"""Where the model saw a class: a map over the photo, its legend, and the photo as the network sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.evaluation.map_colours import CIVIDIS, map_colour
from core.prediction import Outcome, Prediction
from gui.tasks.picture_client import pixmap
from gui.widgets import theme
from gui.widgets.basic import label, show_text
from gui.widgets.layouts import LEFT, Placed, fill, hbox, vbox

if TYPE_CHECKING:
    from core.evaluation.explanation import Explanation

Question = tuple[Path, str, str]
"""A photo, one of the classes in its prediction, and the name of the model that made it."""

_FINE: Final = 16
"""Pixels per cell of the map, between which values are interpolated."""
_SEEN_SIDE: Final = 96


@dataclass(frozen=True, slots=True, eq=False)
class MapPicture:
    """A map in colours.

    Attributes:
        picture: the colours, half transparent.
        area: the part of the photo that it covers: left, top, right and bottom as fractions of its sides; below 0 and
            above 1 where the photo was padded.
    """

    picture: QPixmap
    area: tuple[float, float, float, float]

    def paint(self, painter: QPainter, place: QRectF) -> None:
        """Paint it over a photo in this place; an outline shows the part that the network sees, if it is not all."""
        left, top, right, bottom = self.area
        width, height = place.width(), place.height()
        own = QRectF(
            place.left() + left * width, place.top() + top * height, (right - left) * width, (bottom - top) * height
        )
        painter.save()
        painter.setClipRect(place, Qt.ClipOperation.IntersectClip)  # a padded photo's map is larger than the photo
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(own, self.picture, QRectF(self.picture.rect()))
        if left > 0 or top > 0 or right < 1 or bottom < 1:
            painter.setPen(QPen(QColor(CIVIDIS[-1]), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(own.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.restore()


def map_picture(explanation: Explanation) -> MapPicture:
    """Colour a map: 0 and less is the lowest colour, its maximum the highest; values between cells are interpolated."""
    rows = explanation.grid
    height, width, most = len(rows), len(rows[0]), max(map(max, rows))
    grey = QImage(width, height, QImage.Format.Format_Grayscale8)
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            level = round(255 * max(0.0, value) / most) if most > 0 else 0
            grey.setPixelColor(x, y, QColor(level, level, level))
    size = QSize(width * _FINE, height * _FINE)
    fine = grey.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    fine = fine.convertToFormat(QImage.Format.Format_Grayscale8)
    indexed = QImage(
        bytes(fine.constBits()), fine.width(), fine.height(), fine.bytesPerLine(), QImage.Format.Format_Indexed8
    )
    indexed.setColorTable(_colours())
    return MapPicture(QPixmap.fromImage(indexed), explanation.area)


def _colours() -> list[int]:
    return [_colour(level / 255).rgba() for level in range(256)]


def _colour(value: float) -> QColor:
    """The colour of a value, 0..1."""
    return QColor(*map_colour(value))


class PhotoMap(QWidget):
    """The legend of the map over a photo, hidden while maps are off.

    Attributes:
        wanted: the map that answers a `Question` is to be shown.
        asked: the class of the map; empty if there is none.
        changed: what is to be painted over the photo: a `MapPicture` or None.
        turned: whether maps are on.
        question: what is asked; None while nothing is.
        shown: the map that is painted over the photo.
    """

    wanted = Signal(object)
    asked = Signal(str)
    changed = Signal(object)
    turned = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.is_on = False
        self.question: Question | None = None
        self.shown: MapPicture | None = None
        self._outcome: Outcome | None = None
        self._path: Path | None = None
        self._chosen = ""
        self._version: int | None = None
        self._seen = label()
        self._seen.setFixedSize(_SEEN_SIDE, _SEEN_SIDE)
        self._seen.setAccessibleName(tr("What the network sees"))
        self._seen.setToolTip(tr("What the network sees: the photo after resizing"))
        self.legend, self._ramp = label(wrap=True, shrinks=True), _Ramp()
        self._about = label(kind="muted", wrap=True, shrinks=True)
        words = vbox(self.legend, self._ramp, self._about, spacing=theme.GRID // 2)
        hbox(Placed(self._seen, alignment=LEFT), fill(words), parent=self, spacing=theme.GRID)
        self.hide()

    def turn(self, *, on: bool) -> None:
        """Show maps, or stop showing them."""
        self.is_on = on
        self.turned.emit(on)
        self.choose("")

    def show_photo(self, path: Path | None, outcome: Outcome | None, version: int | None = None) -> None:
        """Show the map of this photo, for the class that was chosen for it, or else its most likely one.

        Args:
            path: the photo.
            outcome: its prediction.
            version: the version of the model that made it, to say so if the map is that of another; None if unknown.
        """
        chosen = self._chosen if path == self._path and isinstance(outcome, Prediction) else ""
        self._path, self._outcome, self._version = path, outcome, version
        self.choose(chosen)

    def ask_again(self) -> None:
        """Ask for the map again, as another model is in use now."""
        self.question = None
        self.choose("")

    def choose(self, name: str) -> None:
        """Show the map for this class; for the most likely one if the prediction does not have it."""
        self._chosen = name
        outcome = self._outcome
        question = None
        if self.is_on and self._path is not None and isinstance(outcome, Prediction):
            known = [score.label for score in outcome.scores]
            question = self._path, name if name in known else known[0], outcome.model
        if question == self.question:
            return
        self.question = question
        self.setVisible(question is not None)
        self._paint(None)
        self.asked.emit(question[1] if question else "")
        if question is not None:
            self._seen.clear()  # it keeps its place, so that nothing below moves from photo to photo
            self._show(tr("Looking at the photo again…"), has_map=True)
            self.wanted.emit(question)

    def _show(self, text: str, *, has_map: bool) -> None:
        self.legend.setText(text)
        self._seen.setVisible(has_map)
        self._ramp.setVisible(has_map)

    def show_map(self, explanation: Explanation) -> None:
        """Show the answer to the question."""
        self._seen.setPixmap(_small(explanation, self.devicePixelRatioF()))
        self._show(tr("Where the model saw “{label}”", label=explanation.label), has_map=True)
        show_text(self._about, _about_text(explanation, self._version))
        self._paint(map_picture(explanation))

    def _paint(self, shown: MapPicture | None) -> None:
        self.shown = shown
        self.changed.emit(shown)

    def show_reason(self, text: str) -> None:
        """Show why there is no map."""
        self._show(text, has_map=False)
        show_text(self._about, "")
        self._paint(None)


def _small(explanation: Explanation, ratio: float) -> QPixmap:
    side = round(_SEEN_SIDE * ratio)
    mode, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    result = pixmap(explanation.seen).scaled(side, side, mode, smooth)
    result.setDevicePixelRatio(ratio)
    return result


def _about_text(explanation: Explanation, predicted_by: int | None) -> str:
    """What to know about the map; `predicted_by` is the version that made the prediction, None if unknown."""
    if predicted_by not in (None, explanation.version):
        return tr("Another version of the model made this prediction. The map is of the version in use.")
    if max(map(max, explanation.grid)) <= 0:
        return tr("Nothing in the photo speaks for this class.")
    if explanation.method == "exact":
        return tr("Exact: the map adds up to the score of this class.")
    return tr("Approximate: this model's head isn't linear.")


class _Ramp(QWidget):
    """The colours of the map, from none to most, with these words at their ends."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(self.fontMetrics().height() + 12)
        self.setAccessibleName(tr("Colours from no evidence to most evidence"))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        steps = max(1, self.width())
        for x in range(steps):
            colour = _colour(x / steps)
            colour.setAlphaF(1.0)
            painter.fillRect(QRect(x, 0, 1, 8), colour)
        painter.setPen(QColor(theme.current().muted))
        below = self.rect().adjusted(0, 10, 0, 0)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, tr("None"))
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, tr("Most"))
        painter.end()
