"""Changing a photo or a sidecar: a copy beside it is changed and then takes its place, so that none is ever half.

The copy's name depends on the file's alone: what a killed run left is overwritten by the next one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.base.storage import keep_owner, replace
from core.outputs.keywords.exiftool import Answer, ExifTool, run
from core.outputs.keywords.merging import Changes
from core.outputs.keywords.tags import arguments
from core.outputs.keywords.values import SIDECAR_SUFFIX


@dataclass(frozen=True, slots=True)
class Edit:
    """A file to be changed.

    Attributes:
        photo: the photo it is about, itself or that of a sidecar.
        file: the photo or the sidecar.
        planned: what is to be done to its keywords.
        suffix: the one that is true of its content; exiftool refuses a PNG called .jpg.
        begun: the mark that Fovea began this sidecar; empty: it goes; None: it stays as it is.
        seed: of a sidecar that is not there yet, what it begins with; None: the file is there.
        is_doubtful: whether exiftool may refuse to write into it.
    """

    photo: Path
    file: Path
    planned: Changes
    suffix: str = SIDECAR_SUFFIX
    begun: str | None = None
    seed: bytes | None = None
    is_doubtful: bool = False

    @property
    def is_new(self) -> bool:
        """Whether it is a sidecar that is not there yet."""
        return self.seed is not None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a file could not be changed, and whether it was exiftool that refused."""

    reason: str
    is_refused: bool = False


def apply(tool: ExifTool, edits: Sequence[Edit], *, keep_time: bool) -> dict[Path, Trouble]:
    """Change files, each whole or not at all.

    Returns:
        The files that could not be changed, and why.
    """
    parts = {edit.file: _part(edit) for edit in edits}
    before = {edit.file: _state(edit.file) for edit in edits}
    try:
        troubles, answers = _changed(tool, edits, parts)
        for edit in edits:
            if edit.file in answers:
                trouble = _end(edit, parts[edit.file], answers[edit.file], before[edit.file], keep_time=keep_time)
                troubles |= {edit.file: trouble} if trouble else {}
    finally:
        for part in parts.values():
            _clear(part)
    return troubles


def attempt(tool: ExifTool, edits: Sequence[Edit]) -> dict[Path, Trouble]:
    """Which files exiftool would refuse to change, and why: copies elsewhere are changed."""
    if not edits:
        return {}
    with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
        parts = {edit.file: Path(folder, f"{number}{edit.suffix}") for number, edit in enumerate(edits)}
        troubles, answers = _changed(tool, edits, parts)
    return troubles | {file: Trouble(answer.reason, True) for file, answer in answers.items() if answer.status != 0}


def discard(file: Path) -> Trouble | None:
    """Delete a sidecar that holds nothing; if the folder does not allow it, why."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        return Trouble(error.strerror or type(error).__name__)
    return None


def _changed(
    tool: ExifTool, edits: Sequence[Edit], parts: dict[Path, Path]
) -> tuple[dict[Path, Trouble], dict[Path, Answer]]:
    """Change copies of files; of the others why there is no copy."""
    begun = {edit.file: _begin(edit, parts[edit.file]) for edit in edits}
    ready = [edit for edit in edits if begun[edit.file] is None]
    answers = run(tool, [arguments(edit.planned, edit.begun, parts[edit.file]) for edit in ready])
    troubles = {file: trouble for file, trouble in begun.items() if trouble is not None}
    return troubles, {edit.file: answer for edit, answer in zip(ready, answers, strict=True)}


def _begin(edit: Edit, part: Path) -> Trouble | None:
    try:
        _clear(part)
        if edit.seed is None:
            shutil.copyfile(edit.file, part)
        elif edit.seed:
            part.write_bytes(edit.seed)
    except OSError as error:
        return Trouble(error.strerror or type(error).__name__)
    return None


def _end(edit: Edit, part: Path, answer: Answer, before: tuple[int, ...], *, keep_time: bool) -> Trouble | None:
    """Let the copy take the file's place if all is well."""
    try:
        if answer.status != 0 or part.stat().st_size == 0:
            return Trouble(answer.reason, True)
        _dress(edit, part, keep_time=keep_time)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        if _state(edit.file) != before:
            return Trouble("it was changed by another program meanwhile")
        replace(part, edit.file)
    except OSError as error:
        return Trouble(error.strerror or type(error).__name__)
    return None


def _dress(edit: Edit, part: Path, *, keep_time: bool) -> None:
    """Give the copy the owner, permissions and times of what it replaces; a new sidecar, the owner of its photo."""
    keep_owner((edit.photo if edit.is_new else edit.file).stat(), part)
    if not edit.is_new:
        shutil.copystat(edit.file, part)
        if not keep_time:
            os.utime(part)


def _part(edit: Edit) -> Path:
    """The copy; hidden, so that neither folders' walks nor photo managers take it for a photo."""
    name = hashlib.sha256(os.fsencode(edit.file.name)).hexdigest()[:16]
    return edit.file.with_name(f".fovea-{name}{edit.suffix}")


def _clear(part: Path) -> None:
    for left in (part, part.with_name(f"{part.name}_exiftool_tmp")):
        with contextlib.suppress(OSError):
            left.unlink(missing_ok=True)


def _state(file: Path) -> tuple[int, ...]:
    """What changes with every change of a file; nothing where there is none."""
    try:
        status = file.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns
