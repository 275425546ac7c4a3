"""What a process was doing when it crashed: written by the dying process to a file of its own, told at the next start.

A native crash ends Python before it can say anything, so `faulthandler` writes, and it can only write to a file that
is open already. The file stays empty while all is well and is removed at the end; a process that was killed, or lost
its power, leaves an empty one, which is no report.
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
"""What the window's own process is called in its report."""

_NAME: Final = re.compile(r"crash-([a-z]+)-([0-9]+)\.log")
_MAX_LOGS: Final = 10
"""Of a program that crashed over and over the newest reports are told; the others are alike."""
_MAX_BYTES: Final = 100_000


@dataclass(frozen=True, slots=True)
class CrashReport:
    """What the processes that crashed left.

    Attributes:
        text: every report under a line that says which process it is of and when it was written.
        file: where the text is kept.
        is_from_window: whether the window itself crashed, not only a helper that was started again.
    """

    text: str
    file: Path
    is_from_window: bool


@contextmanager
def capture_crashes(process: str) -> Iterator[None]:
    """While this lasts, a native crash of this process leaves a report; where none can be written, nothing happens.

    Args:
        process: what the process is, in small letters: `window`, `engine`, `pictures`.
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
    """Remove the log of a process of ours that ended as it should but could not do so itself."""
    for path in _logs():
        if path.stem.endswith(f"-{process_id}"):
            _remove(path)


def collect_reports() -> CrashReport | None:
    """The reports of processes that crashed since this was asked last; they are kept in one file and not told again.

    Returns:
        None if nothing crashed, and where the reports cannot be put away: they would be told for ever.
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


def _archive(crashed: Sequence[Path]) -> CrashReport:
    """Keep the reports in these logs, oldest first, in one file."""
    text = "\n".join([f"{_program()}\n", *(_describe(path) for path in crashed[-_MAX_LOGS:])])
    report = CrashReport(text, paths.log_folder() / "crash-last.log", any(_is_from_window(path) for path in crashed))
    write_atomically(report.file, text.encode())
    return report


def _open(process: str) -> BinaryIO | None:
    """This process's log, open and held for as long as it lives; None without a place for it."""
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
    """Every process's log, living or not, oldest first."""
    try:
        found = [path for path in paths.log_folder().iterdir() if _NAME.fullmatch(path.name)]
        return sorted(found, key=lambda path: path.stat().st_mtime)
    except OSError:  # no folder, or another window that starts just now removed one: it tells them
        return ()


def _is_abandoned(path: Path) -> bool:
    """Whether the process of this log is gone."""
    try:
        with path.open("rb") as file:
            return locks.try_lock(file)
    except OSError:
        return False


def _describe(path: Path) -> str:
    """One report under the process it is of and its moment."""
    process = path.stem.split("-")[1]
    with path.open("rb") as file:
        moment = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime)
        logged = file.read(_MAX_BYTES).decode(errors="replace").strip()
    return f"Process: {process}, {moment:%Y-%m-%d %H:%M:%S}\n\n{logged}\n"


def _program() -> str:
    import platform  # what only a crash needs would delay every start
    from importlib import metadata

    version = "of unknown version"
    with contextlib.suppress(metadata.PackageNotFoundError):
        version = metadata.version("fovea")
    return f"Fovea {version}, Python {platform.python_version()}, {platform.platform()}"


def _is_from_window(path: Path) -> bool:
    return path.name.startswith(f"crash-{WINDOW}-")


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
