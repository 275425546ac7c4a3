"""TensorFlow, Keras and tf2onnx, imported without their messages; all of `core.trainer` imports them from here.

Importing this module takes about ten seconds.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"  # tf2onnx reads TensorFlow graphs and nothing else


@contextmanager
def silenced() -> Iterator[None]:
    """Suppress standard error of native code: TensorFlow writes there before it reads any log level."""
    sys.stderr.flush()
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


with silenced(), warnings.catch_warnings():
    warnings.simplefilter("ignore")  # deprecations among these packages cannot be fixed here
    import keras
    import tensorflow as tf
    import tf2onnx
    from tensorflow.lite.python import schema_py_generated as tflite_schema
    from tensorflow.lite.python.convert import mlir_quantize as tflite_quantize

    tf.config.list_physical_devices()  # the search for devices prints warnings if there are none

tf.get_logger().setLevel("ERROR")

__all__ = ["keras", "silenced", "tf", "tf2onnx", "tflite_quantize", "tflite_schema"]
