"""Atomic changes to photos and sidecars: a copy next to the file is changed and then replaces it.

The copy's name depends only on the file's, so that the next run overwrites what a killed run left behind.
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

from core.base.errors import os_reason
from core.base.i18n import tr
from core.base.storage import keep_owner, replace
from core.outputs.keywords.exiftool import ExifTool, ExifToolReply, run
from core.outputs.keywords.merging import KeywordDiff
from core.outputs.keywords.tags import arguments
from core.outputs.keywords.values import SIDECAR_SUFFIX


@dataclass(frozen=True, slots=True)
class FileEdit:
    """A planned change of a file.

    Attributes:
        file: the photo or its sidecar.
        suffix: the suffix that fits its content; exiftool refuses a PNG named .jpg.
        marker: the marker that Fovea created this sidecar; "" removes it, None leaves it as it is.
        seed: the initial content of a new sidecar; None if the file exists.
        is_ambiguous: whether exiftool may refuse to write to it.
    """

    photo: Path
    file: Path
    planned: KeywordDiff
    suffix: str = SIDECAR_SUFFIX
    marker: str | None = None
    seed: bytes | None = None
    is_ambiguous: bool = False

    @property
    def is_new(self) -> bool:
        """Whether it is a new sidecar."""
        return self.seed is not None


@dataclass(frozen=True, slots=True)
class EditError:
    """Why a file could not be changed, and whether exiftool refused it."""

    reason: str
    is_refused: bool = False


def apply(tool: ExifTool, edits: Sequence[FileEdit], *, keep_time: bool) -> dict[Path, EditError]:
    """Change files, each atomically; return the errors of those that could not be changed."""
    parts = {edit.file: _partial_path(edit) for edit in edits}
    before = {edit.file: () if edit.is_new else _state(edit.file) for edit in edits}
    try:
        errors, answers = _changed(tool, edits, parts)
        for edit in edits:
            if edit.file in answers:
                error = _end(edit, parts[edit.file], answers[edit.file], before[edit.file], keep_time=keep_time)
                errors |= {edit.file: error} if error else {}
    finally:
        for part in parts.values():
            _remove_partial(part)
    return errors


def attempt(tool: ExifTool, edits: Sequence[FileEdit]) -> dict[Path, EditError]:
    """Try changes on temporary copies, and return the errors of the files that exiftool refuses."""
    if not edits:
        return {}
    with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
        parts = {edit.file: Path(folder, f"{number}{edit.suffix}") for number, edit in enumerate(edits)}
        errors, answers = _changed(tool, edits, parts)
    return errors | {file: EditError(answer.reason, True) for file, answer in answers.items() if answer.status != 0}


def discard(file: Path) -> EditError | None:
    """Delete an empty sidecar, and return the error if that fails."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        return EditError(os_reason(error))
    return None


def _changed(
    tool: ExifTool, edits: Sequence[FileEdit], parts: dict[Path, Path]
) -> tuple[dict[Path, EditError], dict[Path, ExifToolReply]]:
    """Change copies of files, and return the errors of making copies, and the replies of exiftool."""
    started = {edit.file: _begin(edit, parts[edit.file]) for edit in edits}
    ready = [edit for edit in edits if started[edit.file] is None]
    answers = run(tool, [arguments(edit.planned, edit.marker, parts[edit.file]) for edit in ready])
    errors = {file: error for file, error in started.items() if error is not None}
    return errors, {edit.file: answer for edit, answer in zip(ready, answers, strict=True)}


def _begin(edit: FileEdit, part: Path) -> EditError | None:
    try:
        _remove_partial(part)
        if edit.seed is None:
            shutil.copyfile(edit.file, part)
        elif edit.seed:
            part.write_bytes(edit.seed)
    except OSError as error:
        return EditError(os_reason(error))
    return None


def _end(
    edit: FileEdit, part: Path, answer: ExifToolReply, before: tuple[int, ...], *, keep_time: bool
) -> EditError | None:
    """Replace the file by its copy if the change succeeded."""
    try:
        if answer.status != 0 or part.stat().st_size == 0:
            return EditError(answer.reason, True)
        _copy_attributes(edit, part, keep_time=keep_time)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        if _state(edit.file) != before:
            return EditError(tr("another program changed the file"))
        replace(part, edit.file)
    except OSError as error:
        return EditError(os_reason(error))
    return None


def _copy_attributes(edit: FileEdit, part: Path, *, keep_time: bool) -> None:
    """Copy owner, permissions and times of the replaced file to its copy; a new sidecar gets its photo's owner."""
    keep_owner((edit.photo if edit.is_new else edit.file).stat(), part)
    if not edit.is_new:
        shutil.copystat(edit.file, part)
        if not keep_time:
            os.utime(part)


def _partial_path(edit: FileEdit) -> Path:
    """The path of the copy: hidden, so that neither Fovea nor photo managers take it for a photo."""
    name = hashlib.sha256(os.fsencode(edit.file.name)).hexdigest()[:16]
    return edit.file.with_name(f".fovea-{name}{edit.suffix}")


def _remove_partial(part: Path) -> None:
    for left in (part, part.with_name(f"{part.name}_exiftool_tmp")):
        with contextlib.suppress(OSError):
            left.unlink(missing_ok=True)


def _state(file: Path) -> tuple[int, ...]:
    """A value that changes with every change of a file; empty if it does not exist."""
    try:
        status = file.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns
