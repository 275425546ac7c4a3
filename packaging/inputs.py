"""What a bundle was built from, as JSON inside it: the same inputs give the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from core.base.storage import write_atomically

ROOT: Final = Path(__file__).resolve().parent.parent
_OWN: Final = ("core", "gui", "models", "packaging", "pyproject.toml", "LICENSE")
_OF_THE_INSTALLER: Final = frozenset({"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "RECORD"})
_FORMAT: Final = 1


def describe(distributions: Iterable[str], root: Path = ROOT) -> bytes:
    """The inputs as JSON.

    Args:
        distributions: names of those that went in and of what built the bundle, as `importlib.metadata` knows them.
        root: the project's folder.

    Raises:
        importlib.metadata.PackageNotFoundError: one is not installed.
    """
    names = sorted({canonicalize_name(name) for name in distributions} - {"fovea"})
    content = {
        "format": _FORMAT,
        "fovea": {"version": metadata.version("fovea"), **_commit(root)},
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "build": list(platform.python_build()),
            "compiler": platform.python_compiler(),
        },
        "platform": {"name": sysconfig.get_platform(), "libc": list(platform.libc_ver())},
        "distributions": [
            {"name": name, "version": metadata.version(name), "record_sha256": record_sha256(name)} for name in names
        ],
        "files": {path.relative_to(root).as_posix(): file_sha256(path) for path in own_files(root)},
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def write_inputs(distributions: Iterable[str], file: Path) -> None:
    """Write `describe` to this file."""
    write_atomically(file, describe(distributions))


def moment(root: Path = ROOT) -> datetime:
    """When the sources are from: SOURCE_DATE_EPOCH, else the commit's date, else 1980, where zip files begin."""
    told = os.environ.get("SOURCE_DATE_EPOCH") or _git(root, "log", "-1", "--format=%ct")
    return datetime.fromtimestamp(int(told), UTC) if told else datetime(1980, 1, 1, tzinfo=UTC)


def record_sha256(name: str) -> str:
    """Sha256 over the lines of a distribution's RECORD, sorted, without those that differ by installer and place.

    A wheel gives the same wherever and by whatever it is installed. The lines hold the sha256 of every file it brought.

    Raises:
        importlib.metadata.PackageNotFoundError: it is not installed.
    """
    brought = [
        f"{file.as_posix()},{file.hash.mode}={file.hash.value},{file.size}\n"
        for file in metadata.distribution(name).files or ()
        if file.hash
        and file.parts[0] != ".."
        and file.name not in _OF_THE_INSTALLER
        and "__pycache__" not in file.parts
    ]
    return hashlib.sha256("".join(sorted(brought)).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def own_files(root: Path = ROOT) -> Iterator[Path]:
    """The project's files that go in or tell how it is built, in order."""
    for name in _OWN:
        top = root / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _commit(root: Path) -> dict[str, str | bool | None]:
    """The commit, and whether the tree is as it says; null where that is not known."""
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain")
    return {"commit": commit, "clean": None if changes is None else not changes}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
