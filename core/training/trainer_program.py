"""The trainer program: this Python if the extra `train` is installed, or a separate bundle."""

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
from core.base.i18n import tr
from core.base.text import display_path

_REQUIRED_PACKAGES: Final = ("tensorflow", "tf2onnx", "h5py")


@dataclass(frozen=True, slots=True)
class TrainerProgram:
    """How to start the trainer.

    Attributes:
        command: the program and its first arguments.
        environment: its environment variables.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]


def find_program() -> TrainerProgram:
    """Find the trainer program.

    Raises:
        TrainerError: it is missing, or belongs to another version of Fovea.
    """
    bundle = this_bundle()
    return _in_this_python() if bundle is None else _beside(bundle)


def _in_this_python() -> TrainerProgram:
    missing = [name for name in _REQUIRED_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        what = tr("This needs packages that are not installed: {names}.", names=", ".join(missing))
        hint = tr("In a checkout, start Fovea with `python3 -m uv run --extra train fovea`.")
        raise TrainerError(what, hint=hint)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    # -P: do not import from the current folder.
    return TrainerProgram((sys.executable, "-P", "-m", "core.trainer"), environment)


def _beside(bundle: Bundle) -> TrainerProgram:
    version, trainer = importlib.metadata.version("fovea"), find_trainer(bundle)
    folder = display_path(bundle.folder.parent / TRAINER)
    hint = tr("Download the trainer for Fovea {version} and unpack it to “{folder}”.", version=version, folder=folder)
    if trainer is None:
        raise TrainerError(tr("This needs the trainer, which is a separate download."), hint=hint)
    if trainer.version and trainer.version != version:
        what = tr(
            "The installed trainer belongs to Fovea {found}, but this is Fovea {version}.",
            found=trainer.version,
            version=version,
        )
        raise TrainerError(what, hint=hint)
    if trainer.version != version:
        what = tr("The installed trainer comes from an unknown Fovea version; this is {version}.", version=version)
        raise TrainerError(what, hint=hint)
    suffix = ".exe" if sys.platform == "win32" else ""
    return TrainerProgram((str(trainer.folder / f"{TRAINER}{suffix}"),), clean_environment())
