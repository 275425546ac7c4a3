"""A bundle as one file to download: the same folder gives the same bytes."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import zstandard

_LEVEL: Final = 15
"""Of zstd: higher ones take minutes for some MB."""
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_EXECUTABLE: Final = 0o755
_PLAIN: Final = 0o644


def pack(folder: Path, name: Path) -> Path:
    """Pack what is in a folder; a zip on Windows, which opens it by itself, and a .tar.zst elsewhere.

    Args:
        folder: its contents go to the top of the archive.
        name: the archive's path without its ending.

    Returns:
        The archive.
    """
    return _zip(folder, Path(f"{name}.zip")) if sys.platform == "win32" else _tar(folder, Path(f"{name}.tar.zst"))


def _tar(folder: Path, file: Path) -> Path:
    compressor = zstandard.ZstdCompressor(level=_LEVEL, threads=-1)
    with (
        file.open("wb") as stream,
        compressor.stream_writer(stream) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(folder.rglob("*")):
            archive.add(path, path.relative_to(folder), recursive=False, filter=_anonymous)
    return file


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without what differs from machine to machine."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = _EXECUTABLE if entry.isdir() or entry.mode & 0o100 else _PLAIN
    return entry


def _zip(folder: Path, file: Path) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _DATE)
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return file
