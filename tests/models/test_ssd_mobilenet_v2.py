"""SSD and SSDLite as Keras counts them, and their boxes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.architectures.detectors import ssd_mobilenet_v2
from core.trainer.framework import keras, tf
from models.ssd_mobilenet_v2 import anchors, decode, ssd


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "separable"])
def network(request: pytest.FixtureRequest) -> tuple[keras.Model, bool]:
    """SSD, or SSDLite."""
    return ssd(separable=request.param), request.param


def test_keras_has_the_weights_that_are_counted(network: tuple[keras.Model, bool]) -> None:
    model, separable = network
    assert model.count_params() == ssd_mobilenet_v2(separable=separable).weights


def test_every_box_has_an_encoding_and_scores(network: tuple[keras.Model, bool]) -> None:
    model, _ = network
    assert {name: tuple(output.shape) for name, output in model.output.items()} == {
        "encodings": (None, len(anchors()), 4),
        "logits": (None, len(anchors()), 91),
    }


def test_a_box_without_a_shift_is_its_anchor() -> None:
    y, x, height, width = anchors().T
    expected = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=-1)
    np.testing.assert_allclose(decode(tf.zeros((1, len(anchors()), 4)))[0], expected, atol=1e-6)
