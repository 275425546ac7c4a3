"""Running .tflite files with TensorFlow's LiteRT interpreter, as an app does: pixels in, outputs by name."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from core.trainer.framework import silenced, tf


def run(data: bytes, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """The outputs for images uint8 [n, size, size, 3], one at a time."""
    with silenced(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a later version has the interpreter in a package of its own
        runner = tf.lite.Interpreter(model_content=data).get_signature_runner()
    found = [runner(image=image[None]) for image in images]
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}
