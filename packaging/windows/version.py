"""What Windows shows of a program's file under Properties > Details; for PyInstaller's `EXE(version=...)`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PyInstaller.utils.win32.versioninfo import VSVersionInfo

_PROJECT: Final = Path(__file__).resolve().parents[2] / "pyproject.toml"
_ENGLISH_UTF16: Final = (0x0409, 1200)
_ANY_FLAG: Final = 0x3F
_WINDOWS_NT: Final = 0x40004
_PROGRAM: Final = 1


def version_resource(program: str) -> VSVersionInfo:
    """The resource of one program of the bundle.

    Args:
        program: the file's name without `.exe`, such as `fovea-window`.

    Raises:
        ImportError: this is not Windows; PyInstaller's module works only there.
    """
    from PyInstaller.utils.win32 import versioninfo as resource

    project = tomllib.loads(_PROJECT.read_text("utf-8"))["project"]
    table = resource.StringTable(
        "{:04x}{:04x}".format(*_ENGLISH_UTF16),
        [resource.StringStruct(name, text) for name, text in _texts(program, project)],
    )
    return resource.VSVersionInfo(
        ffi=resource.FixedFileInfo(
            filevers=numbers(project["version"]),
            prodvers=numbers(project["version"]),
            mask=_ANY_FLAG,
            OS=_WINDOWS_NT,
            fileType=_PROGRAM,
        ),
        kids=[
            resource.StringFileInfo([table]),
            resource.VarFileInfo([resource.VarStruct("Translation", list(_ENGLISH_UTF16))]),
        ],
    )


def numbers(version: str) -> tuple[int, int, int, int]:
    """Windows's four numbers for a version such as `0.1.0` or `1.2rc1`: those of the release, then zeros."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    given = [int(number) for number in release[0].split(".")][:4] if release else []
    first, second, third, fourth = [*given, 0, 0, 0, 0][:4]
    return first, second, third, fourth


def _texts(program: str, project: dict[str, str]) -> Sequence[tuple[str, str]]:
    return (
        ("CompanyName", "The Fovea project"),
        ("FileDescription", "Fovea"),
        ("FileVersion", project["version"]),
        ("InternalName", program),
        ("LegalCopyright", "Licensed under the Apache License 2.0"),
        ("OriginalFilename", f"{program}.exe"),
        ("ProductName", "Fovea"),
        ("ProductVersion", project["version"]),
    )
