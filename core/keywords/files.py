"""Changing a photo or a sidecar: a copy beside it is changed and then takes its place, so that none is ever half.

The copy's name depends on the file's alone: what a killed run left is overwritten by the next one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.keywords.exiftool import Answer, ExifTool, arguments, run
from core.keywords.merging import Changes
from core.storage import replace, storage_errors


@dataclass(frozen=True, slots=True)
class Edit:
    """A file to be changed.

    Attributes:
        photo: the photo it is about, itself or that of a sidecar.
        file: the photo or the sidecar.
        planned: what is to be done to it.
        is_new: whether it is a sidecar that is not there yet.
        clears: whether nothing of ours will be left in it.
    """

    photo: Path
    file: Path
    planned: Changes
    is_new: bool
    clears: bool


def apply(tool: ExifTool, edits: Sequence[Edit], *, keep_time: bool) -> list[str]:
    """Change files, each whole or not at all.

    Returns:
        For each why it could not be changed; empty where it was.
    """
    before = {edit.file: _state(edit.file) for edit in edits}
    try:
        troubles = [_begin(edit) for edit in edits]
        begun = [edit for edit, trouble in zip(edits, troubles, strict=True) if not trouble]
        answers = iter(run(tool, [arguments(edit.planned, _part(edit.file)) for edit in begun]))
        for index, edit in enumerate(edits):
            if not troubles[index]:
                troubles[index] = _end(edit, next(answers), before[edit.file], keep_time=keep_time)
    finally:
        for edit in edits:
            _clear(edit.file)
    return troubles


def _begin(edit: Edit) -> str:
    try:
        _clear(edit.file)
        if not edit.is_new:
            shutil.copyfile(edit.file, _part(edit.file))
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _end(edit: Edit, answer: Answer, before: tuple[int, ...], *, keep_time: bool) -> str:
    """Let the copy take the file's place if all is well."""
    part = _part(edit.file)
    try:
        if answer.status != 0 or part.stat().st_size == 0:
            return answer.reason
        if not edit.is_new:
            shutil.copystat(edit.file, part)
            if not keep_time:
                os.utime(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        if _state(edit.file) != before:
            return "it was changed by another program meanwhile"
        replace(part, edit.file)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def discard(file: Path) -> None:
    """Delete a sidecar that holds nothing.

    Raises:
        StorageError: the folder does not allow it.
    """
    with storage_errors(file):
        file.unlink(missing_ok=True)


def _part(file: Path) -> Path:
    """The copy; hidden, so that neither folders' walks nor photo managers take it for a photo."""
    name = hashlib.sha256(os.fsencode(file.name)).hexdigest()[:16]
    return file.with_name(f".fovea-{name}{file.suffix}")


def _clear(file: Path) -> None:
    part = _part(file)
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
