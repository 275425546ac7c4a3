"""Weights stored in float32 or float16, and what stays as it is."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.engine import golden
from core.models import joined
from core.models.heads import DenseHead, LinearHead
from core.models.weight_storage import Storage, head_to_float16, storage_of, store_as_float16, store_as_float32
from tests import tiny, wide


def _features(model: onnx.ModelProto) -> np.ndarray:
    return tiny.features(joined.serialise(model), golden.golden_inputs(tiny.SIZE))


def _types(model: onnx.ModelProto) -> dict[str, int]:
    return {array.name: array.data_type for array in model.graph.initializer}


def test_float32_changes_no_number() -> None:
    model = wide.backbone_proto(half=True)
    before = _features(model)
    assert storage_of(model) is Storage.FLOAT16
    assert store_as_float32(model)
    assert storage_of(model) is Storage.FLOAT32
    np.testing.assert_array_equal(_features(model), before)
    assert [node.op_type for node in model.graph.node].count("Cast") == 1, "only the pixels are cast"
    assert set(_types(model)) == {"weights", "there", "back"}
    onnx.checker.check_model(model, full_check=True)
    assert not store_as_float32(model), "it is so already"


def test_float16_rounds_large_kernels_only() -> None:
    model = wide.backbone_proto(half=False)
    before = _features(model)
    assert store_as_float16(model)
    found = _types(model)
    assert found == {
        "weights": TensorProto.FLOAT,
        "there_half": TensorProto.FLOAT16,
        "back_half": TensorProto.FLOAT16,
    }
    np.testing.assert_allclose(_features(model), before, rtol=2e-3, atol=1e-3)
    assert (_features(model) != before).any()
    onnx.checker.check_model(model, full_check=True)
    assert not store_as_float16(model), "it is so already"


def test_there_and_back_is_where_it_began() -> None:
    model = wide.backbone_proto(half=True)
    store_as_float32(model)
    store_as_float16(model)
    again = onnx.ModelProto.FromString(joined.serialise(model))
    np.testing.assert_array_equal(_features(again), _features(wide.backbone_proto(half=True)))


def test_a_name_that_is_taken_is_not_used() -> None:
    model = wide.backbone_proto(half=False)
    model.graph.initializer.append(numpy_helper.from_array(np.ones(3, np.float32), "there_half"))
    assert store_as_float16(model)
    assert {"there_half", "there_half_"} <= set(_types(model))
    onnx.checker.check_model(model, full_check=True)


def test_a_kernel_shared_by_two_is_stored_once() -> None:
    model = wide.backbone_proto(half=False)
    model.graph.node.append(helper.make_node("Conv", ["activated", "there"], ["again"], pads=[1, 1, 1, 1]))
    assert store_as_float16(model)
    assert list(_types(model)).count("there_half") == 1
    onnx.checker.check_model(model, full_check=True)


def test_what_another_operator_reads_in_half_stays() -> None:
    model = wide.backbone_proto(half=True)
    model.graph.node.append(helper.make_node("Identity", ["there_half"], ["copy"]))
    assert store_as_float32(model)
    assert _types(model)["there_half"] == TensorProto.FLOAT16
    assert _types(model)["there"] == TensorProto.FLOAT
    onnx.checker.check_model(model, full_check=True)


def test_an_array_that_is_an_input_too_is_left_alone() -> None:
    model = wide.backbone_proto(half=False)
    shape = [wide.CHANNELS, tiny.WIDTH, 3, 3]
    model.graph.input.append(helper.make_tensor_value_info("there", TensorProto.FLOAT, shape))
    assert store_as_float16(model)
    assert _types(model)["there"] == TensorProto.FLOAT


def test_weights_beyond_float16_are_refused() -> None:
    kernel = wide.kernels()[0]
    kernel[0, 0, 0, 0] = 1e5
    with pytest.raises(ModelError, match="too large for float16") as caught:
        store_as_float16(wide.backbone_proto(half=False, there=kernel))
    assert "float32" in caught.value.hint


def test_heads_are_rounded_layer_by_layer() -> None:
    draw = np.random.default_rng(0)
    layers = tuple(
        LinearHead(draw.normal(size=shape).astype(np.float32), draw.normal(size=shape[1]).astype(np.float32))
        for shape in ((8, 4), (4, 3))
    )
    rounded = head_to_float16(DenseHead(layers))
    assert isinstance(rounded, DenseHead)
    for before, after in zip(layers, rounded.layers, strict=True):
        np.testing.assert_array_equal(after.weights, before.weights.astype(np.float16).astype(np.float32))
        np.testing.assert_array_equal(after.bias, before.bias)
    linear = head_to_float16(layers[0])
    assert isinstance(linear, LinearHead)
    assert joined.fits_float16(linear.weights)
