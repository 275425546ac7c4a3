"""The variant of a built-in backbone in 8 bits: calibrated on photos without copyright, measured on others.

Quantization ranges and biases are calibrated on crops of the sample photos and of those in `calibration`, which are all
CC0 or in the public domain. On 32 of the labelled photos, which serve for nothing but measuring, Xception's features
have a mean cosine of 0.9874 to the exact ones; with the first convolution (0.2% of the work) in float32 0.9884,
with all depthwise ones 0.9883, and with the last four 0.9899, but those are 6%, and 9 MB more. Most of the loss comes
from the activations: with weights of 7 bits alone the cosine is 0.999, with 8 bits 0.9998.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.base.providers import ComputePrecision
from core.card import BackboneCard, BackboneVariant
from core.engine import golden, graph
from core.exporting.activation_observer import POWER, observe_activations
from core.exporting.int8 import OPERATORS, QuantizationKind, mean_shift, quantize
from core.images.decoding import decode
from core.images.preprocessing import Preprocessing, preprocess
from core.models import joined
from core.models.rounding import write_steps
from core.models.variants import Variant, backbone_variant, open_file, run_file
from core.models.weight_storage import Storage, store_as_float32
from core.trainer.onnx_to_keras import stored_kernels

FILE: Final = "int8.onnx"
XCEPTION_FLOAT32: Final = ("conv_4", "conv_14", "conv_23")
"""Xception's first convolution and its first two shortcuts: small, and more sensitive than others."""
LITE0_FLOAT32: Final = ("conv_4", "conv_6", "conv_8")
"""The first three convolutions of EfficientNet-Lite0: with them in 8 bits, the mean cosine is 0.9841 instead of 0.9963,
for 0.3 of 4.4 ms."""
_HERE: Final = Path(__file__).resolve().parent
_ROUNDED: Final = ("Conv", "Add", "GlobalAveragePool")
"""What reads rounded tensors."""
_ROUNDING: Final = 1e-5
SOURCES: Final = (_HERE.parent / "gui" / "samples", _HERE / "calibration")
CROPS: Final = 60
_RANGES: Final = f"ranges minimize |error| ** {POWER} on {CROPS} crops of photos that are CC0 or in the public domain"
METHOD: Final = (
    f"static int8 (QDQ, {QuantizationKind.U8S8}, 7-bit weights per channel): {_RANGES}, biases corrected; sums, "
    "pooling and a few small convolutions in float32"
)
"""How `int8_file` makes a variant."""
METHOD_OF_STEPS: Final = (
    f"static int8 (QDQ, {QuantizationKind.U8S8}), made of the backbone's file: its 8-bit weights per channel as they "
    f"are; {_RANGES}; pooling in float32"
)
"""How `core.models.rounding` makes one."""
_LEAST_AREA: Final = 0.15
_BATCH: Final = 8


def int8_file(data: bytes, card: BackboneCard, float32: Collection[str]) -> bytes:
    """Quantize a backbone.

    Args:
        data: the backbone's file.
        card: its card.
        float32: the names of convolutions that stay in float32.
    """
    model = graph.parse(backbone_variant(Variant(data, card), Storage.FLOAT32).data)
    stats = observe_activations(model, calibration_crops(card.preprocessing), OPERATORS)
    quantized = quantize(model, stats, QuantizationKind.U8S8, float32)
    graph.check_backbone(quantized, card)
    return quantized


def nearest_kernels(data: bytes) -> list[tuple[NDArray[np.int8], NDArray[np.float32]]]:
    """The kernels of a network as the nearest integers [out, in, h, w] and the step [out] of each output channel."""
    found = []
    for kernel in stored_kernels(data):
        steps = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / np.float32(np.iinfo(np.int8).max)
        steps[steps == 0] = 1
        found.append((np.rint(kernel / steps).astype(np.int8), steps.reshape(-1)))
    return found


def with_kernels(data: bytes, kernels: Sequence[tuple[NDArray[np.int8], NDArray[np.float32]]]) -> bytes:
    """The network with other kernels, in float32."""
    model, remaining = graph.parse(data), iter(kernels)
    store_as_float32(model)
    arrays = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Conv":
            arrays[node.input[1]].CopyFrom(numpy_helper.from_array(_product(*next(remaining)), node.input[1]))
    return joined.serialise(model)


def mean_shifts(
    data: bytes, kernels: Sequence[tuple[NDArray[np.int8], NDArray[np.float32]]], plan: Preprocessing
) -> list[NDArray[np.float64]]:
    """By how much these kernels decrease the mean of each output [out] of each convolution, on calibration crops."""
    model = graph.parse(data)
    means = observe_activations(model, calibration_crops(plan), ("Conv",)).means
    inputs = [node.input[0] for node in model.graph.node if node.op_type == "Conv"]
    lost = [exact - _product(*kernel) for exact, kernel in zip(stored_kernels(data), kernels, strict=True)]
    return [
        mean_shift(part, means[name]) if name in means else np.zeros(len(part))
        for part, name in zip(lost, inputs, strict=True)
    ]


def _product(integers: NDArray[np.int8], steps: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(integers * steps.reshape(-1, 1, 1, 1), np.float32)


def store_kernels(data: bytes, kernels: Sequence[tuple[NDArray[np.int8], NDArray[np.float32]]]) -> bytes:
    """Store the kernels of a network in 8 bits, see `core.models.weight_storage`; it computes the same.

    Args:
        data: its ONNX file.
        kernels: for each convolution in its order, the integers [out, in, h, w] and the step of each output channel.

    Raises:
        ValueError: they are other kernels.
    """
    model = graph.parse(data)
    store_as_float32(model)
    content, nodes = model.graph, []
    arrays, remaining = {tensor.name: tensor for tensor in content.initializer}, iter(kernels)
    for node in content.node:
        if node.op_type == "Conv":
            integers, steps = next(remaining)
            name, product = node.input[1], integers * (factors := steps.reshape(-1, 1, 1, 1))
            np.testing.assert_allclose(numpy_helper.to_array(arrays[name]), product, rtol=_ROUNDING)
            arrays[name].CopyFrom(numpy_helper.from_array(integers, f"{name}_int8"))
            content.initializer.append(numpy_helper.from_array(factors, f"{name}_steps"))
            nodes += product_nodes(name)
        nodes.append(node)
    del content.node[:]
    content.node.extend(nodes)
    return joined.serialise(model)


def product_nodes(name: str) -> list[onnx.NodeProto]:
    """The nodes that make a kernel of its integers and steps."""
    cast = helper.make_node("Cast", [f"{name}_int8"], [f"{name}_real"], to=TensorProto.FLOAT)
    return [cast, helper.make_node("Mul", [f"{name}_real", f"{name}_steps"], [name])]


def store_steps(data: bytes, plan: Preprocessing) -> bytes:
    """Store in a backbone's file how its tensors may be rounded, see `core.models.rounding`."""
    model = graph.parse(data)
    computed = {name for node in model.graph.node for name in node.output}
    reads = [node.input[:1] if node.op_type == "Conv" else node.input for node in model.graph.node if _is_rounded(node)]
    names = dict.fromkeys(name for read in reads if computed.issuperset(read) for name in read)
    observed = observe_activations(model, calibration_crops(plan), _ROUNDED).ranges
    write_steps(model, {name: _step(*observed[name]) for name in names})
    return joined.serialise(model)


def _is_rounded(node: onnx.NodeProto) -> bool:
    return node.op_type in _ROUNDED


def _step(low: float, high: float) -> tuple[float, int]:
    """The step and the zero point for a range that includes 0."""
    step = (high - low) / 255
    return float(np.float32(step)), round(-low / step)


def describe(
    exact: bytes, quantized: bytes, card: BackboneCard, photos: NDArray[np.uint8], file: str, how: str
) -> BackboneVariant:
    """The entry in a backbone's card, measured on photos uint8 [n, size, size, 3].

    Args:
        exact: the backbone's file.
        quantized: the variant's.
        card: the backbone's card.
        photos: none of those for calibration.
        file: the name of the variant's file; the backbone's if it has none.
        how: how it was made.
    """
    expected, found = (features_of(data, photos) for data in (exact, quantized))
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    cosine = float(((expected * found).sum(axis=1) / norms).mean())
    own = golden.encode_features(features_of(quantized, golden.golden_inputs(card.preprocessing.size)))
    sha256 = hashlib.sha256(quantized).hexdigest()
    method = f"{how}; cosine measured on {len(photos)} other photos"
    return BackboneVariant(ComputePrecision.INT8, file, sha256, own, round(cosine, 5), method)


def calibration_crops(plan: Preprocessing) -> Iterator[NDArray[np.uint8]]:
    """Yield preprocessed crops uint8 [size, size, 3] of the photos for calibration, the same every time."""
    rng = np.random.default_rng(0)
    photos = [decode(path) for folder in SOURCES for path in sorted(folder.glob("*.jpg"))]
    yield from (preprocess(photo, plan) for photo in photos)
    for number in range(CROPS - len(photos)):
        photo = photos[number % len(photos)]
        side = np.sqrt(rng.uniform(_LEAST_AREA, 1))
        height, width = (max(1, int(length * side)) for length in photo.shape[:2])
        lengths = zip(photo.shape[:2], (height, width), strict=True)
        top, left = (int(rng.integers(0, whole - part + 1)) for whole, part in lengths)
        crop = photo[top : top + height, left : left + width]
        yield preprocess(np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop), plan)


def features_of(data: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The features of a backbone's file for images uint8 [n, size, size, 3]."""
    session = open_file(data)
    parts = (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
    return np.concatenate([run_file(session, (graph.FEATURES,), part)[0] for part in parts])
