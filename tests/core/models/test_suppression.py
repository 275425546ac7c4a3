"""Non-maximum suppression, checked by hand and against ONNX's own operator."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.models.suppression import MAX_BOXES, MAX_OVERLAP, best_boxes, overlap

Real = NDArray[np.float32]
SQUARE = (0.0, 0.0, 1.0, 1.0)


def real(*rows: tuple[float, ...]) -> Real:
    return np.array(rows, np.float32)


def test_overlap_is_intersection_over_union() -> None:
    others = real(SQUARE, (0.5, 0.0, 1.5, 1.0), (2.0, 2.0, 3.0, 3.0), (0.25, 0.25, 0.75, 0.75))
    assert overlap(real(SQUARE)[0], others) == pytest.approx([1, 1 / 3, 0, 0.25])


def test_empty_boxes_overlap_with_nothing() -> None:
    assert overlap(real((0.5, 0.5, 0.5, 0.5))[0], real((0.5, 0.5, 0.5, 0.5), SQUARE)) == pytest.approx([0, 0])


def test_of_near_boxes_with_the_same_label_the_best_remains() -> None:
    boxes = real(SQUARE, (0.05, 0.0, 1.05, 1.0), (0.6, 0.0, 1.6, 1.0))
    scores = real((0.7, 0.6), (0.9, 0.0), (0.8, 0.0))
    assert best_boxes(boxes, scores, 0.5) == [(1, 0), (2, 0), (0, 1)]


def test_boxes_below_the_least_score_and_invalid_ones_are_left_out() -> None:
    boxes = real(SQUARE, SQUARE)
    assert best_boxes(boxes, real((0.49,), (np.nan,)), 0.5) == []


def test_at_most_a_hundred_boxes_remain() -> None:
    boxes = np.array([(at, 0, at + 1, 1) for at in range(300)], np.float32)
    found = best_boxes(boxes, np.linspace(0.5, 1, 300, dtype=np.float32)[:, None], 0.5)
    assert [box for box, _ in found] == list(range(299, 299 - MAX_BOXES, -1))


def test_the_same_boxes_remain_as_with_onnx() -> None:
    draw = np.random.default_rng(3)
    corners = draw.random((60, 2), np.float32)
    boxes = np.concatenate([corners, corners + draw.uniform(0.1, 0.4, (60, 2))], axis=1).astype(np.float32)
    scores = draw.random((60, 3)).astype(np.float32)
    found = best_boxes(boxes, scores, 0.5)
    assert {(label, box) for box, label in found} == _by_onnx(boxes, scores)


def _by_onnx(boxes: Real, scores: Real) -> set[tuple[int, int]]:
    constants = {"most": np.array(MAX_BOXES), "overlap": np.float32(MAX_OVERLAP), "least": np.float32(0.5)}
    node = helper.make_node("NonMaxSuppression", ["boxes", "scores", *constants], ["chosen"])
    inputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 60, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3, 60]),
    ]
    output = helper.make_tensor_value_info("chosen", TensorProto.INT64, [None, 3])
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph([node], "suppression", inputs, [output], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (chosen,) = session.run(None, {"boxes": boxes[None], "scores": scores.T[None].copy()})
    return {(int(label), int(box)) for _, label, box in chosen}
