"""Prototype heads: distances to points, and files that come from strangers."""

from __future__ import annotations

import io

import numpy as np
import pytest

from core.base.errors import ModelError
from core.models.heads import PrototypeHead, head_bytes, read_head, softmax
from tests import tiny


def test_logits_of_a_prototype_head_are_minus_the_squared_distances() -> None:
    points, scale, shift = np.array([[1, 0, -2], [0, 3, 1]], np.float32), np.array([2, 1]), np.array([-1, 0.5])
    head = PrototypeHead(points, scale.astype(np.float32), shift.astype(np.float32))
    features = np.array([[1, 1], [0.5, 2.5], [-3, 0]], np.float32)
    distances = np.square((features * scale + shift)[:, :, None] - points).sum(axis=1)
    np.testing.assert_allclose(head.logits(features), -distances, rtol=1e-5)
    linear = head.as_linear().logits(features)
    np.testing.assert_allclose(softmax(linear), softmax(head.logits(features)), atol=1e-6)
    assert (head.feature_width, head.class_count) == (2, 3)


def test_a_prototype_head_survives_its_file() -> None:
    draw = np.random.default_rng(1)
    head = PrototypeHead(*(draw.normal(size=size).astype(np.float32) for size in ((64, 5), 64, 64)))
    rounded = read_head(head_bytes(head))
    assert isinstance(rounded, PrototypeHead)
    np.testing.assert_array_equal(rounded.points, head.points.astype(np.float16))
    np.testing.assert_array_equal(rounded.scale, head.scale)
    tiny.assert_same_head(read_head(head_bytes(head, exact=True)), head)


@pytest.mark.parametrize(
    ("points", "scale", "shift"),
    [((4, 3), 4, 3), ((4, 3), 3, 4), ((0, 3), 0, 0), (4, 4, 4)],
)
def test_points_that_do_not_match_are_refused(points: tuple[int, int], scale: int, shift: int) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, points=np.zeros(points, "f4"), scale=np.zeros(scale, "f4"), shift=np.zeros(shift, "f4"))
    with pytest.raises(ModelError) as caught:
        read_head(buffer.getvalue())
    assert caught.value.hint


def test_points_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ModelError, match="not numbers"):
        PrototypeHead(np.full((2, 2), np.nan, np.float32), np.ones(2, np.float32), np.ones(2, np.float32))
