"""Fovea as one folder that a person unpacked: where it is, whether it is whole, and the trainer that belongs to it.

Imported before anything else may be missing: it needs nothing but Python's own library.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILES: Final = "files.json"
"""In a bundle's contents: its version, and of every file the size in bytes and the sha256."""
TRAINER: Final = "fovea-trainer"
"""The folder of the trainer's bundle, and the program in it."""

_CONTENTS: Final = "_internal"
_SEARCHED: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Where the system's loader looks for libraries first."""
_ELF: Final = struct.Struct("<5s35xQ10xHH2x")
"""What the header says of the section table: where it starts, and the size and number of its entries."""
_ELF_MAGIC: Final = b"\x7fELF\x02"
_MODELS: Final = "models"
"""What is missing here costs a model, which the library tells of."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """An unpacked folder.

    Attributes:
        folder: where the programs are.
        contents: where everything they need is.
    """

    folder: Path
    contents: Path

    @property
    def version(self) -> str | None:
        """Of Fovea, as the folder says; None where it does not."""
        version = _listed(self.contents / FILES).get("version")
        return version if isinstance(version, str) else None


def this_bundle() -> Bundle | None:
    """The bundle this process runs from; None where it runs from Fovea's sources."""
    contents = getattr(sys, "_MEIPASS", None)
    if not getattr(sys, "frozen", False) or contents is None:
        return None
    return Bundle(Path(sys.executable).resolve().parent, Path(contents))


def missing_files(bundle: Bundle) -> tuple[str, ...]:
    """Files that are gone or cut; takes milliseconds. Others may have changed: Qt may be replaced, says its licence.

    Models are not looked at.
    """
    names = _listed(bundle.contents / FILES).get("files")
    if not isinstance(names, dict) or not names:
        return (f"{bundle.contents.name}/{FILES}",)
    sizes = {name: expected[0] for name, expected in names.items() if not _is_model(bundle, name)}
    return tuple(name for name, size in sizes.items() if not _is_whole(bundle.folder / name, size))


def changed_files(bundle: Bundle) -> Iterator[tuple[str, bool]]:
    """Every file's name and whether its bytes are others than when the bundle was made; reads them all."""
    for name, expected in _listed(bundle.contents / FILES).get("files", {FILES: (0, "")}).items():
        yield name, _sha256(bundle.folder / name) != expected[1]


def describe_damage(names: tuple[str, ...]) -> str:
    """What to tell of files that are missing or changed, and what to do."""
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"Fovea's own files are damaged: {names[0]}{more}. Unpack the archive again, into an empty folder."


def find_trainer(bundle: Bundle) -> Bundle | None:
    """The trainer's bundle, beside this one or inside it; None where there is none."""
    for candidate in (bundle.folder.parent, bundle.folder):
        folder = candidate / TRAINER
        if (folder / _CONTENTS).is_dir():
            return Bundle(folder, folder / _CONTENTS)
    return None


def clean_environment() -> dict[str, str]:
    """The environment for other programs: as it was before this bundle put its own libraries first in it.

    So PyInstaller asks for it ("Launching external programs from the frozen application"); another bundle started with
    it finds itself.
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
    """What `FILES` says of a bundle; it does not name itself."""
    paths = sorted(path for path in bundle.folder.rglob("*") if path.is_file() and path.name != FILES)
    listed_files = {path.relative_to(bundle.folder).as_posix(): (path.stat().st_size, _sha256(path)) for path in paths}
    return {"version": version, "files": listed_files}


def _listed(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_model(bundle: Bundle, name: str) -> bool:
    return name.startswith(f"{bundle.contents.name}/{_MODELS}/")


def _is_whole(file: Path, size: int) -> bool:
    """Whether a file is as large as it was, or ends where it says that it does: a smaller one may be another build."""
    try:
        return (found := file.stat().st_size) >= size or _elf_end(file) in range(1, found + 1)
    except OSError:
        return False


def _elf_end(file: Path) -> int:
    """Where the last table of a 64-bit program or library ends (System V ABI, "ELF Header"); 0 for anything else."""
    with file.open("rb") as stream:
        header = stream.read(_ELF.size)
    if len(header) < _ELF.size:
        return 0
    magic, start, size, count = _ELF.unpack(header)
    return start + size * count if magic == _ELF_MAGIC else 0


def _sha256(file: Path) -> str | None:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
