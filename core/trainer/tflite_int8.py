"""A .tflite in 8 bits, by TensorFlow's own quantiser, but with the ranges of `core.exporting.activation_observer`.

TensorFlow's calibration takes ranges that hold every number it sees; with them an Xception named 16 of 34 photos
rightly, and with these all 34, as before. Biases are corrected as in `core.exporting.int8`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.graph import INPUT
from core.exporting.activation_observer import ActivationStats, RangeObserver
from core.exporting.int8 import mean_shift
from core.trainer.framework import silenced, tf, tflite_quantize, tflite_schema
from core.trainer.tflite_file import add_buffer, parse, serialize

EXACT: Final = ("MEAN", "SOFTMAX")
"""What stays float32, so that features are, and probabilities."""

_THREADS: Final = 2
_BUILT_IN = tflite_schema.BuiltinOperator
_CONVOLUTIONS: Final = {_BUILT_IN.CONV_2D: (0, 3, 1, 2), _BUILT_IN.DEPTHWISE_CONV_2D: (3, 0, 1, 2)}
"""Each with how its kernel's axes become [out, in, h, w]."""


def quantize(converter: Any, images: Iterable[NDArray[np.uint8]]) -> bytes:
    """Convert a network with its convolutions in 8 bits.

    Args:
        converter: of the network, with uint8 `image` [n, size, size, 3] in.
        images: uint8 [size, size, 3] to watch it with, one or more.
    """
    images = list(images)
    converter.representative_dataset = lambda: iter([{INPUT: images[0][None]}])
    converter._experimental_calibrate_only = True  # noqa: SLF001 - as TensorFlow's own QuantizationDebugger does
    model = parse(bytes(converter.convert()))
    stats = _observe(serialize(model), model, images)
    _correct_biases(model, stats.means)
    _set_ranges(model, stats.ranges)
    return bytes(tflite_quantize(serialize(model), denylisted_ops=list(EXACT)))


def _observe(data: bytes, model: Any, images: Iterable[NDArray[np.uint8]]) -> ActivationStats:
    """What flows through a float32 .tflite, arrays named by their numbers."""
    with silenced():
        interpreter = tf.lite.Interpreter(
            model_content=data,
            num_threads=_THREADS,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        runner = interpreter.get_signature_runner()
    graph = model.subgraphs[0]
    result = [index for operator in graph.operators for index in operator.outputs if _is_float(graph.tensors[index])]
    convolved = {operator.inputs[0] for operator, _ in _convolutions(model)}
    ranges, means = RangeObserver(), defaultdict(list)
    for image in images:
        runner(**{INPUT: image[None]})
        for index in result:
            values = interpreter.get_tensor(index)
            ranges.update(str(index), values)
            if index in convolved:
                means[str(index)].append(values.mean(axis=(0, 1, 2), dtype=np.float64))
    return ActivationStats(ranges.best_ranges(), {name: np.mean(rows, axis=0) for name, rows in means.items()})


def _set_ranges(model: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    for index, ends in ranges.items():
        quantization = model.subgraphs[0].tensors[int(index)].quantization
        if quantization is not None and quantization.min is not None:
            quantization.min, quantization.max = (np.array([end], np.float32) for end in ends)


def _correct_biases(model: Any, means: Mapping[str, NDArray[np.float64]]) -> None:
    """Give each convolution the bias with which its outputs keep their means once its kernel is rounded."""
    tensors = model.subgraphs[0].tensors
    for operator, axes in _convolutions(model):
        inputs, kernel, bias = operator.inputs
        if str(inputs) not in means:
            continue
        values = _stored(model, tensors[bias])
        shift = mean_shift(_stored(model, tensors[kernel]).transpose(axes), means[str(inputs)])
        tensors[bias].buffer = add_buffer(model, (values + shift).astype(np.float32))


def _convolutions(model: Any) -> list[tuple[Any, tuple[int, ...]]]:
    """Convolutions with a bias, each with the axes of its kernel."""
    kinds = [code.builtinCode for code in model.operatorCodes]
    found = ((operator, _CONVOLUTIONS.get(kinds[operator.opcodeIndex])) for operator in model.subgraphs[0].operators)
    return [(operator, axes) for operator, axes in found if axes is not None and len(operator.inputs) == 3]


def _stored(model: Any, tensor: Any) -> NDArray[np.float32]:
    data: NDArray[np.float32] = np.asarray(model.buffers[tensor.buffer].data).view(np.float32)
    return data.reshape(tensor.shape)


def _is_float(tensor: Any) -> bool:
    return bool(tensor.type == tflite_schema.TensorType.FLOAT32)
