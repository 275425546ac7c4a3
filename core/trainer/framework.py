"""TensorFlow, Keras and tf2onnx, imported without their messages; all of `core.trainer` imports them from here.

Importing this module takes about ten seconds.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"  # tf2onnx reads TensorFlow graphs and nothing else
os.environ["TF2ONNX_CATCH_ERRORS"] = "FALSE"  # else it copies the whole network before each of its 24 passes
_UNUSED = ("sklearn", "pandas")
"""Keras imports them where they happen to be installed, which takes seconds, for wrappers that nothing here uses."""


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


@contextmanager
def _quick_imports() -> Iterator[None]:
    """Import without what is not used, and without looking for garbage among a million objects that stay."""
    hidden = {name: None for name in _UNUSED if name not in sys.modules}
    sys.modules.update(hidden)  # type: ignore[arg-type]  # None: not to be found
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        gc.freeze()
        if collects:
            gc.enable()


with silenced(), warnings.catch_warnings(), _quick_imports():
    warnings.simplefilter("ignore")  # deprecations among these packages cannot be fixed here
    import keras
    import tensorflow as tf
    import tf2onnx
    from tensorflow.lite.python import schema_py_generated as tflite_schema
    from tensorflow.lite.python.convert import mlir_quantize as tflite_quantize
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2 as with_constants

    tf.config.list_physical_devices()  # the search for devices prints warnings if there are none

tf.get_logger().setLevel("ERROR")

__all__ = ["keras", "silenced", "tf", "tf2onnx", "tflite_quantize", "tflite_schema", "with_constants"]
