"""Where the parts of a block's diagram are: slabs of channels, and the steps that lead from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF

from core.architectures.convolutions import Block, Step

CAPTION: Final = 18
"""Height of a line of text, in pixels."""
SHORTCUT: Final = 30
"""Height of the shortcut above the block, in pixels."""
_SLAB: Final = 16
_THINNEST: Final = 8
_CHAIN: Final = 190
"""Height of a single branch, in pixels."""
_ROW: Final = 88
"""Height of a branch beside others, in pixels."""
_GAP: Final = 8
"""Between two branches, in pixels."""
_MAX_LINK: Final = 240
_MARGIN: Final = 28
"""Room on both sides for half of the number of channels, in pixels."""


@dataclass(frozen=True, slots=True)
class Slab:
    """Some channels."""

    box: QRectF
    channels: int


@dataclass(frozen=True, slots=True)
class Link:
    """A step from one slab to the next.

    Attributes:
        start: the part of the earlier slab that it reads.
        end: the part of the later slab that it writes.
        step: what it does; None where channels are only put together.
        room: the space for its captions, above and below `start` and `end`.
    """

    start: QRectF
    end: QRectF
    step: Step | None
    room: QRectF


@dataclass(frozen=True, slots=True)
class Placement:
    """The parts of a diagram.

    Attributes:
        slabs: the input first, the output last.
        links: the steps.
        shortcut: from the input to the output, if there is one.
    """

    slabs: tuple[Slab, ...]
    links: tuple[Link, ...]
    shortcut: QRectF | None = None


def needed_height(block: Block) -> int:
    """The height of a diagram that shows everything, in pixels."""
    above = SHORTCUT if block.has_shortcut else 0
    return above + (_ROW * len(block.branches) + CAPTION if len(block.branches) > 1 else _CHAIN)


def place(block: Block, room: QRectF) -> Placement:
    """Place a block in this room."""
    area = room.adjusted(_MARGIN, SHORTCUT if block.has_shortcut else 0, -_MARGIN, 0)
    return _place_branches(block, area) if len(block.branches) > 1 else _place_chain(block, area)


def _place_chain(block: Block, area: QRectF) -> Placement:
    """One branch: slabs as high as they have channels, in a row."""
    steps = block.branches[0]
    widths = [block.inputs, *(step.outputs for step in steps)]
    lefts = _lefts(area, len(widths))
    band = area.adjusted(0, 2 * CAPTION, 0, -2 * CAPTION)
    slabs = [_slab(left, band, width, max(widths)) for left, width in zip(lefts, widths, strict=True)]
    links = [
        Link(one.box, other.box, step, _room(area, one, other))
        for one, other, step in zip(slabs, slabs[1:], steps, strict=False)
    ]
    left, right = slabs[0].box.center().x(), slabs[-1].box.center().x()
    shortcut = QRectF(left, area.top() - SHORTCUT, right - left, SHORTCUT) if block.has_shortcut else None
    return Placement(tuple(slabs), tuple(links), shortcut)


def _place_branches(block: Block, area: QRectF) -> Placement:
    """Several branches, one below the other, between the whole input and the whole output."""
    columns = max(map(len, block.branches)) + 2
    lefts = _lefts(area, columns)
    band = QRectF(area.left(), area.top() + CAPTION, area.width(), area.height() - CAPTION)
    first = Slab(QRectF(lefts[0], band.top(), _SLAB, band.height()), block.inputs)
    last = Slab(QRectF(lefts[-1], band.top(), _SLAB, band.height()), block.outputs)
    slabs, links = [first], []
    height = band.height() / len(block.branches)
    for number, branch in enumerate(block.branches):
        row = QRectF(band.left(), band.top() + number * height, band.width(), height)
        inner, steps = _place_row(branch, row, lefts, first, last)
        slabs += inner
        links += steps
    return Placement((*slabs, last), tuple(links))


def _place_row(
    branch: Sequence[Step], row: QRectF, lefts: Sequence[float], first: Slab, last: Slab
) -> tuple[list[Slab], list[Link]]:
    row = row.adjusted(0, 0, 0, -_GAP)
    band = row.adjusted(0, CAPTION, 0, -CAPTION)
    widest = max(step.outputs for step in branch)
    slabs = [_slab(left, band, step.outputs, widest) for left, step in zip(lefts[1:], branch, strict=False)]
    source = Slab(QRectF(first.box.left(), band.top(), _SLAB, band.height()), first.channels)
    chain = [source, *slabs]
    links = [
        Link(one.box, other.box, step, _room(row, one, other))
        for one, other, step in zip(chain, slabs, branch, strict=False)
    ]
    target = QRectF(last.box.left(), band.top(), _SLAB, band.height())
    return slabs, [*links, Link(slabs[-1].box, target, None, row)]


def _lefts(area: QRectF, count: int) -> list[float]:
    """The left sides of this many slabs, centred in the area."""
    step = min(_MAX_LINK, (area.width() - _SLAB) / max(1, count - 1))
    start = area.center().x() - (step * (count - 1) + _SLAB) / 2
    return [start + step * number for number in range(count)]


def _slab(left: float, band: QRectF, channels: int, widest: int) -> Slab:
    height = max(_THINNEST, band.height() * channels / widest)
    return Slab(QRectF(left, band.center().y() - height / 2, _SLAB, height), channels)


def _room(area: QRectF, one: Slab, other: Slab) -> QRectF:
    """The space between two slabs, from top to bottom of an area."""
    return QRectF(one.box.right(), area.top(), other.box.left() - one.box.right(), area.height())
