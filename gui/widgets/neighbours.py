"""The training photos that are most like a photo, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QPoint, QRect, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.base.i18n import tr
from core.base.label_sets import label_text
from core.prediction import Neighbour
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.basic import label
from gui.widgets.context_menu import Entry, attach_menu_by_place
from gui.widgets.layouts import vbox
from gui.widgets.painting import paint_photo, paint_text

_SIDE: Final = 72
_GAP: Final = 8
_MAX_WIDTH: Final = 144


class NeighbourStrip(QWidget):
    """The training photos nearest to a photo, with their classes and similarities; hidden if there are none.

    Attributes:
        forget_wanted: forget this training photo of this model.
    """

    forget_wanted = Signal(object, str)

    def __init__(self, pictures: PictureClient) -> None:
        super().__init__()
        self._tiles = _Tiles(pictures)
        heading = label(tr("Training photos by similarity"), "muted", wrap=True)
        heading.setToolTip(tr("The number is the cosine of their features: 1 is the same, 0 is nothing in common."))
        self._model = ""
        self._tiles.forget_wanted.connect(lambda photo: self.forget_wanted.emit(photo, self._model))
        self._note = label(tr("This model keeps no thumbnails of its training photos."), "muted", wrap=True)
        for text in (heading, self._note):
            text.setMinimumWidth(1)
        vbox(heading, self._tiles, self._note, parent=self, spacing=theme.GRID // 2)
        self.hide()

    def show_neighbours(self, neighbours: Sequence[Neighbour], model: str) -> None:
        """Show these training photos of the model of a name, the nearest first."""
        self._model = model
        self._tiles.show_neighbours(tuple(neighbours))
        self._note.setVisible(not any(map(_picture_of, neighbours)))
        self.setVisible(bool(neighbours))


class _Tiles(QWidget):
    forget_wanted = Signal(object)

    def __init__(self, pictures: PictureClient) -> None:
        super().__init__()
        self._pictures = pictures
        self._shown: tuple[Neighbour, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        pictures.rendered.connect(self._on_rendered)
        attach_menu_by_place(self, self._entries)

    def show_neighbours(self, shown: tuple[Neighbour, ...]) -> None:
        if shown != self._shown:
            self._shown = shown
            texts = (tr("{label}: {confidence}", label=label_text(one.label), confidence=_number(one)) for one in shown)
            self.setAccessibleName(", ".join(texts))
            self.updateGeometry()
            self.update()

    def _entries(self, at: QPoint) -> list[Entry]:
        """What can be done with the photo at a place: only photos that were on this computer can be forgotten."""
        pointed = [one.path for place, one in enumerate(self._shown) if self._column(place).contains(at)]
        return [(tr("Forget this photo…"), partial(self.forget_wanted.emit, path)) for path in pointed if path]

    def _column(self, place: int) -> QRect:
        width = min(_MAX_WIDTH, (self.width() + _GAP) // max(3, len(self._shown)) - _GAP)
        return QRect(place * (width + _GAP), 0, width, self.height())

    def sizeHint(self) -> QSize:
        height = self.fontMetrics().lineSpacing() * 2 + 4
        has_pictures = any(_picture_of(one) for one in self._shown)
        return QSize(3 * (_SIDE + _GAP), height + (_SIDE + 4 if has_pictures else 0))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, line = QPainter(self), self.fontMetrics().lineSpacing()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        colours, top = theme.current(), self.height() - 2 * line - 2
        for place, one in enumerate(self._shown):
            left, width = self._column(place).left(), self._column(place).width()
            if top >= _SIDE:
                paint_photo(painter, QRect(left, 0, min(width, _SIDE), _SIDE), self._picture(one))
            paint_text(painter, QRect(left, top, width, line), label_text(one.label), colours.text)
            paint_text(painter, QRect(left, top + line, width, line), _number(one), colours.muted)
        painter.end()

    def _picture(self, one: Neighbour) -> QPixmap | None:
        path = _picture_of(one)
        return self._pictures.thumbnail(path) if path else None

    def _on_rendered(self, path: Path) -> None:
        if any(path == _picture_of(one) for one in self._shown):
            self.update()


def _picture_of(one: Neighbour) -> Path | None:
    """The photo's thumbnail, or else the photo itself."""
    return one.thumbnail or one.path


def _number(one: Neighbour) -> str:
    return f"{one.similarity:.2f}"
