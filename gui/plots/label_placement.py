"""Where the labels of points go, so that none covers a point, another label, or the line that leads to one.

Plain numbers instead of Qt's rectangles, as many places are tried each time a plot is resized.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Spot: TypeAlias = tuple[float, float]
"""x and y in pixels."""
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""
Line: TypeAlias = tuple[Spot, Spot]

_NEXT_TO: Final = 11.0
"""From a point to a label that needs no line, in pixels."""
_DISTANCES: Final = (22.0, 34.0, 52.0, 74.0)
"""From a point to a label with a line, in pixels."""
_AROUND: Final = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1))
_BETWEEN: Final = ((2, -1), (2, 1), (-2, -1), (-2, 1), (1, -2), (1, 2), (-1, -2), (-1, 2))
_RADIUS: Final = 7.0
"""Of a point, in pixels."""
_GAP: Final = 4.0
"""Between two labels side by side, in pixels."""
_NEAR: Final = 90.0
"""Points at most this far apart compete for room, in pixels."""


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A label with its place.

    Attributes:
        box: the label.
        line: from its point to the label; None if that is right beside it.
    """

    box: Box
    line: Line | None = None


@dataclass(slots=True)
class _Taken:
    """What must not be covered."""

    boxes: list[Box]
    lines: list[Line] = field(default_factory=list)

    def is_free(self, label: PlacedLabel, point: Spot) -> bool:
        """Whether a label covers nothing, and the line to it crosses nothing else than its point."""
        line = label.line
        if any(_overlap(label.box, box) for box in self.boxes) or any(crosses(one, label.box) for one in self.lines):
            return False
        if line is None:
            return True
        others = (box for box in self.boxes if not _is_at(box, point))
        return not any(crosses(line, box) for box in others) and not any(_meet(line, other) for other in self.lines)

    def add(self, label: PlacedLabel) -> None:
        """Take the room of a label."""
        left, top, right, bottom = label.box
        self.boxes.append((left - _GAP, top, right + _GAP, bottom))
        if label.line is not None:
            self.lines.append(label.line)


def place_labels(points: Sequence[Spot], sizes: Sequence[Spot], room: Box) -> list[PlacedLabel | None]:
    """Place a label of each width and height near its point, or None where there is no free place or it has no width.

    Labels are placed one after the other, in several orders; the one that places most of them, with the shortest
    lines, is taken.
    """
    numbers = range(len(points))
    orders = (
        sorted(numbers, key=lambda number: -_neighbours(points, number)),
        sorted(numbers, key=lambda number: points[number]),
        sorted(numbers, key=lambda number: points[number], reverse=True),
        sorted(numbers, key=lambda number: points[number][1]),
    )
    return min((_place_in(order, points, sizes, room) for order in orders), key=_badness)


def _place_in(
    order: Sequence[int], points: Sequence[Spot], sizes: Sequence[Spot], room: Box
) -> list[PlacedLabel | None]:
    taken = _Taken([(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y in points])
    found: list[PlacedLabel | None] = [None] * len(points)
    for number in order:
        if not sizes[number][0]:
            continue
        point = points[number]
        inside = (label for label in _candidates(point, sizes[number]) if _contains(room, label.box))
        label = found[number] = next((label for label in inside if taken.is_free(label, point)), None)
        if label is not None:
            taken.add(label)
    return found


def _badness(found: Sequence[PlacedLabel | None]) -> tuple[int, float]:
    lines = [label.line for label in found if label is not None and label.line is not None]
    return sum(label is None for label in found), sum(math.dist(*line) for line in lines)


def _candidates(point: Spot, size: Spot) -> Iterator[PlacedLabel]:
    for across, down in _AROUND:
        is_corner = across != 0 and down != 0
        yield PlacedLabel(_box(point, size, across * _NEXT_TO, down * (2 if is_corner else _NEXT_TO)))
    for distance in _DISTANCES:
        for across, down in _AROUND + _BETWEEN:
            box = _box(point, size, across * distance, down * distance)
            yield PlacedLabel(box, _line_to(point, box))


def _box(point: Spot, size: Spot, across: float, down: float) -> Box:
    """A label at these distances from a point; at 0, its middle is there."""
    left = _start(point[0], size[0], across)
    top = _start(point[1], size[1], down)
    return left, top, left + size[0], top + size[1]


def _start(at: float, extent: float, distance: float) -> float:
    if distance == 0:
        return at - extent / 2
    return at + distance if distance > 0 else at + distance - extent


def _line_to(point: Spot, box: Box) -> Line:
    """From the edge of a point to the nearest place of a label."""
    (x, y), (left, top, right, bottom) = point, box
    end = max(left, min(x, right)), max(top, min(y, bottom))
    part = _RADIUS / math.dist(point, end)
    return (x + (end[0] - x) * part, y + (end[1] - y) * part), end


def crosses(line: Line, box: Box) -> bool:
    """Whether a line has a part inside a box (Liang and Barsky, 1984)."""
    (x, y), (end_x, end_y) = line
    left, top, right, bottom = box
    first, last = 0.0, 1.0
    for step, room in ((x - end_x, x - left), (end_x - x, right - x), (y - end_y, y - top), (end_y - y, bottom - y)):
        if step == 0:
            if room <= 0:
                return False
        elif step < 0:
            first = max(first, room / step)
        else:
            last = min(last, room / step)
    return first < last


def _meet(one: Line, other: Line) -> bool:
    return _side(one, other[0]) * _side(one, other[1]) < 0 and _side(other, one[0]) * _side(other, one[1]) < 0


def _side(line: Line, spot: Spot) -> float:
    (x, y), (end_x, end_y) = line
    return (end_x - x) * (spot[1] - y) - (end_y - y) * (spot[0] - x)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _contains(room: Box, box: Box) -> bool:
    return room[0] <= box[0] and room[1] <= box[1] and box[2] <= room[2] and box[3] <= room[3]


def _is_at(box: Box, point: Spot) -> bool:
    """Whether a box is around this point, or around one at practically the same place."""
    return math.dist(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), point) <= _RADIUS


def _neighbours(points: Sequence[Spot], number: int) -> int:
    return sum(math.dist(points[number], other) <= _NEAR for other in points)
