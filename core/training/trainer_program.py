"""The program that trains with TensorFlow: this Python where the extra `train` is installed, or a bundle of its own."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.base.bundle import TRAINER, Bundle, clean_environment, find_trainer, this_bundle
from core.base.errors import TrainerError

_REQUIRED_PACKAGES: Final = ("tensorflow", "tf2onnx", "h5py")


@dataclass(frozen=True, slots=True)
class TrainerProgram:
    """How the trainer is started.

    Attributes:
        command: the program and its first arguments.
        environment: what it is to find in its environment.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]


def find_program() -> TrainerProgram:
    """The trainer's program.

    Raises:
        TrainerError: there is none here, or one of another version of Fovea.
    """
    bundle = this_bundle()
    return _in_this_python() if bundle is None else _beside(bundle)


def _in_this_python() -> TrainerProgram:
    missing = [name for name in _REQUIRED_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainerError(
            f"This needs {' and '.join(missing)}, which Fovea does not bring along.",
            hint="In a checkout, start it with `python3 -m uv run --extra train fovea`.",
        )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    # -P: not from the folder it is started in.
    return TrainerProgram((sys.executable, "-P", "-m", "core.trainer"), environment)


def _beside(bundle: Bundle) -> TrainerProgram:
    version, trainer = importlib.metadata.version("fovea"), find_trainer(bundle)
    hint = (
        f"Download the trainer of Fovea {version}, and unpack it so that {str(bundle.folder.parent / TRAINER)!r} is it."
    )
    if trainer is None:
        raise TrainerError("This needs the trainer, which is a download of its own and not here.", hint=hint)
    if trainer.version != version:
        what = f"The trainer here is of Fovea {trainer.version or 'of an unknown version'}, and this is {version}."
        raise TrainerError(what, hint=hint)
    suffix = ".exe" if sys.platform == "win32" else ""
    return TrainerProgram((str(trainer.folder / f"{TRAINER}{suffix}"),), clean_environment())
