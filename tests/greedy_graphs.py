"""Graphs that would take too much memory or time: the tiny backbone with more behind it."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from tests.hostile_graphs import Change


def _wide(model: ModelProto, channels: int, side: int, group: int = 1) -> None:
    """A convolution with kernels of `side` by `side` over the feature map; the tiny file grows by its kernels alone."""
    kernels = np.zeros((channels, 8 // group, side, side), np.float16)
    model.graph.initializer.append(numpy_helper.from_array(kernels, "wide_half"))
    model.graph.node.append(helper.make_node("Cast", ["wide_half"], ["wide"], to=TensorProto.FLOAT))
    pads = [side // 2] * 4
    model.graph.node.append(helper.make_node("Conv", ["large", "wide"], ["widened"], pads=pads, group=group))


def _large(model: ModelProto, side: int) -> None:
    pads = numpy_helper.from_array(np.array([0, 0, 0, 0, 0, 0, side, side], np.int64), "pads")
    model.graph.initializer.append(pads)
    model.graph.node.append(helper.make_node("Pad", ["feature_map", "pads"], ["large"]))


def arithmetic_without_end(model: ModelProto) -> None:
    _large(model, 700)
    _wide(model, 8, 61)


def a_window_without_end(model: ModelProto) -> None:
    _large(model, 700)
    pool = helper.make_node("AveragePool", ["large"], ["pooled_far"], kernel_shape=[51, 51], pads=[25] * 4)
    model.graph.node.append(pool)


def a_batch_that_fills_the_memory(model: ModelProto) -> None:
    """Three arrays of 0.13 GB an image at once: 3 GB for a batch."""
    _large(model, 2000)
    model.graph.node.append(helper.make_node("Sigmoid", ["large"], ["other"]))
    model.graph.node.append(helper.make_node("Add", ["large", "other"], ["both"]))


TOO_MUCH: list[Change] = [arithmetic_without_end, a_window_without_end, a_batch_that_fills_the_memory]
"""Refused when it is imported; what is installed already may take eight times as much."""
