"""EfficientNet-Lite0 to Lite4 against their published figures."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.trainer.efficientnet_lite import FEATURE_WIDTH, blocks, efficientnet_lite


@pytest.mark.parametrize(("number", "weights", "side"), [(0, 4_652_008, 7), (2, 6_092_072, 9)])
def test_its_size_and_outputs(number: int, weights: int, side: int) -> None:
    """Lite0 has the published 4.65 M weights, Lite2 those of its published file: 6.09 M."""
    model = efficientnet_lite(number)
    backbone = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert backbone + FEATURE_WIDTH * 1000 + 1000 == weights
    shapes = {name: tensor.shape for name, tensor in model.output.items()}
    assert shapes == {"features": (None, FEATURE_WIDTH), "feature_map": (None, side, side, FEATURE_WIDTH)}


def test_larger_ones_are_deeper_and_wider() -> None:
    assert [len(list(blocks(number))) for number in range(5)] == [16, 21, 21, 24, 30]
    assert [list(blocks(number))[-1][0].width for number in range(5)] == [320, 320, 352, 384, 448]


def test_a_pixel_value_of_127_is_scaled_to_zero() -> None:
    scaling = efficientnet_lite(0, 32).get_layer("scaling")
    values = np.array([[[[127, 255, 0]]]], np.float32)
    assert np.asarray(scaling(values)).tolist() == [[[[0, 1, -127 / 128]]]]
