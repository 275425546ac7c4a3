"""Padded networks in 8 bits compute the same numbers; other networks stay as they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
import pytest
from numpy.typing import ArrayLike, NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from core.base.providers import Precision, Provider
from core.engine.channel_padding import pad_channels
from core.engine.sessions import open_session

WIDTH, PADDED = 24, 32


class Network:
    """A graph in the making; each operator reads the last one's output, unless another is named."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.arrays: list[TensorProto] = []
        self.last = "image"
        self._rng = np.random.default_rng(0)

    def stored(self, values: ArrayLike) -> str:
        name = f"array{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(self, operator: str, *inputs: str, **facts: object) -> str:
        name = f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **facts))
        return name

    def apply(self, operator: str, *inputs: str, **facts: object) -> str:
        self.last = self.add(operator, self.last, *inputs, **facts)
        return self.last

    def round(self) -> str:
        steps = [self.stored(np.float32(0.03)), self.stored(np.uint8(100))]
        self.apply("QuantizeLinear", *steps)
        return self.apply("DequantizeLinear", *steps)

    def convolve(self, shape: tuple[int, ...], *, in_8_bits: bool = True, **facts: object) -> str:
        """A convolution with a kernel of this shape, and a bias."""
        whole = self._rng.integers(-64, 65, shape).astype(np.int8)
        step = self._rng.uniform(0.001, 0.002, shape[0]).astype(np.float32)
        bias = self._rng.integers(-99, 99, shape[0]).astype(np.int32)
        zeros = np.zeros(shape[0], np.int8), np.zeros(shape[0], np.int32)
        if in_8_bits:
            operands = [
                self.add("DequantizeLinear", *(self.stored(part) for part in parts), axis=0)
                for parts in ((whole, step, zeros[0]), (bias, np.float32(0.03) * step, zeros[1]))
            ]
        else:
            operands = [self.stored(whole * step.reshape(-1, 1, 1, 1)), self.stored((bias * step).astype(np.float32))]
        pads = [shape[-1] // 2] * 4
        return self.apply("Conv", *operands, kernel_shape=shape[2:], pads=pads, **facts)

    def model(self) -> onnx.ModelProto:
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", None, None, None])
            for name in ("image", self.last)
        ]
        graph = helper.make_graph(self.nodes, "test", ends[:1], ends[1:], self.arrays)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def separable(width: int = WIDTH, *, in_8_bits: bool = True, is_end: bool = False) -> onnx.ModelProto:
    """Separable convolutions with a shortcut around them, one in float32 beside them, and pooling."""
    network = Network()
    network.round()
    network.convolve((width, 4, 1, 1))
    start = network.round()
    network.apply("Relu")
    network.round()
    network.convolve((width, 1, 3, 3), in_8_bits=in_8_bits, group=width)
    network.round()
    network.convolve((width, width, 1, 1))
    network.round()
    network.apply("Add", start)
    if not is_end:
        network.apply("Clip", "", network.stored(np.float32(2)))
        network.apply("MaxPool", kernel_shape=[3, 3], strides=[2, 2])
        network.convolve((16, width, 1, 1), in_8_bits=False)
    return network.model()


def run(model: onnx.ModelProto) -> NDArray[np.float32]:
    image = np.random.default_rng(1).normal(size=(2, 4, 9, 9)).astype(np.float32)
    session = open_session(model.SerializeToString(), Provider.CPU, Precision.EXACT)
    return np.asarray(session.run(None, {"image": image})[0])


def kernels(model: onnx.ModelProto) -> Iterator[tuple[int, ...]]:
    return (tuple(array.dims) for array in model.graph.initializer if len(array.dims) == 4)


def test_channels_of_depthwise_convolutions_are_padded_and_the_numbers_stay() -> None:
    model, before = separable(), run(separable())
    assert pad_channels(model)
    assert sorted(kernels(model)) == sorted(
        [(PADDED, 4, 1, 1), (PADDED, 1, 3, 3), (PADDED, PADDED, 1, 1), (16, PADDED, 1, 1)]
    )
    onnx.checker.check_model(model)
    np.testing.assert_array_equal(run(model), before)
    assert before.std() > 0.1
    assert not pad_channels(model), "once is enough"


def test_shapes_without_padding_are_dropped() -> None:
    model, before = onnx.shape_inference.infer_shapes(separable()), run(separable())
    assert model.graph.value_info
    assert pad_channels(model)
    np.testing.assert_array_equal(run(model), before)


def test_a_kernel_that_another_convolution_shares_stays_for_it() -> None:
    network = Network()
    network.round()
    first = network.convolve((WIDTH, 4, 1, 1))
    network.round()
    network.convolve((WIDTH, 1, 3, 3), group=WIDTH)
    network.round()
    kernel = network.nodes[4].input[1]
    assert network.nodes[4].output[0] == first
    network.convolve((4, WIDTH, 1, 1))
    network.apply("Conv", kernel, kernel_shape=[1, 1])
    model, before = network.model(), run(network.model())
    assert pad_channels(model)
    assert {(PADDED, 4, 1, 1), (WIDTH, 4, 1, 1)} <= set(kernels(model))
    np.testing.assert_array_equal(run(model), before)


@pytest.mark.parametrize(
    "model",
    [separable(width=48), separable(in_8_bits=False), separable(is_end=True)],
    ids=["16 channels times 3", "float32", "the channels are those of an output"],
)
def test_other_networks_stay(model: onnx.ModelProto) -> None:
    before = model.SerializeToString()
    assert not pad_channels(model)
    assert model.SerializeToString() == before


def test_a_channel_that_is_added_to_all_others_prevents_it() -> None:
    network = Network()
    network.round()
    network.convolve((1, 4, 1, 1))
    one = network.round()
    network.convolve((WIDTH, 1, 1, 1))
    network.round()
    network.convolve((WIDTH, 1, 3, 3), group=WIDTH)
    network.round()
    network.apply("Add", one)
    network.convolve((4, WIDTH, 1, 1))
    model = network.model()
    assert run(model).shape == (2, 4, 9, 9)
    assert not pad_channels(model)


@pytest.mark.parametrize("operator", ["PRelu", "Mul"])
def test_numbers_that_belong_to_channels_prevent_it(operator: str) -> None:
    network = Network()
    network.round()
    network.convolve((WIDTH, 4, 1, 1))
    network.round()
    network.convolve((WIDTH, 1, 3, 3), group=WIDTH)
    network.apply(operator, network.stored(np.full((WIDTH, 1, 1), 0.5, np.float32)))
    network.convolve((4, WIDTH, 1, 1))
    assert not pad_channels(network.model())
