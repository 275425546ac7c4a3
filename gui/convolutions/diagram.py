"""A diagram of a block: slabs of channels, crossing lines where they are mixed, and kernels where pixels are seen."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.architectures.convolutions import Activation, Block, Convolution, Step
from core.base.i18n import tr
from gui.convolutions import step_text
from gui.convolutions.placement import CAPTION, Link, Placement, Slab, needed_height, place
from gui.widgets import theme
from gui.widgets.accessible import give_role
from gui.widgets.painting import CENTRE

_SMALL: Final = 12
_LINE_GAP: Final = 15
"""The distance of lines at a slab, in pixels."""
_MOST_LINES: Final = 7
_CELL: Final = 7
"""The side of a pixel of a kernel, and the height of a channel of a slab."""
_NUMBER: Final = 24
"""The width of a number of channels, beyond its slab, in pixels."""
_LARGEST_KERNEL: Final = 44


class BlockDiagram(QWidget):
    """Draws a block; its accessible description says the same in words."""

    def __init__(self) -> None:
        super().__init__()
        give_role(self, QAccessible.Role.Graphic)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._block: Block | None = None

    def show_block(self, title: str, block: Block) -> None:
        """Draw this block."""
        self._block = block
        self.setAccessibleName(tr("Diagram: {title}", title=title))
        self.setAccessibleDescription(" ".join(map(step_text.sentence, block.steps)))
        self.setFixedHeight(needed_height(block))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, 220)

    def minimumSizeHint(self) -> QSize:
        return QSize(280, 160)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._block is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPixelSize(_SMALL)
        painter.setFont(font)
        placement = place(self._block, QRectF(self.rect()))
        for link in placement.links:
            _paint_link(painter, link)
        _paint_slabs(painter, placement)
        if placement.shortcut is not None:
            _paint_shortcut(painter, placement.shortcut, placement)
        painter.end()


def _paint_slabs(painter: QPainter, placement: Placement) -> None:
    ends = placement.slabs[0], placement.slabs[-1]
    for slab in placement.slabs:
        _paint_slab(painter, slab, is_end=slab in ends)


def _paint_slab(painter: QPainter, slab: Slab, *, is_end: bool) -> None:
    """Channels as a stack: as many cells as there are channels, up to as many as can be seen."""
    colours, box = theme.current(), slab.box
    outline = QPainterPath()
    outline.addRoundedRect(box, 3, 3)
    painter.fillPath(outline, QColor(colours.accent))
    cells = min(slab.channels, int(box.height() / _CELL))
    painter.setPen(QPen(QColor(colours.surface), 1))
    for number in range(1, cells):
        y = box.top() + box.height() * number / cells
        painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
    painter.setPen(QColor(colours.text if is_end else colours.muted))
    above = QRectF(box.center().x() - 40, box.top() - CAPTION, 80, CAPTION)
    painter.drawText(above, CENTRE, f"{slab.channels:,}")


def _paint_link(painter: QPainter, link: Link) -> None:
    start, end = link.start, link.end
    if link.step is None:
        _paint_lines(painter, link, is_mixing=False, colour=theme.current().field)
        return
    is_mixing = isinstance(link.step, Convolution) and not link.step.is_depthwise
    _paint_band(painter, start, end)
    _paint_lines(painter, link, is_mixing=is_mixing, colour=theme.current().accent)
    middle = QPointF((start.right() + end.left()) / 2, (start.center().y() + end.center().y()) / 2)
    _paint_kernel(painter, middle, link.step, min(_LARGEST_KERNEL, max(start.height(), end.height()) + 8))
    _paint_captions(painter, link, link.step)


def _paint_band(painter: QPainter, start: QRectF, end: QRectF) -> None:
    band = QPainterPath(start.topRight())
    for corner in (end.topLeft(), end.bottomLeft(), start.bottomRight()):
        band.lineTo(corner)
    band.closeSubpath()
    painter.fillPath(band, QColor(theme.current().accent_soft))


def _paint_lines(painter: QPainter, link: Link, *, is_mixing: bool, colour: str) -> None:
    """Every channel to every other where they are mixed, else each to its own."""
    faint = QColor(colour)
    faint.setAlphaF(0.45 if is_mixing else 0.7)
    painter.setPen(QPen(faint, 1))
    starts, ends = _spots(link.start, link.start.right()), _spots(link.end, link.end.left())
    if not is_mixing:
        count = min(len(starts), len(ends))
        starts, ends = _spots(link.start, link.start.right(), count), _spots(link.end, link.end.left(), count)
    for number, one in enumerate(starts):
        for other in ends if is_mixing else ends[number : number + 1]:
            painter.drawLine(one, other)


def _spots(box: QRectF, x: float, count: int = 0) -> list[QPointF]:
    """Points down the side of a slab, at which lines end."""
    many = count or max(1, min(_MOST_LINES, round(box.height() / _LINE_GAP)))
    return [QPointF(x, box.top() + box.height() * (number + 0.5) / many) for number in range(many)]


def _paint_kernel(painter: QPainter, middle: QPointF, step: Step, most: float) -> None:
    """The pixels that a kernel sees, on a plate that keeps the lines away; those of pooling are empty."""
    colours, (height, width) = theme.current(), step.kernel
    cell = min(_CELL + 2, most / max(height, width))
    box = QRectF(0, 0, width * cell, height * cell)
    box.moveCenter(middle)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.surface))
    painter.drawRoundedRect(box.adjusted(-5, -5, 5, 5), 4, 4)
    is_filled = isinstance(step, Convolution)
    painter.setBrush(QColor(colours.plot_other) if is_filled else Qt.BrushStyle.NoBrush)
    painter.setPen(Qt.PenStyle.NoPen if is_filled else QPen(QColor(colours.plot_other), 1))
    for row in range(height):
        for column in range(width):
            pixel = QRectF(box.left() + column * cell, box.top() + row * cell, cell, cell)
            painter.drawRect(pixel.adjusted(0.5, 0.5, -0.5, -0.5))


def _paint_captions(painter: QPainter, link: Link, step: Step) -> None:
    """What the step is, above; its weights and what follows, below."""
    colours, room = theme.current(), link.room
    top = min(link.start.top(), link.end.top())
    bottom = max(link.start.bottom(), link.end.bottom())
    above = QRectF(room.left(), max(room.top(), top - CAPTION), room.width(), CAPTION)
    below = QRectF(room.left(), min(bottom, room.bottom() - CAPTION), room.width(), CAPTION)
    painter.setPen(QColor(colours.text))
    space = room.width() - _NUMBER  # between the numbers of channels above the slabs
    painter.drawText(above, CENTRE, _fitting(painter, step_text.short(step), step_text.shortest(step), space))
    font, plain = QFont(painter.font()), QFont(painter.font())
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    painter.drawText(below, CENTRE, _fitting(painter, f"{step.weights:,}", step_text.rounded(step), room.width()))
    painter.setFont(plain)
    if isinstance(step, Convolution) and below.bottom() + CAPTION <= room.bottom() + 1:
        painter.setPen(QColor(colours.muted))
        painter.drawText(below.translated(0, CAPTION), CENTRE, _activation_text(step.activation))


def _fitting(painter: QPainter, text: str, shorter: str, width: float) -> str:
    return text if QFontMetricsF(painter.font()).horizontalAdvance(text) <= width - 4 else shorter


def _activation_text(activation: Activation) -> str:
    return tr("linear") if activation is Activation.NONE else activation.value


def _paint_shortcut(painter: QPainter, box: QRectF, placement: Placement) -> None:
    """A line around the block, which ends in a plus."""
    colours, first, last = theme.current(), placement.slabs[0].box, placement.slabs[-1].box
    y, radius = box.top() + 10, 9.0
    path = QPainterPath(QPointF(box.left(), first.top() - CAPTION - 2))
    path.lineTo(box.left(), y + 8)
    path.quadTo(box.left(), y, box.left() + 8, y)
    path.lineTo(box.right() - radius, y)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(colours.field), 1.5, Qt.PenStyle.DashLine))
    painter.drawPath(path)
    painter.drawLine(QPointF(box.right(), y + radius), QPointF(box.right(), last.top() - CAPTION - 2))
    painter.setPen(QPen(QColor(colours.text), 1.5))
    centre = QPointF(box.right(), y)
    painter.drawEllipse(centre, radius, radius)
    painter.drawLine(centre - QPointF(5, 0), centre + QPointF(5, 0))
    painter.drawLine(centre - QPointF(0, 5), centre + QPointF(0, 5))
