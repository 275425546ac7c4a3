"""Fovea as an unpacked folder: where it is, whether it is complete, and the trainer that belongs to it.

This is imported before the bundle is checked, so it needs only the standard library.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.base.hashing import file_sha256
from core.base.i18n import tr, tr_n

FILES: Final = "files.json"
"""In a bundle's contents: its version, and the size in bytes and SHA-256 of every file."""
TRAINER: Final = "fovea-trainer"
"""The folder of the trainer's bundle, and its program."""

_CONTENTS: Final = "_internal"
_SEARCHED: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""The search paths of the system's library loader."""
_ELF: Final = struct.Struct("<5s35xQ10xHH2x")
"""The fields of the header about the section table: its offset, and the size and number of its entries."""
_ELF_MAGIC: Final = b"\x7fELF\x02"
_MODELS: Final = "models"
"""Not checked here: the library reports damaged models."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """An unpacked folder: that of the programs, and that of everything they need."""

    folder: Path
    contents: Path

    @property
    def version(self) -> str | None:
        """The version of Fovea in the folder; None if unknown."""
        version = _listed(self.contents / FILES).get("version")
        return version if isinstance(version, str) else None


def this_bundle() -> Bundle | None:
    """The bundle this process runs from; None if it runs from source."""
    contents = getattr(sys, "_MEIPASS", None)
    if not getattr(sys, "frozen", False) or contents is None:
        return None
    return Bundle(Path(sys.executable).resolve().parent, Path(contents))


def missing_files(bundle: Bundle) -> tuple[str, ...]:
    """Names of missing or truncated files, models excluded; takes milliseconds.

    Changed files are allowed, because Qt's licence permits replacing it.
    """
    names = _listed(bundle.contents / FILES).get("files")
    if not isinstance(names, dict) or not names:
        return (f"{bundle.contents.name}/{FILES}",)
    models = f"{bundle.contents.name}/{_MODELS}/"
    sizes = {name: expected[0] for name, expected in names.items() if not name.startswith(models)}
    return tuple(name for name, size in sizes.items() if not _is_whole(bundle.folder / name, size))


def changed_files(bundle: Bundle) -> Iterator[tuple[str, bool]]:
    """Yield the name of every file and whether its content has changed since the build; reads all files."""
    for name, expected in _listed(bundle.contents / FILES).get("files", {FILES: (0, "")}).items():
        yield name, _sha256(bundle.folder / name) != expected[1]


def describe_damage(names: tuple[str, ...]) -> str:
    """The message about missing or changed files, at least one."""
    hint = tr("Unpack the archive again into an empty folder.")
    if len(names) == 1:
        return f"{tr('A file of Fovea is missing or damaged: {file}.', file=names[0])} {hint}"
    what = tr_n(
        "Files of Fovea are missing or damaged: {file} and {count:,} more.",
        "Files of Fovea are missing or damaged: {file} and {count:,} more.",
        len(names) - 1,
        file=names[0],
    )
    return f"{what} {hint}"


def find_trainer(bundle: Bundle) -> Bundle | None:
    """The trainer's bundle, next to this one or inside it; None if there is none."""
    for candidate in (bundle.folder.parent, bundle.folder):
        folder = candidate / TRAINER
        if (folder / _CONTENTS).is_dir():
            return Bundle(folder, folder / _CONTENTS)
    return None


def clean_environment() -> dict[str, str]:
    """The environment for other programs, without the search paths for this bundle's libraries.

    See "Launching external programs from the frozen application" in the manual of PyInstaller.
    """
    environment = {**os.environ, "PYINSTALLER_RESET_ENVIRONMENT": "1"}
    if this_bundle() is None:
        return environment
    for name in _SEARCHED:
        environment.pop(name, None)
        before = environment.pop(f"{name}_ORIG", None)
        if before:
            environment[name] = before
    return environment


def list_files(bundle: Bundle, version: str) -> dict[str, Any]:
    """The content of `FILES` for a bundle; it does not list itself."""
    paths = sorted(path for path in bundle.folder.rglob("*") if path.is_file() and path.name != FILES)
    listed_files = {path.relative_to(bundle.folder).as_posix(): (path.stat().st_size, _sha256(path)) for path in paths}
    return {"version": version, "files": listed_files}


def _listed(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_whole(file: Path, size: int) -> bool:
    """Whether a file is as large as expected, or a complete ELF file: a replaced library may be smaller."""
    try:
        return (found := file.stat().st_size) >= size or _elf_end(file) in range(1, found + 1)
    except OSError:
        return False


def _elf_end(file: Path) -> int:
    """The end of the section table of a 64-bit ELF file (System V ABI, "ELF Header"); 0 for other files."""
    with file.open("rb") as stream:
        header = stream.read(_ELF.size)
    if len(header) < _ELF.size:
        return 0
    magic, start, size, count = _ELF.unpack(header)
    return start + size * count if magic == _ELF_MAGIC else 0


def _sha256(file: Path) -> str | None:
    try:
        return file_sha256(file)
    except OSError:
        return None
