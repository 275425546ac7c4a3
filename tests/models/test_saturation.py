"""What the built-in variants in 8 bits would compute where multiplication saturates: AVX2 and AVX-512 without VNNI.

There `vpmaddubsw` adds the products of two unsigned and two signed bytes in 16 bits, and cuts what does not fit
(Intel's Software Developer's Manual, volume 2, PMADDUBSW). The tests run this arithmetic in NumPy, in the convolutions
that ONNX Runtime computes as matrix products; pairs are neighbouring channels, as there. No such processor is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

from core.base.providers import Precision
from core.card import BackboneCard, ModelCard, read_card
from core.engine import golden, graph
from core.engine.engine import MIN_AGREEMENT
from core.models.rounding import round_to_int8

Array = NDArray[Any]

_INT16: Final = np.iinfo(np.int16)
_UINT8_MAX: Final = 255


@pytest.mark.parametrize("name", ["xception-imagenet", "efficientnet-lite0-imagenet"])
def test_weights_of_seven_bits_cannot_saturate(shipped_models: Path, name: str) -> None:
    stored = onnx.load(shipped_models / name / "int8.onnx").graph.initializer
    weights = [numpy_helper.to_array(one) for one in stored if one.data_type == onnx.TensorProto.INT8]
    kernels = [one for one in weights if one.ndim == 4]
    assert kernels
    low, high = min(int(one.min()) for one in kernels), max(int(one.max()) for one in kernels)
    assert 2 * _UINT8_MAX * low >= _INT16.min
    assert 2 * _UINT8_MAX * high <= _INT16.max


def test_a_processor_that_saturates_is_found_by_the_golden_features(shipped_models: Path) -> None:
    """Kernels of `general` have all 8 bits: if ONNX Runtime let them saturate, its variant would not be opened."""
    card = read_card((shipped_models / "general" / "card.json").read_bytes())
    assert isinstance(card, ModelCard)
    backbone = card.backbone
    assert isinstance(backbone, BackboneCard)
    (variant,) = backbone.variants
    content = graph.parse(round_to_int8((shipped_models / "general" / variant.file).read_bytes())).graph
    image = golden.golden_inputs(backbone.preprocessing.size)[:1]
    expected = golden.decode_features(variant.golden_features, backbone.feature_width)[:1]
    exact, saturated = (_run(content, image, products) for products in (_products, _saturated_products))
    assert golden.cosine(exact, expected) > MIN_AGREEMENT[Precision.AUTO]
    assert golden.cosine(saturated, expected) < MIN_AGREEMENT[Precision.AUTO]


def _products(pixels: Array, weights: Array) -> Array:
    """Integers uint8 [n, k] times integers int8 [k, out]."""
    return pixels.astype(np.float64) @ weights.astype(np.float64)


def _saturated_products(pixels: Array, weights: Array) -> Array:
    """The same where the sum of each pair of products is cut to 16 bits."""
    odd = len(weights) % 2
    x, w = (
        np.pad(one.astype(np.int64), pad) for one, pad in ((pixels, ((0, 0), (0, odd))), (weights, ((0, odd), (0, 0))))
    )
    first, second = w[0::2], w[1::2]
    highest = _UINT8_MAX * (np.maximum(first, 0) + np.maximum(second, 0))
    lowest = _UINT8_MAX * (np.minimum(first, 0) + np.minimum(second, 0))
    sums = _products(pixels, weights)
    may_saturate = (highest > _INT16.max) | (lowest < _INT16.min)
    for pair in np.flatnonzero(may_saturate.any(axis=1)).tolist():
        (outs,) = np.nonzero(may_saturate[pair])
        both = x[:, 2 * pair, None] * first[pair, outs] + x[:, 2 * pair + 1, None] * second[pair, outs]
        sums[:, outs] += np.clip(both, _INT16.min, _INT16.max) - both
    return sums


def _run(content: onnx.GraphProto, image: Array, products: Callable[[Array, Array], Array]) -> Array:
    """The features of a network in QDQ format, its convolutions in integers."""
    values: dict[str, Array] = {one.name: numpy_helper.to_array(one) for one in content.initializer}
    values[graph.INPUT] = image
    stored = {node.output[0]: node for node in content.node if node.op_type == "DequantizeLinear"}
    for node in content.node:
        inputs = [values[name] for name in node.input]
        values[node.output[0]] = (
            _convolution(node, values, stored, products)
            if node.op_type == "Conv"
            else _PLAIN[node.op_type](node, *inputs)
        )
    return values[graph.FEATURES].astype(np.float32)


def _dequantized(_: NodeProto, integers: Array, step: Array, zero: Array | int = 0) -> Array:
    shape = (-1, *(1,) * (integers.ndim - 1)) if step.ndim else ()
    return (integers.astype(np.float32) - zero) * step.reshape(shape)


def _quantized(_: NodeProto, values: Array, step: Array, zero: Array) -> Array:
    return np.clip(np.rint(values / step) + zero, 0, _UINT8_MAX).astype(np.uint8)


_PLAIN: Final[dict[str, Callable[..., Array]]] = {
    "Cast": lambda _, x: x.astype(np.float32),
    "Mul": lambda _, x, y: x * y,
    "Add": lambda _, x, y: x + y,
    "Clip": lambda _, x, low, high: np.clip(x, low, high),
    "Transpose": lambda node, x: x.transpose(helper.get_node_attr_value(node, "perm")),
    "GlobalAveragePool": lambda _, x: x.mean(axis=(2, 3), keepdims=True),
    "Squeeze": lambda _, x, axes: np.squeeze(x, tuple(axes.tolist())),
    "QuantizeLinear": _quantized,
    "DequantizeLinear": _dequantized,
}


def _convolution(
    node: NodeProto, values: dict[str, Array], stored: dict[str, NodeProto], products: Callable[[Array, Array], Array]
) -> Array:
    facts = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    source, kernel = (stored[name] for name in node.input[:2])
    pixels, step, zero = (values[name] for name in source.input)
    weights, steps = (values[name] for name in kernel.input[:2])
    size, stride, group = weights.shape[2], facts.get("strides", [1])[0], facts.get("group", 1)
    top, left, bottom, right = facts.get("pads", [0] * 4)
    padded = np.pad(pixels, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=int(zero))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    if group > 1:
        sums = np.einsum("nchwij,cij->nchw", windows.astype(np.float32) - float(zero), weights[:, 0].astype(np.float32))
    else:
        rows = windows.transpose(0, 2, 3, 4, 5, 1).reshape(-1, size * size * weights.shape[1])
        columns = weights.transpose(2, 3, 1, 0).reshape(rows.shape[1], -1)
        found = products(rows, columns) - float(zero) * columns.sum(axis=0, dtype=np.float64)
        sums = found.reshape(1, *windows.shape[2:4], -1).transpose(0, 3, 1, 2)
    scaled: Array = sums * (float(step) * steps.reshape(-1, 1, 1)) + values[node.input[2]].reshape(-1, 1, 1)
    return scaled.astype(np.float32)
