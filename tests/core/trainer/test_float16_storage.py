"""An optimized graph has the same outputs, half the size, and canonical names."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.trainer.float16_storage import Float16Policy, optimize

_RANDOM = np.random.default_rng(3)
_KERNEL = _RANDOM.normal(0, 0.1, (32, 1, 3, 3)).astype(np.float32)
_POINTWISE = _RANDOM.normal(0, 0.1, (48, 32, 1, 1)).astype(np.float32)
_SCALE = _RANDOM.uniform(0.5, 2, (1, 32, 1, 1)).astype(np.float32)
_SHIFT = _RANDOM.normal(0, 1, (1, 32, 1, 1)).astype(np.float32)


def _exported(
    prefix: str = "a", *, shared: bool = False, pointwise: NDArray[np.float32] = _POINTWISE
) -> onnx.ModelProto:
    """A depthwise convolution, its normalization and a pointwise convolution, as exported by tf2onnx."""
    p = prefix
    nodes = [
        helper.make_node("Conv", ["image", f"{p}/w1"], [f"{p}/c1"], group=32, pads=[1, 1, 1, 1], name=f"{p}/Conv_77"),
        helper.make_node("Mul", [f"{p}/c1", f"{p}/scale"], [f"{p}/m"]),
        helper.make_node("Add", [f"{p}/m", f"{p}/shift"], [f"{p}/s"]),
        helper.make_node("Relu", [f"{p}/s"], [f"{p}/r"]),
        helper.make_node("Conv", [f"{p}/r", f"{p}/w2"], ["feature_map"]),
        helper.make_node("GlobalAveragePool", [f"{p}/c1" if shared else "feature_map"], ["features"]),
    ]
    arrays = {"w1": _KERNEL, "scale": _SCALE, "shift": _SHIFT, "w2": pointwise, "unused": _SHIFT}
    order = sorted(arrays, reverse=prefix > "a")
    graph = helper.make_graph(
        nodes,
        f"tf2onnx of {p}",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [f"unk__{p}", 32, 6, 6])],
        [
            helper.make_tensor_value_info("features", TensorProto.FLOAT, [f"unk__{p}_1", 32 if shared else 48, 1, 1]),
            helper.make_tensor_value_info("feature_map", TensorProto.FLOAT, [f"unk__{p}_2", 48, 6, 6]),
        ],
        [numpy_helper.from_array(arrays[name], f"{p}/{name}") for name in order],
        doc_string=f"/home/{p}",
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]
    return helper.make_model(graph, ir_version=8, opset_imports=opsets, producer_name="tf2onnx", doc_string=p)


def _outputs(model: onnx.ModelProto, batch: int) -> list[NDArray[np.float32]]:
    image = np.random.default_rng(batch).normal(0, 1, (batch, 32, 6, 6)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(answer) for answer in session.run(None, {"image": image})]


def test_the_outputs_are_unchanged() -> None:
    for batch in (1, 2, 7):
        for before, after in zip(_outputs(_exported(), batch), _outputs(optimize(_exported()), batch), strict=True):
            np.testing.assert_allclose(after, before, atol=2e-3)


def test_a_normalization_is_folded_into_its_convolution() -> None:
    assert Counter(node.op_type for node in optimize(_exported()).graph.node) == {
        "Cast": 1,  # only one kernel is large enough to be worth it
        "Conv": 2,
        "Relu": 1,
        "GlobalAveragePool": 1,
    }


def test_a_convolution_with_other_readers_is_left_alone() -> None:
    model = optimize(_exported(shared=True))
    assert Counter(node.op_type for node in model.graph.node)["Mul"] == 1
    for before, after in zip(_outputs(_exported(shared=True), 2), _outputs(model, 2), strict=True):
        np.testing.assert_allclose(after, before, atol=2e-3)


def test_kernels_are_float16_and_biases_are_not() -> None:
    stored = {tuple(tensor.dims): tensor.data_type for tensor in optimize(_exported()).graph.initializer}
    assert stored == {
        (48, 32, 1, 1): TensorProto.FLOAT16,
        (32, 1, 3, 3): TensorProto.FLOAT,
        (32,): TensorProto.FLOAT,
    }


def _stored_pointwise(pointwise: NDArray[np.float32], halving: Float16Policy) -> NDArray[np.generic]:
    stored = optimize(_exported(pointwise=pointwise), halving).graph.initializer
    (found,) = (tensor for tensor in stored if tuple(tensor.dims) == (48, 32, 1, 1))
    return numpy_helper.to_array(found)


def test_lossless_restores_a_float16_kernel_with_noise() -> None:
    half = _POINTWISE.astype(np.float16)
    noise = 1 + _RANDOM.uniform(-(2.0**-21), 2.0**-21, half.shape)
    found = _stored_pointwise((half * noise).astype(np.float32), Float16Policy.LOSSLESS)
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, half)


def test_lossless_leaves_kernels_that_would_lose_precision() -> None:
    kernel = _POINTWISE.astype(np.float16).astype(np.float32)
    kernel[5, 7] *= 1 + 2.0**-18
    found = _stored_pointwise(kernel, Float16Policy.LOSSLESS)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, kernel)
    assert _stored_pointwise(kernel, Float16Policy.EVERYTHING).dtype == np.float16


def test_lossless_leaves_kernels_outside_the_float16_range() -> None:
    for factor in (1e9, 1e-9):
        kernel = (_POINTWISE * factor).astype(np.float32)
        np.testing.assert_array_equal(_stored_pointwise(kernel, Float16Policy.LOSSLESS), kernel)


def test_the_bytes_depend_on_the_weights_alone() -> None:
    one, other = optimize(_exported("a")), optimize(_exported("b/home/someone"))
    assert one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)
    assert b"home" not in one.SerializeToString()


def test_the_input_model_is_unchanged() -> None:
    model = _exported()
    before = model.SerializeToString(deterministic=True)
    optimize(model)
    assert model.SerializeToString(deterministic=True) == before


def test_only_the_batch_axis_is_dynamic_and_only_standard_operators_are_imported() -> None:
    model = optimize(_exported())
    onnx.checker.check_model(model, full_check=True)
    for info in (*model.graph.input, *model.graph.output):
        axes = info.type.tensor_type.shape.dim
        assert axes[0].dim_param == "n"
        assert all(axis.dim_value for axis in axes[1:])
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
