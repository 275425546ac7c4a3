"""Finding, checking and running exiftool, the program that reads and writes the metadata of photos.

It is installed by the user, not part of Fovea. One process runs one batch of commands from an argument file, so that a
crash affects that batch at most. The wrapper PyExifTool 0.5.6, which keeps a process open, hangs when that process
dies (it reads until a marker and ignores the end of the stream); a damaged photo must not do that to a job of
thousands.
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
from core.base.i18n import tr
from core.base.text import display_path

_CONFIG: Final = Path(__file__).resolve().parent / "namespace" / "fovea.config"
_MIN_VERSION: Final = (12, 24)
"""A malicious file can make older versions run any program (CVE-2021-22204)."""
_START_S: Final = 60.0
_PER_COMMAND_S: Final = 20.0
"""A command takes about 20 ms; slow disks and large files may take a thousand times that."""

_CHARSET: Final = ("-charset", "filename=utf8") if os.name == "nt" else ()
"""On other systems, file names are bytes."""
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
    """The reply to one command: its exit status, 0 for success, and its output."""

    status: int
    stdout: bytes
    stderr: str

    @property
    def reason(self) -> str:
        """Why it failed, briefly and without the file name."""
        line = next((line for line in self.stderr.splitlines() if line.startswith("Error")), self.stderr)
        reason = line.removeprefix("Error:").partition(" - ")[0].strip()
        return reason.removeprefix("=").removeprefix("[minor]").strip() or tr("exiftool gave no reason")


def find_exiftool() -> ExifTool:
    """Find exiftool on the search path or where its installers put it.

    Raises KeywordError if it is missing, does not start, or has a known vulnerability.
    """
    program = shutil.which("exiftool") or shutil.which("exiftool", path=os.pathsep.join(_usual_locations()))
    if program is None:
        raise KeywordError(tr("exiftool, which reads and writes keywords, is not installed."), hint=_install_hint())
    return _checked(Path(program))


@functools.cache
def _checked(program: Path) -> ExifTool:
    try:
        done = subprocess.run(
            [program, "-ver"], capture_output=True, timeout=_START_S, check=True, env=clean_environment()
        )
    except (OSError, subprocess.SubprocessError) as error:
        what = tr("Couldn't start exiftool in “{folder}”.", folder=display_path(program.parent))
        raise KeywordError(what, hint=_install_hint()) from error
    version = done.stdout.decode(errors="replace").strip()
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < _MIN_VERSION:
        minimum = ".".join(map(str, _MIN_VERSION))
        raise KeywordError(
            tr("exiftool {version} is too old: malicious photos can exploit it.", version=version[:20]),
            hint=_install_hint(minimum),
        )
    return ExifTool(program, version)


def _usual_locations() -> tuple[str, ...]:
    """Folders of programs that are not on the search path of an application started from a dock or menu."""
    if sys.platform == "win32":
        bases = filter(None, (os.environ.get("ProgramFiles"), os.environ.get("LOCALAPPDATA")))  # noqa: SIM112
        return tuple(folder for base in bases for folder in (f"{base}\\ExifTool", f"{base}\\Programs\\ExifTool"))
    return "/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"


def _install_hint(minimum: str = "") -> str:
    program = tr("exiftool {version} or later", version=minimum) if minimum else "exiftool"
    if sys.platform == "darwin":
        return tr(
            "Install {program} with `brew install exiftool`, or with the package from https://exiftool.org.",
            program=program,
        )
    if sys.platform == "win32":
        return tr("Install {program} from https://exiftool.org as exiftool.exe, or with `winget`.", program=program)
    return tr(
        "Install {program}: the package libimage-exiftool-perl (Debian, Ubuntu) or perl-Image-ExifTool.",
        program=program,
    )


def run(tool: ExifTool, commands: Sequence[Sequence[str | Path]]) -> list[ExifToolReply]:
    """Run commands, and return their replies in order. Files must have absolute paths.

    If the process dies or hangs, each command runs in a process of its own, so that only the faulty one fails.
    """
    if not commands:
        return []
    replies = _run(tool, commands)
    if replies is not None:
        return replies
    if len(commands) == 1:
        return [ExifToolReply(-1, b"", tr("exiftool stopped unexpectedly"))]
    return [reply for command in commands for reply in run(tool, [command])]


def _run(tool: ExifTool, commands: Sequence[Sequence[str | Path]]) -> list[ExifToolReply] | None:
    lines: list[bytes] = []
    for number, command in enumerate(commands):
        lines += map(_line, command)
        lines += b"-echo3", b"{fovea %d}" % number, b"-echo4", b"{fovea %d ${status}}" % number, b"-execute"
    try:
        done = subprocess.run(
            [tool.program, "-config", _CONFIG, *_CHARSET, "-@", "-"],
            input=b"\n".join(lines) + b"\n",
            capture_output=True,
            timeout=_START_S + _PER_COMMAND_S * len(commands),
            check=False,
            env=clean_environment(),
            start_new_session=True,  # Ctrl+C in a terminal must not interrupt the batch
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _parse_replies(done.stdout, done.stderr, len(commands))


def _line(argument: str | Path) -> bytes:
    """One line of an argument file. A path with a line break is written as a C string, which exiftool accepts after a
    marker; other text, including keywords from malicious files, cannot produce a second line.
    """
    if isinstance(argument, str):
        return argument.translate(_BREAKS).encode("utf-8", errors="replace")
    name = str(argument).encode() if os.name == "nt" else os.fsencode(argument)
    if b"\n" not in name and b"\r" not in name:
        return name
    return b"#[CSTR]" + name.replace(b"\\", rb"\\").replace(b"\n", rb"\n").replace(b"\r", rb"\r")


def _parse_replies(out: bytes, stderr: bytes, count: int) -> list[ExifToolReply] | None:
    """Split the output at our markers; None if the last one is missing."""
    outs = _END.split(out)[::2]
    errors = _STATUS.split(stderr)
    statuses = [int(status) for status in errors[2::3]]
    if len(outs) != count + 1 or len(statuses) != count:
        return None
    texts = [text.decode(errors="replace").strip() for text in errors[::3]]
    return [ExifToolReply(status, result, text) for status, result, text in zip(statuses, outs, texts, strict=False)]
