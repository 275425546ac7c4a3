"""EfficientNet-Lite0 against its published figures."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.trainer.efficientnet_lite import FEATURE_WIDTH, efficientnet_lite0


def test_its_size_and_outputs() -> None:
    model = efficientnet_lite0()
    backbone = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert backbone + FEATURE_WIDTH * 1000 + 1000 == 4_652_008  # the published 4.65 M
    shapes = {name: tensor.shape for name, tensor in model.output.items()}
    assert shapes == {"features": (None, FEATURE_WIDTH), "feature_map": (None, 7, 7, FEATURE_WIDTH)}


def test_a_pixel_value_of_127_is_scaled_to_zero() -> None:
    scaling = efficientnet_lite0(32).get_layer("scaling")
    values = np.array([[[[127, 255, 0]]]], np.float32)
    assert np.asarray(scaling(values)).tolist() == [[[[0, 1, -127 / 128]]]]
