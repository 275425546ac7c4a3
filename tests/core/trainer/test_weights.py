"""Setting the weights of a network, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.base.errors import ModelError
from core.trainer.framework import keras
from core.trainer.weights import set_weights


def test_mismatched_weights_are_rejected_by_name() -> None:
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, keras.layers.Conv2D(4, 3, name="first")(image))
    named = {"first": tuple(model.get_layer("first").get_weights())}
    with pytest.raises(ModelError, match="fifth"):
        set_weights(model, {**named, "fifth": ()})
    with pytest.raises(ModelError, match="“first”"):
        set_weights(model, {"first": (np.zeros((1, 3, 3, 4), np.float32),)})
