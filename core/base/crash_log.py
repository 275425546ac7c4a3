"""Crash reports: each process writes its own file when it crashes, and the next start reports it.

A native crash ends Python at once, so `faulthandler` writes the report, and it can only write to a file that is already
open. The file stays empty without a crash and is removed at the end; a process that was killed leaves an empty file,
which is not a report.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from core.base import locks, paths
from core.base.errors import StorageError
from core.base.storage import write_atomically

WINDOW: Final = "window"
"""The name of the window's process in its report."""

_NAME: Final = re.compile(r"crash-([a-z]+)-([0-9]+)\.log")
_MAX_LOGS: Final = 10
"""Only the newest reports of a program that crashed repeatedly are kept; the others are similar."""
_MAX_BYTES: Final = 100_000


@dataclass(frozen=True, slots=True)
class CrashReport:
    """The reports of crashed processes, each below a line with the name of the process and the time.

    It `is_from_window` if the window itself crashed, not only a helper process that was restarted.
    """

    text: str
    file: Path
    is_from_window: bool


@contextmanager
def capture_crashes(process: str) -> Iterator[None]:
    """Write a report if this process crashes inside the block; without a writable folder, do nothing.

    The name of the process is in lower case: `window`, `engine`, `pictures`.
    """
    file = _open(process)
    if file is None:
        yield
        return
    faulthandler.enable(file)
    try:
        yield
    finally:
        faulthandler.disable()
        file.close()
        _remove(Path(file.name))


def discard(process_id: int) -> None:
    """Remove the log of a child process that ended as expected but could not remove it itself."""
    for path in _logs():
        if path.stem.endswith(f"-{process_id}"):
            _remove(path)


def collect_reports() -> CrashReport | None:
    """Collect the reports of crashes since the last call into one file; each is returned once.

    None if nothing crashed, or if the reports cannot be moved: they would be returned forever.
    """
    try:
        abandoned = [path for path in _logs() if _is_abandoned(path)]
        crashed = [path for path in abandoned if path.stat().st_size]
        report = _archive(crashed) if crashed else None
    except (OSError, StorageError):
        return None
    for path in abandoned:
        _remove(path)
    return report


def last_report() -> str:
    """The last reports that were collected; empty if there are none."""
    try:
        return _last_file().read_text(errors="replace")
    except OSError:
        return ""


def _last_file() -> Path:
    return paths.log_folder() / "crash-last.log"


def _archive(crashed: Sequence[Path]) -> CrashReport:
    text = "\n".join([f"{_program()}\n", *(_describe(path) for path in crashed[-_MAX_LOGS:])])
    report = CrashReport(text, _last_file(), any(path.name.startswith(f"crash-{WINDOW}-") for path in crashed))
    write_atomically(report.file, text.encode())
    return report


def _open(process: str) -> BinaryIO | None:
    """Open and lock this process's log for its lifetime; None if that is not possible."""
    path = paths.log_folder() / f"crash-{process}-{os.getpid()}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab", buffering=0)
        if locks.try_lock(file):
            return file
        file.close()
    except OSError:
        pass
    return None


def _logs() -> Sequence[Path]:
    """The logs of all processes, running or not, oldest first."""
    try:
        found = [path for path in paths.log_folder().iterdir() if _NAME.fullmatch(path.name)]
        return sorted(found, key=lambda path: path.stat().st_mtime)
    except OSError:  # no folder, or another window that is starting removed one and reports it
        return ()


def _is_abandoned(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return locks.try_lock(file)
    except OSError:
        return False


def _describe(path: Path) -> str:
    process = path.stem.split("-")[1]
    with path.open("rb") as file:
        moment = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime)
        logged = file.read(_MAX_BYTES).decode(errors="replace").strip()
    return f"Process: {process}, {moment:%Y-%m-%d %H:%M:%S}\n\n{logged}\n"


def _program() -> str:
    import platform  # needed only after a crash; would delay every start
    from importlib import metadata

    version = "(unknown version)"
    with contextlib.suppress(metadata.PackageNotFoundError):
        version = metadata.version("fovea")
    return f"Fovea {version}, Python {platform.python_version()}, {platform.platform()}"


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
