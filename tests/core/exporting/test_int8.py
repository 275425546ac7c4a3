"""8-bit quantization by ONNX Runtime's quantizer, and bias correction."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import core
from core.base.errors import ModelError
from core.engine import golden, graph
from core.exporting.activation_observer import ActivationStats, observe_activations
from core.exporting.int8 import OPERATORS, QuantizationKind, mean_shift, quantize, quantize_kernel
from core.models import joined
from tests import tiny, wide
from tests.patience import PATIENCE_S

ROOT = Path(core.__file__).parents[1]
IMAGES = np.random.default_rng(0).integers(0, 256, (12, tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)


def _made(model: onnx.ModelProto, kind: QuantizationKind = QuantizationKind.U8S8) -> bytes:
    return quantize(model, observe_activations(model, IMAGES, OPERATORS), kind)


@pytest.mark.parametrize(("kind", "numbers"), [(QuantizationKind.U8S8, np.uint8), (QuantizationKind.S8S8, np.int8)])
def test_only_convolutions_are_quantized(kind: QuantizationKind, numbers: type[np.generic]) -> None:
    model = wide.backbone_proto(half=False)
    before = joined.serialise(model)
    made = onnx.ModelProto.FromString(_made(model, kind))
    assert joined.serialise(model) == before
    onnx.checker.check_model(made, full_check=True)
    arrays = {array.name: numpy_helper.to_array(array) for array in made.graph.initializer}
    nodes = {name: node for node in made.graph.node for name in node.output}
    zeros = {arrays[node.input[2]].dtype for node in made.graph.node if node.op_type == "QuantizeLinear"}
    assert zeros == {np.dtype(numbers)}
    kernels = [nodes[node.input[1]] for node in made.graph.node if node.op_type == "Conv"]
    assert len(kernels) == 3
    for kernel in kernels:
        assert kernel.op_type == "DequantizeLinear"
        assert arrays[kernel.input[0]].dtype == np.int8
        assert np.abs(arrays[kernel.input[0]].astype(int)).max() <= 64, "more would overflow where there is only AVX2"
        assert arrays[kernel.input[1]].shape == (len(arrays[kernel.input[0]]),), "a scale for each channel"
    pooling = next(node for node in made.graph.node if node.op_type == "GlobalAveragePool")
    assert nodes[pooling.input[0]].op_type == "Add", "sums and means stay exact"


def test_quantized_features_stay_close() -> None:
    data = wide.backbone_bytes(half=False)
    exact, small = (tiny.features(file, IMAGES) for file in (data, _made(onnx.ModelProto.FromString(data))))
    assert 0.999 < golden.cosine(exact, small) < 1
    graph.check_backbone(_made(onnx.ModelProto.FromString(data)), wide.backbone_card(data))


def test_our_rounding_of_a_kernel_matches_onnx_runtime() -> None:
    """Otherwise the correction would be wrong."""
    model = wide.backbone_proto(half=False)
    made = onnx.ModelProto.FromString(_made(model))
    arrays = {array.name: numpy_helper.to_array(array) for array in made.graph.initializer}
    kernel = wide.kernels()[0]
    (stored,) = (array for array in arrays.values() if array.dtype == np.int8 and array.shape == kernel.shape)
    scales = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / 64
    np.testing.assert_allclose(stored * scales, quantize_kernel(kernel), rtol=1e-5, atol=1e-7)


def test_a_kernel_of_zeros_stays_one() -> None:
    assert not quantize_kernel(np.zeros((2, 3, 1, 1), np.float32)).any()


@pytest.mark.parametrize("groups", [1, 2, 6], ids=["plain", "grouped", "depthwise"])
def test_the_correction_equals_the_shift_of_the_mean(groups: int) -> None:
    draw = np.random.default_rng(groups)
    kernel = draw.normal(0, 1, (12, 6 // groups, 1, 1)).astype(np.float32)
    inputs = draw.normal(1, 1, (500, 6)).astype(np.float64)

    def outputs(weights: np.ndarray) -> np.ndarray:
        parts = zip(np.split(inputs, groups, axis=1), np.split(weights[:, :, 0, 0], groups), strict=True)
        return np.concatenate([part @ weight.T.astype(np.float64) for part, weight in parts], axis=1)

    expected = outputs(kernel).mean(axis=0) - outputs(quantize_kernel(kernel)).mean(axis=0)
    np.testing.assert_allclose(mean_shift(kernel - quantize_kernel(kernel), inputs.mean(axis=0)), expected, atol=1e-6)


def test_corrected_biases_bring_features_closer() -> None:
    """Kernels with few levels: their rounding is far from uniform."""
    there = np.abs(wide.kernels()[0])
    there[:, 0, 0, 0] = 4.0
    data = wide.backbone_bytes(half=False, there=there)
    model = onnx.ModelProto.FromString(data)
    observed = observe_activations(model, IMAGES, OPERATORS)
    exact = tiny.features(data, IMAGES)
    errors = [
        np.abs(
            tiny.features(quantize(model, ActivationStats(observed.ranges, means), QuantizationKind.U8S8), IMAGES)
            - exact
        ).mean()
        for means in (observed.means, {})
    ]
    assert errors[0] < 0.7 * errors[1]


def test_missing_ranges_are_reported() -> None:
    with pytest.raises(ModelError, match="Couldn't convert the network to 8 bits") as caught:
        quantize(tiny.backbone_proto(), ActivationStats({}, {}), QuantizationKind.U8S8)
    assert "float16" in caught.value.hint


def test_the_same_network_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "import sys; from core.exporting.int8 import QuantizationKind; from tests.core.exporting.test_int8 import "
        "_made; "
        "from tests import wide; sys.stdout.buffer.write(_made(wide.backbone_proto(half=False), QuantizationKind.S8S8))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, timeout=PATIENCE_S)
    assert done.stdout == _made(wide.backbone_proto(half=False), QuantizationKind.S8S8)
    assert done.stderr == b""


def test_kernels_of_integers_are_kept_with_as_many_bits() -> None:
    kernel = np.random.default_rng(4).integers(-127, 128, (6, 4, 3, 3)).astype(np.float32) / 8
    kernel[:, 0, 0, 0] = 127 / 8
    np.testing.assert_allclose(quantize_kernel(kernel, 127), kernel, rtol=1e-6)
    assert np.abs(quantize_kernel(kernel) - kernel).max() > 0.1
