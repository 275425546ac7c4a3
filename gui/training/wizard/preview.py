"""The exact pixels that the network reads of some photos, and nine augmentations of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.base.errors import FoveaError
from core.base.i18n import tr
from core.images.drawing import Picture
from core.training.values import Previewed, PreviewedPhoto
from gui.tasks.picture_client import pixmap
from gui.widgets import theme
from gui.widgets.basic import Panel, label, link
from gui.widgets.layouts import SPACE, TOP, Placed, add, fill, hbox

_SAMPLE: Final = 96
_READ: Final = 112
_GAP: Final = theme.GRID
_COLUMNS: Final = 3
_FAINT: Final = 0.3


class Preview(Panel):
    """Shows photos as the network reads them.

    Attributes:
        others_wanted: show other photos.
    """

    others_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(tr("What the network sees"))
        self.originals, self.samples = _Originals(), _Samples()
        self._about = label(tr("Drawing…"), "muted", wrap=True)
        self._use = label(tr("Augmented for training"), "heading", wrap=True)
        self._description = label(kind="muted", wrap=True)
        self.others = link(tr("Show others"), self.others_wanted.emit)
        head = hbox(fill(self._about), Placed(self.others, alignment=TOP))
        add(self.body, head, self.originals, self._use, self.samples, self._description, SPACE)

    def show_drawn(self, drawn: Previewed) -> None:
        size = drawn.seen[0].cropped.width if drawn.seen else 0
        self._about.setText(
            tr(
                "Left: the photo, with a frame around the part that is used. Right: the {size} × {size} pixels that "
                "the network reads.",
                size=size,
            )
        )
        self.originals.show_photos(drawn.seen)
        self.samples.show_pictures(drawn.augmented)
        self._description.setText(tr("One photo in nine epochs: {changes}.", changes="; ".join(drawn.augmentations)))

    def show_error(self, error: FoveaError) -> None:
        """Show why there is no preview."""
        self._about.setText(str(error))

    def show_augmentation(self, *, is_on: bool) -> None:
        """Show whether photos are augmented."""
        self.samples.show_use(is_used=is_on)
        self._use.setText(tr("Augmented for training") if is_on else tr("Augmentation is off"))

    def show_use(self, *, is_used: bool) -> None:
        """Show whether the recipe uses augmentation at all."""
        for widget in (self._use, self.samples, self._description):
            widget.setVisible(is_used)


class _Samples(QWidget):
    """Pictures in three columns."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[QPixmap] = []
        self._is_used = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("One photo, augmented in nine ways"))
        self.setFixedHeight(3 * (_SAMPLE + _GAP) - _GAP)

    def sizeHint(self) -> QSize:
        return QSize(_COLUMNS * (_SAMPLE + _GAP), self.height())

    def show_pictures(self, pictures: Sequence[Picture]) -> None:
        self.pictures = [pixmap(one) for one in pictures]
        self.update()

    def show_use(self, *, is_used: bool) -> None:
        """Dim the pictures if augmentation is not used."""
        self._is_used = is_used
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(1.0 if self._is_used else _FAINT)
        columns = min(9, max(_COLUMNS, (self.width() + _GAP) // (_SAMPLE + _GAP)))
        for place, picture in enumerate(self.pictures):
            left, top = (place % columns) * (_SAMPLE + _GAP), (place // columns) * (_SAMPLE + _GAP)
            painter.drawPixmap(QRectF(left, top, _SAMPLE, _SAMPLE), picture, QRectF(picture.rect()))
        painter.end()


class _Originals(QWidget):
    """Photos, each beside the pixels that the network reads of it."""

    def __init__(self) -> None:
        super().__init__()
        self._photos: list[tuple[QPixmap, tuple[float, float, float, float], QPixmap]] = []
        self.paths: tuple[Path, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Photos, and what the network reads of them"))
        self.setFixedHeight(_READ)

    def sizeHint(self) -> QSize:
        return QSize(2 * _READ + _GAP, _READ)

    def show_photos(self, photos: Sequence[PreviewedPhoto]) -> None:
        self.paths = tuple(one.path for one in photos)
        self._photos = [(pixmap(one.whole), one.crop, pixmap(one.cropped)) for one in photos]
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        left = 0.0
        for whole, part, read in self._photos:
            width = whole.width() * _READ / max(1, whole.height())
            if left + width + _GAP // 2 + _READ > self.width():
                break
            box = QRectF(left, 0, width, _READ)
            painter.drawPixmap(box, whole, QRectF(whole.rect()))
            painter.setPen(QPen(QColor(theme.current().accent), 2))
            frame = QRectF(
                box.left() + part[0] * width, part[1] * _READ, (part[2] - part[0]) * width, (part[3] - part[1]) * _READ
            )
            painter.drawRect(frame.intersected(box).adjusted(1, 1, -1, -1))
            left += width + _GAP // 2
            painter.drawPixmap(QRectF(left, 0, _READ, _READ), read, QRectF(read.rect()))
            left += _READ + 2 * _GAP
        painter.end()
