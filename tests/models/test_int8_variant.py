"""Kernels stored in 8 bits, and the steps with which a backbone's file can be rounded."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from core.card import Preprocessing
from core.engine import golden
from core.models.joined import serialise
from core.models.rounding import STEPS_KEY
from models.int8_variant import store_kernels, store_steps
from tests import tiny, wide


def test_kernels_in_8_bits_change_no_feature() -> None:
    data = serialise(wide.backbone_with_integers())
    stored = store_kernels(data, wide.integer_kernels())
    images = golden.golden_inputs(tiny.SIZE)
    np.testing.assert_array_equal(tiny.features(stored, images), tiny.features(data, images))
    model = onnx.ModelProto.FromString(stored)
    onnx.checker.check_model(model, full_check=True)
    kinds = [tensor.data_type for tensor in model.graph.initializer]
    assert kinds.count(TensorProto.INT8) == 3
    assert len(stored) < 0.35 * len(data)


def test_other_kernels_are_refused() -> None:
    with pytest.raises(AssertionError):
        store_kernels(serialise(wide.backbone_proto(half=False)), wide.integer_kernels()[::-1])


def test_steps_are_those_of_what_convolutions_sums_and_pools_read() -> None:
    model = onnx.ModelProto.FromString(store_steps(serialise(wide.backbone_with_integers()), Preprocessing(tiny.SIZE)))
    (entry,) = model.metadata_props
    steps = json.loads(entry.value)
    assert entry.key == STEPS_KEY
    assert list(steps) == ["planes", "activated", "positive", "near", "feature_map"]
    assert steps["planes"] == [1, 0], "bytes stay as they are"
    assert all(step > 0 for step, _ in steps.values())
    assert steps["near"][1] > 0, "some of its numbers are negative"
