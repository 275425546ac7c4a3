"""Static 8-bit quantization by ONNX Runtime's quantizer, in QDQ format, with ranges from `activation_observer`.

Weights are quantized symmetrically per channel, activations with a zero point. The shift that rounding a kernel causes
in the mean of its outputs is corrected in the bias (Nagel et al. 2019, "Data-Free Quantization through Weight
Equalization and Bias Correction", arXiv:1906.04721, section 4.2).

Weights use 7 of the 8 bits, so that a file gives the same results everywhere: processors with AVX2 but without VNNI add
two 8-bit products in 16 bits, which overflows with full 8-bit weights (ONNX Runtime's quantization guide,
"reduce_range"). On such a processor, EfficientNet-Lite0's features of photos have a mean cosine of 0.989 to the exact
ones; with all bits 0.856.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from core.base.errors import ModelError
from core.base.i18n import tr
from core.exporting.activation_observer import ActivationStats
from core.models import joined

OPERATORS: Final = ("Conv", "Relu", "Clip")
"""The quantized operators. Preprocessing, sums and pooling stay float32: there, 8 bits cost more than they gain."""

_INT8_MAX: Final = 64
"""The largest quantized weight: 255 * 64 * 2 still fits into 16 bits with a sign."""


class QuantizationKind(StrEnum):
    """The types of activations and of weights."""

    U8S8 = "u8s8"
    """Unsigned and signed: the fastest on PC processors."""
    S8S8 = "s8s8"
    """Both signed: required by GPUs and some phones."""


def quantize(
    model: onnx.ModelProto, stats: ActivationStats, kind: QuantizationKind, float32: Collection[str] = ()
) -> bytes:
    """Quantize the convolutions of a network to 8 bits, except those named in `float32`, and return it as an ONNX file.

    Its kernels are float32 without casts before them; it is not modified. Raises ModelError if the network cannot be
    quantized.
    """
    corrected = onnx.shape_inference.infer_shapes(model)
    _correct_biases(corrected.graph, stats, float32)
    try:
        result = _quantize_model(corrected, stats, kind, float32)
    except Exception as error:  # the boundary: the tool raises unrelated kinds
        what = tr("Couldn't convert the network to 8 bits: {reason}.", reason=error)
        raise ModelError(what, hint=tr("Export it with --storage float16.")) from error
    del result.graph.value_info[:]
    return joined.serialise(result)


def _quantize_model(
    model: onnx.ModelProto, observed: ActivationStats, kind: QuantizationKind, float32: Collection[str]
) -> onnx.ModelProto:
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
        nodes_to_exclude=list(float32),
        op_types_to_quantize=list(OPERATORS),
        extra_options={},
    )
    quantiser.quantize_model()
    quantiser.model.topological_sort()
    result: onnx.ModelProto = quantiser.model.model
    return result


def _correct_biases(content: onnx.GraphProto, observed: ActivationStats, float32: Collection[str]) -> None:
    """Correct the bias of each convolution so that rounding its kernel does not change the mean of its outputs."""
    arrays = {tensor.name: tensor for tensor in content.initializer}
    for node in content.node:
        if node.op_type != "Conv" or node.input[1] not in arrays or node.input[0] not in observed.means:
            continue
        if node.name in float32:
            continue
        kernel = numpy_helper.to_array(arrays[node.input[1]])
        shift = mean_shift(kernel - quantize_kernel(kernel), observed.means[node.input[0]])
        old = numpy_helper.to_array(arrays[node.input[2]]) if len(node.input) == 3 else np.zeros_like(shift)
        name = f"{node.output[0]}_corrected"
        content.initializer.append(numpy_helper.from_array((old + shift).astype(np.float32), name))
        node.input[2:] = [name]


def mean_shift(lost: NDArray[np.float32], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """The decrease of output means [out] by what a kernel [out, in, h, w] lost in rounding, given input means [in]."""
    groups = len(means) // lost.shape[1]
    inputs = means.reshape(groups, -1).repeat(len(lost) // groups, axis=0)
    return np.asarray((lost.sum(axis=(2, 3), dtype=np.float64) * inputs).sum(axis=1))


def quantize_kernel(kernel: NDArray[np.float32], greatest: int = _INT8_MAX) -> NDArray[np.float32]:
    """Quantize a kernel [out, in, h, w] to integers up to `greatest`, and dequantize it."""
    scales = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / np.float32(greatest)
    scales[scales == 0] = 1
    return np.asarray(np.round(kernel / scales) * scales, dtype=np.float32)
