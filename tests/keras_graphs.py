"""Keras networks as ONNX graphs without content: the shapes of all weights, nothing folded, made in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Layer = Any
"""A layer, or one of its variables."""


def keras_graph(model: keras.Model) -> onnx.ModelProto:
    """The graph of a Keras network for images, layer by layer; axes are [n, channels, h, w]."""
    return _Writer().write(model)


class _Writer:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: list[TensorProto] = []

    def write(self, model: keras.Model) -> onnx.ModelProto:
        (height, width, channels) = model.input_shape[1:]
        names = {id(model.inputs[0]): "image"}
        for layer in model.layers[1:]:
            (node,) = layer._inbound_nodes
            given = [names[id(tensor)] for tensor in node.input_tensors]
            names[id(node.outputs[0])] = self._layer(layer, given)
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", channels, height, width])
        output = helper.make_tensor_value_info(names[id(model.outputs[0])], TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "keras", [image], [output], self.arrays)
        return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])

    def _layer(self, layer: Layer, given: list[str]) -> str:
        return _WRITERS[type(layer).__name__](self, layer, given)

    def add(self, operator: str, given: list[str], name: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(operator, given, [name], name=name, **attributes))
        return name

    def shaped(self, name: str, *dims: int) -> str:
        """An array without content."""
        self.arrays.append(TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims))
        return name

    def whole(self, name: str, *values: int) -> str:
        self.arrays.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name


def _padding(layer: Layer) -> dict[str, object]:
    return {"auto_pad": "SAME_UPPER"} if layer.padding == "same" else {}


def _convolve(write: _Writer, layer: Layer, given: list[str], name: str, variable: Layer, **more: object) -> str:
    """A convolution whose kernel in Keras is [h, w, in, out], or [h, w, channels, multiplier] if it is depthwise."""
    height, width, second, last = variable.shape
    dims = (second * last, 1) if "group" in more else (last, second)
    read = [*given, write.shaped(f"{name}/kernel", *dims, height, width)]
    if layer.use_bias and "bias" in more:
        read.append(write.shaped(f"{name}/bias", *layer.bias.shape))
    more.pop("bias", None)
    return write.add("Conv", read, name, **more)


def _conv(write: _Writer, layer: Layer, given: list[str]) -> str:
    more = {"strides": layer.strides, "dilations": layer.dilation_rate, **_padding(layer), "bias": True}
    return _activated(write, layer, _convolve(write, layer, given, layer.name, layer.kernel, **more))


def _depthwise(write: _Writer, layer: Layer, given: list[str]) -> str:
    more = {"group": layer.kernel.shape[2], "strides": layer.strides, **_padding(layer), "bias": True}
    return _activated(write, layer, _convolve(write, layer, given, layer.name, layer.kernel, **more))


def _separable(write: _Writer, layer: Layer, given: list[str]) -> str:
    kernel = layer.depthwise_kernel
    more = {"group": kernel.shape[2], "strides": layer.strides, **_padding(layer)}
    between = _convolve(write, layer, given, f"{layer.name}/depthwise", kernel, **more)
    return _convolve(write, layer, [between], layer.name, layer.pointwise_kernel, bias=True)


def _activated(write: _Writer, layer: Layer, name: str) -> str:
    return name if layer.activation is keras.activations.linear else write.add("Relu", [name], f"{name}/activation")


def _normalise(write: _Writer, layer: Layer, given: list[str]) -> str:
    """Where Keras has no scale or no offset, there are no numbers for it: it is made from a scalar."""
    name, width = layer.name, layer.moving_mean.shape[0]
    arrays = []
    for part, is_stored in (("gamma", layer.scale), ("beta", layer.center), ("mean", True), ("variance", True)):
        if is_stored:
            arrays.append(write.shaped(f"{name}/{part}", width))
        else:
            arrays.append(write.add("ConstantOfShape", [write.whole(f"{name}/{part}/shape", width)], f"{name}/{part}"))
    return write.add("BatchNormalization", [*given, *arrays], name)


def _pool(operator: str) -> Callable[[_Writer, Layer, list[str]], str]:
    def write_pool(write: _Writer, layer: Layer, given: list[str]) -> str:
        more = {"kernel_shape": layer.pool_size, "strides": layer.strides, **_padding(layer)}
        return write.add(operator, given, layer.name, **more)

    return write_pool


def _global_pool(write: _Writer, layer: Layer, given: list[str]) -> str:
    pooled = write.add("GlobalAveragePool", given, layer.name)
    return pooled if layer.keepdims else write.add("Flatten", [pooled], f"{layer.name}/flat")


def _pad(write: _Writer, layer: Layer, given: list[str]) -> str:
    (top, bottom), (left, right) = layer.padding
    pads = write.whole(f"{layer.name}/pads", 0, 0, top, left, 0, 0, bottom, right)
    return write.add("Pad", [*given, pads], layer.name)


def _dense(write: _Writer, layer: Layer, given: list[str]) -> str:
    arrays = [write.shaped(f"{layer.name}/kernel", *layer.kernel.shape)]
    arrays += [write.shaped(f"{layer.name}/bias", *layer.bias.shape)] if layer.use_bias else []
    return write.add("Gemm", [*given, *arrays], layer.name)


def _plain(operator: str, **attributes: object) -> Callable[[_Writer, Layer, list[str]], str]:
    return lambda write, layer, given: write.add(operator, given, layer.name, **attributes)


def _scaled_sum(write: _Writer, layer: Layer, given: list[str]) -> str:
    """InceptionResNetV2's residual: the sum of the first and the second times a constant."""
    write.arrays.append(numpy_helper.from_array(np.float32(layer.scale), f"{layer.name}/scale"))
    scaled = write.add("Mul", [given[1], f"{layer.name}/scale"], f"{layer.name}/scaled")
    return write.add("Add", [given[0], scaled], layer.name)


_WRITERS: Mapping[str, Callable[[_Writer, Layer, list[str]], str]] = {
    "Activation": _plain("Relu"),
    "Add": _plain("Add"),
    "AveragePooling2D": _pool("AveragePool"),
    "BatchNormalization": _normalise,
    "Concatenate": _plain("Concat", axis=1),
    "Conv2D": _conv,
    "CustomScaleLayer": _scaled_sum,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise,
    "Dropout": _plain("Identity"),
    "Flatten": _plain("Flatten"),
    "GlobalAveragePooling2D": _global_pool,
    "MaxPooling2D": _pool("MaxPool"),
    "ReLU": _plain("Relu"),
    "Reshape": _plain("Flatten"),
    "SeparableConv2D": _separable,
    "ZeroPadding2D": _pad,
}
