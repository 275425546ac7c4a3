"""exiftool, the program that reads and writes metadata of photos: found, checked, and asked many things at once.

It is a program of the person's, not part of Fovea. One process answers one batch of commands, given as its argument
file; what happens to it costs that batch at most. The wrapper that keeps a process open, PyExifTool 0.5.6, waits for
ever once that process has died (it reads until a mark comes, and takes no notice of an end), and a damaged photo must
not do that to a job of thousands.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.base.bundle import clean_environment
from core.base.errors import FoveaError

_CONFIG: Final = Path(__file__).resolve().parent / "namespace" / "fovea.config"
_MIN_VERSION: Final = (12, 24)
"""A hostile file can make older ones run any program (CVE-2021-22204)."""
_START_S: Final = 60.0
_PER_COMMAND_S: Final = 20.0
"""A command takes some 20 ms; slow disks and large files get a thousand times that."""

_CHARSET: Final = ("-charset", "filename=utf8") if os.name == "nt" else ()
"""Elsewhere names are bytes."""
_BREAKS: Final = str.maketrans("\r\n", "  ")
_STATUS: Final = re.compile(rb"\{fovea (\d+) (\d+)\}\r?\n?")
_END: Final = re.compile(rb"\{fovea (\d+)\}\r?\n?")


class KeywordError(FoveaError):
    """Keywords cannot be read or written."""

    kind = "keywords"


@dataclass(frozen=True, slots=True)
class ExifTool:
    """The program: where it is and its version."""

    program: Path
    version: str


@dataclass(frozen=True, slots=True)
class ExifToolReply:
    """What one command came to: its exit status, 0 for success, and what it said."""

    status: int
    stdout: bytes
    stderr: str

    @property
    def reason(self) -> str:
        """Why it failed, in a few words without the file's name."""
        line = next((line for line in self.stderr.splitlines() if line.startswith("Error")), self.stderr)
        reason = line.removeprefix("Error:").partition(" - ")[0].strip()
        return reason.removeprefix("=").removeprefix("[minor]").strip() or "exiftool gave no reason"


def find_exiftool() -> ExifTool:
    """The program, on the search path or where its installers put it.

    Raises:
        KeywordError: it is not there, does not start, or must not be trusted with files from outside.
    """
    program = shutil.which("exiftool") or shutil.which("exiftool", path=os.pathsep.join(_usual_locations()))
    if program is None:
        raise KeywordError("exiftool, which writes keywords into photos, is not installed.", hint=_install_hint())
    return _checked(Path(program))


@functools.cache
def _checked(program: Path) -> ExifTool:
    try:
        done = subprocess.run(
            [program, "-ver"], capture_output=True, timeout=_START_S, check=True, env=clean_environment()
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise KeywordError(f"exiftool in {str(program.parent)!r} does not start.", hint=_install_hint()) from error
    version = done.stdout.decode(errors="replace").strip()
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < _MIN_VERSION:
        minimum = ".".join(map(str, _MIN_VERSION))
        raise KeywordError(
            f"exiftool {version[:20]} is too old: hostile photos can misuse it.", hint=_install_hint(minimum)
        )
    return ExifTool(program, version)


def _usual_locations() -> tuple[str, ...]:
    """Where programs are that a window started from a dock or menu does not find by its search path."""
    if sys.platform == "win32":
        bases = filter(None, (os.environ.get("ProgramFiles"), os.environ.get("LOCALAPPDATA")))  # noqa: SIM112
        return tuple(place for base in bases for place in (f"{base}\\ExifTool", f"{base}\\Programs\\ExifTool"))
    return "/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"


def _install_hint(minimum: str = "") -> str:
    at_least = f" {minimum} or newer" if minimum else ""
    if sys.platform == "darwin":
        return f"Install exiftool{at_least}: `brew install exiftool`, or the package from https://exiftool.org."
    if sys.platform == "win32":
        return f"Install exiftool{at_least} from https://exiftool.org and call it exiftool.exe, or see `winget`."
    return f"Install exiftool{at_least}: the package is libimage-exiftool-perl (Debian, Ubuntu) or perl-Image-ExifTool."


def run(tool: ExifTool, commands: Sequence[Sequence[str | Path]]) -> list[ExifToolReply]:
    """The answers to commands, in their order. A file is named by an absolute path.

    If the process dies or hangs, each command is given to one of its own, so that only the guilty one fails.
    """
    if not commands:
        return []
    answers = _run(tool, commands)
    if answers is not None:
        return answers
    if len(commands) == 1:
        return [ExifToolReply(-1, b"", "exiftool stopped without an answer")]
    return [answer for command in commands for answer in run(tool, [command])]


def _run(tool: ExifTool, commands: Sequence[Sequence[str | Path]]) -> list[ExifToolReply] | None:
    lines: list[bytes] = []
    for number, command in enumerate(commands):
        lines += map(_line, command)
        marks = (b"-echo3", b"{fovea %d}" % number, b"-echo4", b"{fovea %d ${status}}" % number, b"-execute")
        lines += marks
    call: list[str | Path] = [
        tool.program,
        "-config",
        _CONFIG,
        *_CHARSET,
        "-@",
        "-",
    ]
    limit = _START_S + _PER_COMMAND_S * len(commands)
    try:
        done = subprocess.run(
            call,
            input=b"\n".join(lines) + b"\n",
            capture_output=True,
            timeout=limit,
            check=False,
            env=clean_environment(),
            start_new_session=True,  # Ctrl+C in a terminal goes to all, and this batch is to be finished
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _parse_replies(done.stdout, done.stderr, len(commands))


def _line(argument: str | Path) -> bytes:
    """One line of an argument file. A path with a line break is written as a C string, which exiftool takes after a
    mark; of other text, keywords from hostile files included, no second line can come about.
    """
    if isinstance(argument, str):
        return argument.translate(_BREAKS).encode("utf-8", errors="replace")
    name = str(argument).encode() if os.name == "nt" else os.fsencode(argument)
    if b"\n" not in name and b"\r" not in name:
        return name
    return b"#[CSTR]" + name.replace(b"\\", rb"\\").replace(b"\n", rb"\n").replace(b"\r", rb"\r")


def _parse_replies(out: bytes, stderr: bytes, count: int) -> list[ExifToolReply] | None:
    """Cut what came by our marks; None if the last one is missing."""
    outs = _END.split(out)[::2]
    saids = _STATUS.split(stderr)
    statuses = [int(status) for status in saids[2::3]]
    if len(outs) != count + 1 or len(statuses) != count:
        return None
    texts = [text.decode(errors="replace").strip() for text in saids[::3]]
    return [ExifToolReply(status, result, text) for status, result, text in zip(statuses, outs, texts, strict=False)]
