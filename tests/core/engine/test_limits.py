"""Memory and work of a graph, counted by hand and by `limits`."""

from __future__ import annotations

from itertools import pairwise

import onnx
import pytest
from onnx import helper

from core.base.errors import ModelError
from core.engine.limits import MAX_BATCH, check_limits, macs, peak_memory
from core.engine.shapes import infer
from tests.core.engine.test_shapes import graph_of

ONE = 4 * 6 * 6 * 4
"""Bytes of x for one image."""


def peak(*nodes: onnx.NodeProto, batch: int = 1) -> int:
    model = graph_of(*nodes)
    return peak_memory(model, infer(model, batch, side=6))


def relu(read: str, made: str) -> onnx.NodeProto:
    return helper.make_node("Relu", [read], [made])


def test_a_chain_holds_its_input_and_two_arrays_at_once_however_long_it_is() -> None:
    chain = [relu("x" if not number else f"a{number}", f"a{number + 1}") for number in range(20)]
    assert peak(*chain, relu("a20", "y")) == 3 * ONE
    assert peak(*chain, relu("a20", "y"), batch=3) == 3 * 3 * ONE


def test_what_is_read_late_is_held_until_then() -> None:
    chain = [relu("x", "a"), relu("a", "b"), relu("b", "c"), relu("c", "d"), helper.make_node("Add", ["a", "d"], ["y"])]
    assert peak(*chain) == 4 * ONE


def test_branches_are_made_one_after_another_as_onnx_runtime_does() -> None:
    """In the file all large arrays come first; measured, ONNX Runtime takes as much as is estimated here."""
    large = [relu("x", f"large{number}") for number in range(9)]
    small = [helper.make_node("ReduceMean", [f"large{n}"], [f"small{n}"], axes=[2, 3]) for n in range(9)]
    joined = helper.make_node("Sum", [f"small{n}" for n in range(9)], ["y"])
    assert peak(*large, *small, joined) < 3 * ONE


def test_work_counts_what_no_matrix_product_does() -> None:
    pool = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[5, 5], pads=[2] * 4)
    model = graph_of(pool)
    inferred = infer(model, MAX_BATCH, side=2000)
    assert macs(pool, inferred) == 0
    check_limits(model, inferred)
    model.graph.node[0].attribute[0].ints[:] = [25, 25]
    model.graph.node[0].attribute[1].ints[:] = [12] * 4
    with pytest.raises(ModelError, match=r"billion multiply-adds per image\. The limit is 50 billion"):
        check_limits(model, infer(model, MAX_BATCH, side=2000))


def test_work_knows_slow_operators() -> None:
    """Across the channels a Softmax takes 40 times as long as along the last axis."""
    chain = ["x", "a", "b", "y"]
    nodes = [helper.make_node("Softmax", [read], [made], axis=3) for read, made in pairwise(chain)]
    model = graph_of(*nodes)
    inferred = infer(model, MAX_BATCH, side=1600)
    check_limits(model, inferred)
    for node in model.graph.node:
        node.attribute[0].i = 1
    with pytest.raises(ModelError, match="63 billion"):
        check_limits(model, inferred)
