"""exiftool, the program that reads and writes metadata of photos: found, checked, and asked many things at once.

It is a program of the person's, not part of Fovea. One process answers one batch of commands, given as its argument
file; what happens to it costs that batch at most. The wrapper that keeps a process open, PyExifTool 0.5.6, waits for
ever once that process has died (it reads until a mark comes, and takes no notice of an end), and a damaged photo must
not do that to a job of thousands.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.bundle import outside_environment
from core.errors import FoveaError
from core.keywords.merging import Changes, Found, Lists

_CONFIG: Final = Path(__file__).resolve().parent / "namespace" / "fovea.config"
_LEAST_VERSION: Final = (12, 24)
"""A hostile file can make older ones run any program (CVE-2021-22204)."""
_START_S: Final = 60.0
_EACH_S: Final = 20.0
"""A command takes some 20 ms; slow disks and large files get a thousand times that."""

_LISTS: Final = ("subject", "hierarchy", "tags")
_TAGS: Final = ("XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList")
_NOTES: Final = ("XMP-fovea:Subject", "XMP-fovea:HierarchicalSubject", "XMP-fovea:TagsList")
_AS_TEXT: Final = 'Filter=$_="=$_"'
"""Puts = before every value, so that JSON has only strings: else a keyword 2024 is a number in it, and True is true."""
_READ: Final = ("-j", "-G1", "-api", _AS_TEXT, "-File:FileType", *(f"-{tag}" for tag in (*_TAGS, *_NOTES)))
_CHARSET: Final = ("-charset", "filename=utf8") if os.name == "nt" else ()
"""Elsewhere names are bytes."""
_STATUS: Final = re.compile(rb"\{fovea (\d+) (\d+)\}\r?\n?")
_END: Final = re.compile(rb"\{fovea (\d+)\}\r?\n?")

WRITABLE: Final = frozenset({"JPEG", "PNG", "APNG", "WEBP", "Extended WEBP", "TIFF", "GIF", "HEIC", "HEIF", "AVIF"})
"""What exiftool may write into; camera makers' raw files are left alone, whatever their name."""


class KeywordError(FoveaError):
    """Keywords cannot be read or written."""

    kind = "keywords"


@dataclass(frozen=True, slots=True)
class ExifTool:
    """The program: where it is and its version."""

    program: Path
    version: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command came to: its exit status, 0 for success, and what it said."""

    status: int
    out: bytes
    said: str

    @property
    def reason(self) -> str:
        """Why it failed, in a few words without the file's name."""
        line = next((line for line in self.said.splitlines() if line.startswith("Error")), self.said)
        return line.removeprefix("Error:").partition(" - ")[0].strip() or "exiftool gave no reason"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file holds: its keywords, and what kind of file it is by its content, as exiftool calls it."""

    found: Found
    kind: str


def find_exiftool() -> ExifTool:
    """The program, on the search path or where its installers put it.

    Raises:
        KeywordError: it is not there, does not start, or must not be trusted with files from outside.
    """
    program = shutil.which("exiftool") or shutil.which("exiftool", path=os.pathsep.join(_usual_places()))
    if program is None:
        raise KeywordError("exiftool, which writes keywords into photos, is not installed.", hint=_how_to_get())
    return _checked(Path(program))


@functools.cache
def _checked(program: Path) -> ExifTool:
    try:
        done = subprocess.run(
            [program, "-ver"], capture_output=True, timeout=_START_S, check=True, env=outside_environment()
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise KeywordError(f"exiftool in {str(program.parent)!r} does not start.", hint=_how_to_get()) from error
    version = done.stdout.decode(errors="replace").strip()
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < _LEAST_VERSION:
        least = ".".join(map(str, _LEAST_VERSION))
        raise KeywordError(
            f"exiftool {version[:20]} is too old: hostile photos can misuse it.", hint=_how_to_get(least)
        )
    return ExifTool(program, version)


def _usual_places() -> tuple[str, ...]:
    """Where programs are that a window started from a dock or menu does not find by its search path."""
    if sys.platform == "win32":
        bases = filter(None, (os.environ.get("ProgramFiles"), os.environ.get("LOCALAPPDATA")))  # noqa: SIM112
        return tuple(place for base in bases for place in (f"{base}\\ExifTool", f"{base}\\Programs\\ExifTool"))
    return "/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"


def _how_to_get(least: str = "") -> str:
    at_least = f" {least} or newer" if least else ""
    if sys.platform == "darwin":
        return f"Install exiftool{at_least}: `brew install exiftool`, or the package from https://exiftool.org."
    if sys.platform == "win32":
        return f"Install exiftool{at_least} from https://exiftool.org and call it exiftool.exe, or see `winget`."
    return f"Install exiftool{at_least}: the package is libimage-exiftool-perl (Debian, Ubuntu) or perl-Image-ExifTool."


def read(tool: ExifTool, files: Sequence[Path]) -> list[Metadata | Answer]:
    """What files say, each read on its own; an `Answer` tells why one could not be read."""
    answers = run(tool, [[*_READ, file] for file in files])
    return [_metadata(answer) if answer.status == 0 else answer for answer in answers]


def holds_anything(tool: ExifTool, sidecars: Sequence[Path]) -> list[bool]:
    """Whether sidecars say anything at all; one that cannot be read counts as saying something."""
    return [_says_something(answer) for answer in run(tool, [["-j", "-G1", "-XMP:all", file] for file in sidecars])]


def _says_something(answer: Answer) -> bool:
    try:
        (content,) = json.loads(answer.out.decode(errors="replace"))
    except ValueError:
        return True
    return answer.status != 0 or bool(content.keys() - {"SourceFile", "XMP-x:XMPToolkit"})


def arguments(planned: Changes, file: Path) -> list[str | Path]:
    """The command that does to a file what is planned; the file is replaced by exiftool, so it is to be a copy."""
    made: list[str | Path] = ["-overwrite_original"]
    for tags, gone, new in ((_TAGS, planned.gone, planned.new), (_NOTES, planned.forgotten, planned.noted)):
        for tag, name in zip(tags, _LISTS, strict=True):
            made += [f"-{tag}-={word}" for word in getattr(gone, name)]
            made += [f"-{tag}+={word}" for word in getattr(new, name)]
    return [*made, file]


def run(tool: ExifTool, commands: Sequence[Sequence[str | Path]]) -> list[Answer]:
    """The answers to commands, in their order. A file is named by an absolute path without line breaks.

    If the process dies or hangs, each command is given to one of its own, so that only the guilty one fails.
    """
    if not commands:
        return []
    answers = _run(tool, commands)
    if answers is not None:
        return answers
    if len(commands) == 1:
        return [Answer(-1, b"", "exiftool stopped without an answer")]
    return [answer for command in commands for answer in run(tool, [command])]


def _run(tool: ExifTool, commands: Sequence[Sequence[str | Path]]) -> list[Answer] | None:
    lines: list[bytes] = []
    for number, command in enumerate(commands):
        lines += map(_line, command)
        marks = (b"-echo3", b"{fovea %d}" % number, b"-echo4", b"{fovea %d ${status}}" % number, b"-execute")
        lines += marks
    call: list[str | Path] = [
        tool.program,
        "-config",
        _CONFIG,
        *(["-charset", "filename=utf8"] if os.name == "nt" else []),
        "-@",
        "-",
    ]
    limit = _START_S + _EACH_S * len(commands)
    try:
        done = subprocess.run(
            call,
            input=b"\n".join(lines) + b"\n",
            capture_output=True,
            timeout=limit,
            check=False,
            env=outside_environment(),
            start_new_session=True,  # Ctrl+C in a terminal goes to all, and this batch is to be finished
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _answers(done.stdout, done.stderr, len(commands))


def _line(argument: str | Path) -> bytes:
    if isinstance(argument, str):
        return argument.encode("utf-8", errors="replace")
    return str(argument).encode() if os.name == "nt" else os.fsencode(argument)


def _answers(out: bytes, told: bytes, count: int) -> list[Answer] | None:
    """Cut what came by our marks; None if the last one is missing."""
    outs = _END.split(out)[::2]
    saids = _STATUS.split(told)
    statuses = [int(status) for status in saids[2::3]]
    if len(outs) != count + 1 or len(statuses) != count:
        return None
    texts = [said.decode(errors="replace").strip() for said in saids[::3]]
    return [Answer(status, made, said) for status, made, said in zip(statuses, outs, texts, strict=False)]


def _metadata(answer: Answer) -> Metadata | Answer:
    try:
        (content,) = json.loads(answer.out.decode(errors="replace"))
    except ValueError:
        return Answer(-1, b"", "exiftool's answer could not be read")
    kind = _values(content, "File:FileType")
    return Metadata(Found(_lists(content, _TAGS), _lists(content, _NOTES)), kind[0] if kind else "")


def _lists(content: dict[str, Any], tags: Sequence[str]) -> Lists:
    return Lists(*(_values(content, tag) for tag in tags))


def _values(content: dict[str, Any], tag: str) -> tuple[str, ...]:
    value = content.get(tag, [])
    return tuple(str(one).removeprefix("=") for one in (value if isinstance(value, list) else [value]))
