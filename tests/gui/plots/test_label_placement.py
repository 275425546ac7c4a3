"""Labels of points: beside them, never over one another."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from gui.plots.label_placement import Box, PlacedLabel, Spot, crosses, place_labels

ROOM = (0.0, 0.0, 400.0, 300.0)
SPOTS = st.lists(st.tuples(st.floats(10, 390), st.floats(10, 290)), min_size=1, max_size=12)


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_a_lonely_point_has_its_label_to_the_right() -> None:
    (label,) = place_labels([(100, 100)], [(60, 14)], ROOM)
    assert label == PlacedLabel((111.0, 93.0, 171.0, 107.0))


def test_at_the_right_edge_it_is_to_the_left() -> None:
    (label,) = place_labels([(380, 100)], [(60, 14)], ROOM)
    assert label is not None
    assert label.box[2] == 369


def test_where_there_is_no_room_there_is_no_label() -> None:
    assert place_labels([(20, 20)], [(60, 14)], (0, 0, 40, 40)) == [None]


def test_a_crowded_point_has_a_line_to_its_label() -> None:
    points: list[Spot] = [(200, 150), (204, 151), (216, 150), (206, 164), (180, 160)]
    labels = place_labels(points, [(120, 14)] * len(points), ROOM)
    assert None not in labels
    assert any(label is not None and label.line is not None for label in labels)


@given(SPOTS, st.floats(20, 120))
def test_no_label_covers_anything(points: list[Spot], width: float) -> None:
    labels = place_labels(points, [(width, 14)] * len(points), ROOM)
    shown = [label for label in labels if label is not None]
    for one, other in combinations(shown, 2):
        assert not overlap(one.box, other.box)
    for one in shown:
        left, top, right, bottom = one.box
        assert left >= 0
        assert top >= 0
        assert right <= 400
        assert bottom <= 300
        assert not any(left < x < right and top < y < bottom for x, y in points)
        assert not any(crosses(other.line, one.box) for other in shown if other.line and other is not one)


def test_a_line_crosses_a_box_or_not() -> None:
    box = (10.0, 10.0, 20.0, 20.0)
    assert crosses(((0, 0), (30, 30)), box)
    assert crosses(((15, 0), (15, 30)), box)
    assert not crosses(((0, 0), (30, 5)), box)
    assert not crosses(((0, 5), (30, 5)), box)
    assert not crosses(((0, 0), (9, 9)), box)
