"""A self-check of the trainer: all modules import, a network can be trained, and tf2onnx exports it correctly."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

import core.trainer
from core.base.bundle import changed_files, describe_damage, this_bundle
from core.base.errors import TrainerError
from core.base.i18n import mark, tr
from core.base.progress import CancelToken
from core.trainer.framework import keras, tf, tf2onnx
from core.trainer.head_export import exported_head

_MAX_DIFFERENCE: Final = 1e-5
_MIN_ACCURACY: Final = 0.9
_ENTRY: Final = "core.trainer.__main__"
_HINT: Final = mark("Unpack the trainer's archive again into an empty folder.")


def run(token: CancelToken) -> Mapping[str, Any]:
    """Check the trainer; takes seconds.

    Returns:
        The versions of its dependencies, and how many files were compared with the packed ones.

    Raises:
        TrainerError: a file is missing or changed, or a result is wrong.
        Cancelled: the token was cancelled.
    """
    files = _check_files()
    token.check()
    for found in pkgutil.iter_modules(core.trainer.__path__, "core.trainer."):
        if found.name != _ENTRY:
            importlib.import_module(found.name)
    token.check()
    _check_training()
    return {"TensorFlow": tf.__version__, "Keras": keras.__version__, "tf2onnx": tf2onnx.__version__, "files": files}


def _check_files() -> int:
    bundle = this_bundle()
    found = [] if bundle is None else list(changed_files(bundle))
    changed = tuple(name for name, is_changed in found if is_changed)
    if changed:
        raise TrainerError(describe_damage(changed), hint=tr(_HINT))
    return len(found)


def _check_training() -> None:
    """Train a small head on two classes, and compare it with its export."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(64, 8)).astype(np.float32)
    labels = (features[:, 0] > 0).astype(np.int64)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(features, labels, epochs=40, verbose=0)
    theirs, ours = model.predict(features, verbose=0), exported_head(model).logits(features)
    if not np.abs(theirs - ours).max() <= _MAX_DIFFERENCE * max(1.0, float(np.abs(theirs).max())):
        raise TrainerError(tr("The outputs of a test network changed when it was exported."), hint=tr(_HINT))
    if (theirs.argmax(axis=1) == labels).mean() < _MIN_ACCURACY:
        raise TrainerError(tr("A test network couldn't be trained."), hint=tr(_HINT))
