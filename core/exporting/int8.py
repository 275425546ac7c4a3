"""A network in 8 bits: static quantisation by ONNX Runtime's own tool, in QDQ form, ranges from `activation_observer`.

Kernels are symmetric, each channel with a scale of its own; activations have a zero point. What rounding a kernel does
to the mean of its outputs is taken out of the bias again (Nagel et al. 2019, "Data-Free Quantization through Weight
Equalization and Bias Correction", arXiv:1906.04721, section 4.2).

Kernels use 7 of the 8 bits, because a file must answer alike wherever it goes: processors with AVX2 alone add up two
products of 8 bits in 16, and with all bits these overflow (ONNX Runtime's guide to quantisation, "reduce_range"). On
such a processor EfficientNet-Lite0's features of photos agree with the exact ones to a mean cosine of 0.989, with all
bits to 0.856.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from core.base.errors import ModelError
from core.exporting.activation_observer import ActivationStats
from core.models import joined

OPERATORS: Final = ("Conv", "Relu", "Clip")
"""What is computed in 8 bits. Preprocessing, sums and means stay float32: there 8 bits cost more than they give."""

_INT8_MAX: Final = 64
"""Of a kernel's numbers: 255 * 64 * 2 still fits into 16 bits with a sign."""


class QuantizationKind(StrEnum):
    """Numbers of activations and of kernels."""

    U8S8 = "u8s8"
    """Unsigned and signed: the fastest on processors of PCs."""
    S8S8 = "s8s8"
    """Both signed: what graphics cards and some phones ask for."""


def quantize(model: onnx.ModelProto, stats: ActivationStats, kind: QuantizationKind) -> bytes:
    """The ONNX file of a network whose convolutions compute in 8 bits.

    Args:
        model: its kernels in float32, no casts before them; it stays as it is.
        stats: what flows through it.
        kind: of the numbers.

    Raises:
        ModelError: it is built in a way that cannot be quantised.
    """
    corrected = onnx.shape_inference.infer_shapes(model)
    _correct_biases(corrected.graph, stats)
    try:
        result = _quantize_model(corrected, stats, kind)
    except Exception as error:  # the boundary: the tool raises whatever it stumbles over
        raise ModelError(
            f"The network cannot be stored in 8 bits: {error}.", hint="Export it with --storage float16."
        ) from error
    del result.graph.value_info[:]
    return joined.serialise(result)


def _quantize_model(model: onnx.ModelProto, observed: ActivationStats, kind: QuantizationKind) -> onnx.ModelProto:
    from onnxruntime.quantization import QDQQuantizer, QuantType
    from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData

    ranges = {
        name: TensorData(lowest=np.float32(low), highest=np.float32(high))
        for name, (low, high) in observed.ranges.items()
    }
    quantiser = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=True,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8 if kind is QuantizationKind.U8S8 else QuantType.QInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, ranges),
        nodes_to_quantize=[],
        nodes_to_exclude=[],
        op_types_to_quantize=list(OPERATORS),
        extra_options={},
    )
    quantiser.quantize_model()
    quantiser.model.topological_sort()
    result: onnx.ModelProto = quantiser.model.model
    return result


def _correct_biases(content: onnx.GraphProto, observed: ActivationStats) -> None:
    """Give each convolution the bias with which its outputs keep their means once its kernel is rounded."""
    arrays = {tensor.name: tensor for tensor in content.initializer}
    for node in content.node:
        if node.op_type != "Conv" or node.input[1] not in arrays or node.input[0] not in observed.means:
            continue
        kernel = numpy_helper.to_array(arrays[node.input[1]])
        shift = mean_shift(kernel, observed.means[node.input[0]])
        old = numpy_helper.to_array(arrays[node.input[2]]) if len(node.input) == 3 else np.zeros_like(shift)
        name = f"{node.output[0]}_corrected"
        content.initializer.append(numpy_helper.from_array((old + shift).astype(np.float32), name))
        node.input[2:] = [name]


def mean_shift(kernel: NDArray[np.float32], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """What rounding a kernel [out, in, h, w] takes from the means of its outputs [out], given those of its inputs."""
    lost = (kernel - quantize_kernel(kernel)).sum(axis=(2, 3), dtype=np.float64)
    groups = len(means) // kernel.shape[1]
    inputs = means.reshape(groups, -1).repeat(len(kernel) // groups, axis=0)
    return np.asarray((lost * inputs).sum(axis=1))


def quantize_kernel(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is kept of a kernel [out, in, h, w]."""
    scales = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / np.float32(_INT8_MAX)
    scales[scales == 0] = 1
    return np.asarray(np.round(kernel / scales) * scales, dtype=np.float32)
