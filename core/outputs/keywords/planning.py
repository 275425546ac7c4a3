"""Planning the changes that give a photo its keyword, without changing any file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.base.errors import os_reason
from core.base.i18n import mark, tr
from core.base.text import display_path
from core.outputs.keywords.exiftool import ExifToolReply, KeywordError
from core.outputs.keywords.files import EditError, FileEdit
from core.outputs.keywords.merging import CopyMode, FoundKeywords, KeywordDiff, diff_keywords, keyword
from core.outputs.keywords.reading import PhotoMetadata, Seed
from core.outputs.keywords.record import SidecarRecord
from core.outputs.keywords.tags import NOTHING, SUFFIXES, Metadata
from core.outputs.keywords.values import (
    SIDECAR_SUFFIX,
    KeywordAssignment,
    KeywordChange,
    KeywordOutcome,
    KeywordResult,
    KeywordTarget,
)
from core.prediction import Failure

_CHECK_PHOTO: Final = mark("Check that the photo can be opened and that you have permission to write to its folder.")
_CHECK_SIDECAR: Final = mark("Repair or delete the sidecar, then write keywords again.")
_SHORTEN: Final = mark("Give the photo a shorter name, or write the keyword to the photo itself (--in-place).")


@dataclass(frozen=True, slots=True)
class EditPlan:
    """The planned changes for an assignment, and their expected outcome.

    Attributes:
        edits: the files to change, at most two.
        leaves: whether to delete the sidecar, because Fovea created it and it would be empty.
    """

    photo: PhotoMetadata
    outcome: KeywordOutcome
    edits: tuple[FileEdit, ...] = ()
    leaves: bool = False

    @property
    def is_in_place(self) -> bool:
        """Whether the keyword is written to the photo itself."""
        return (
            isinstance(self.outcome, KeywordResult)
            and self.outcome.label is not None
            and self.outcome.file == self.photo.photo
        )

    @property
    def cleared(self) -> tuple[Path, ...]:
        """The files that will have no keyword of Fovea."""
        if isinstance(self.outcome, Failure):
            return ()
        files = self.photo.photo, self.photo.sidecar
        return tuple(file for file in files if self.outcome.label is None or file != self.outcome.file)


def target_for(photo: PhotoMetadata, wanted: KeywordTarget) -> tuple[KeywordTarget, str]:
    """Where to write the keyword, and a note why that is not the requested place."""
    inside = photo.in_photo
    if wanted is KeywordTarget.SIDECAR or photo.assignment.label is None or inside is None:
        return wanted, ""
    if photo.photo in photo.outside:
        return KeywordTarget.SIDECAR, tr("It is a link to a photo outside the folder.")
    if isinstance(inside, ExifToolReply):
        return KeywordTarget.SIDECAR, tr("Couldn't read its metadata: {reason}.", reason=inside.reason)
    if inside.kind not in SUFFIXES:
        if not inside.kind:
            return KeywordTarget.SIDECAR, tr("This type of file can't contain keywords.")
        return KeywordTarget.SIDECAR, tr("Keywords can't be written to {type} files.", type=inside.kind)
    if not photo.photo.stat().st_mode & 0o222 or not os.access(photo.photo, os.W_OK):
        return KeywordTarget.SIDECAR, tr("The photo is read-only.")
    return KeywordTarget.PHOTO, ""


def make_plan(photo: PhotoMetadata, place: KeywordTarget, note: str, seed: Seed, record: SidecarRecord) -> EditPlan:
    """Plan the changes for a photo.

    `place` and `note` are from `target_for`, `seed` is the initial content of a new sidecar. The record knows which
    sidecars earlier versions of Fovea created, which have no marker.
    """
    label = photo.assignment.label
    if photo.in_photo is None and (label is not None or photo.in_sidecar is None):
        return EditPlan(photo, failure(photo.assignment, tr("the file does not exist")))
    if photo.sidecar in photo.outside:
        return EditPlan(photo, failure(photo.assignment, tr("it is outside the folder")))
    inside, beside = (None, label) if place is KeywordTarget.SIDECAR else (label, None)
    reason, hint = _refusal(photo) if beside is not None else ("", "")
    if reason:
        return EditPlan(photo, failure(photo.assignment, reason, hint))
    was_interrupted = _was_interrupted(photo, record)
    leaves = was_interrupted and beside is None and _has_no_other_metadata(photo)
    edits = () if note else _photo_edit(photo, inside)
    edits += () if leaves else _sidecar_edit(photo, beside, seed, began=was_interrupted)
    if closed := next((edit for edit in edits if not os.access(edit.file.parent, os.W_OK)), None):
        reason = tr("you don't have permission to write to “{folder}”", folder=display_path(closed.file.parent))
        return EditPlan(photo, failure(photo.assignment, reason))
    note = note or _broken_sidecar(photo)
    return EditPlan(photo, _outcome(photo, place, edits, note, leaves=leaves), edits, leaves)


def failure(assignment: KeywordAssignment, reason: str, hint: str = "") -> Failure:
    """A failure to write or remove a keyword. The hint is translated."""
    name = display_path(assignment.photo.name)
    if assignment.label:
        what = tr("Couldn't write the keyword of “{photo}”: {reason}.", photo=name, reason=reason)
    else:
        what = tr("Couldn't remove the keyword of “{photo}”: {reason}.", photo=name, reason=reason)
    return Failure.of(assignment.photo, KeywordError(what, hint=hint or tr(_CHECK_PHOTO)))


def edit_failure(assignment: KeywordAssignment, edit: FileEdit, error: EditError) -> Failure:
    """A failure to change a file, which is named if it is not the photo."""
    if edit.suffix != SIDECAR_SUFFIX or edit.is_new:
        return failure(assignment, error.reason)
    reason = tr(
        "couldn't change its sidecar “{sidecar}”: {reason}", sidecar=display_path(edit.file.name), reason=error.reason
    )
    return failure(assignment, reason, tr(_CHECK_SIDECAR) if error.is_refused else "")


def _refusal(photo: PhotoMetadata) -> tuple[str, str]:
    """Why the sidecar cannot be written, and a hint; both empty if it can be."""
    name = display_path(photo.sidecar.name)
    try:
        mode = photo.sidecar.lstat().st_mode
    except FileNotFoundError:
        return "", ""
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return tr("the name of its sidecar would be too long"), tr(_SHORTEN)
        return _unreadable_sidecar(name, os_reason(error)), tr(_CHECK_SIDECAR)
    if photo.in_sidecar is None:
        is_new = stat.S_ISREG(mode)  # another program has just created it, which `apply` detects
        return ("", "") if is_new else (tr("“{sidecar}” is not a file", sidecar=name), tr(_CHECK_SIDECAR))
    if isinstance(photo.in_sidecar, ExifToolReply):
        return _unreadable_sidecar(name, photo.in_sidecar.reason), tr(_CHECK_SIDECAR)
    if photo.in_sidecar.kind == "XMP":
        return "", ""
    if photo.in_sidecar.kind:
        return tr("its sidecar “{sidecar}” is not XMP", sidecar=name), tr(_CHECK_SIDECAR)
    return tr("its sidecar “{sidecar}” is empty", sidecar=name), tr(_CHECK_SIDECAR)


def _unreadable_sidecar(name: str, reason: str | None) -> str:
    return tr("couldn't read its sidecar “{sidecar}”: {reason}", sidecar=name, reason=reason)


def _broken_sidecar(photo: PhotoMetadata) -> str:
    """A note that the sidecar of a photo cannot be read; empty if it can be, or does not exist."""
    is_broken = isinstance(photo.in_sidecar, ExifToolReply) or (
        photo.in_sidecar is not None and photo.in_sidecar.kind not in ("", "XMP")
    )
    if not is_broken:
        return ""
    return tr("Its sidecar “{sidecar}” can't be read and was not changed.", sidecar=display_path(photo.sidecar.name))


def _was_interrupted(photo: PhotoMetadata, record: SidecarRecord) -> bool:
    """Whether Fovea created the existing sidecar."""
    if not isinstance(photo.in_sidecar, Metadata):
        return False
    return bool(photo.in_sidecar.begun) or record.is_own(photo.sidecar)


def _has_no_other_metadata(photo: PhotoMetadata) -> bool:
    return isinstance(photo.in_sidecar, Metadata) and photo.in_sidecar.rest == (photo.in_sidecar.begun or NOTHING.rest)


def _photo_edit(photo: PhotoMetadata, label: str | None) -> tuple[FileEdit, ...]:
    if not isinstance(photo.in_photo, Metadata) or photo.photo in photo.outside:
        return ()
    planned = _diff(photo, photo.in_photo.found, label, CopyMode.EMPTY)
    suffix = SUFFIXES.get(photo.in_photo.kind, photo.photo.suffix)
    edit = FileEdit(photo.assignment.photo, photo.photo, planned, suffix, is_ambiguous=bool(photo.in_photo.warning))
    return () if planned.is_empty else (edit,)


def _sidecar_edit(photo: PhotoMetadata, label: str | None, seed: Seed, *, began: bool) -> tuple[FileEdit, ...]:
    if photo.in_sidecar is None:
        return () if label is None else (_new_sidecar(photo, label, seed),)
    if not isinstance(photo.in_sidecar, Metadata):
        return ()
    copying = CopyMode.NONE if photo.in_sidecar.begun else CopyMode.EMPTY
    planned = _diff(photo, photo.sidecar_keywords, label, copying)
    is_marked = label is None and bool(photo.in_sidecar.begun)
    mark = (photo.in_sidecar.begun or NOTHING.rest) if began and label is not None else "" if is_marked else None
    is_doubtful = bool(photo.in_sidecar.warning)
    edit = FileEdit(photo.assignment.photo, photo.sidecar, planned, marker=mark, is_ambiguous=is_doubtful)
    return () if planned.is_empty and not is_marked else (edit,)


def _new_sidecar(photo: PhotoMetadata, label: str, seed: Seed) -> FileEdit:
    """A new sidecar that hides nothing: it starts with what programs that prefer sidecars read before."""
    content, metadata = seed
    found = replace(metadata.found, elsewhere=photo.photo_keywords.shown)
    planned = _diff(photo, found, label, CopyMode.ALL)
    return FileEdit(photo.assignment.photo, photo.sidecar, planned, marker=metadata.rest, seed=content)


def _diff(photo: PhotoMetadata, found: FoundKeywords, label: str | None, copying: CopyMode) -> KeywordDiff:
    return diff_keywords(found, label, copying, photo.assignment.groups, photo.assignment.others)


def _outcome(
    photo: PhotoMetadata, place: KeywordTarget, edits: Sequence[FileEdit], note: str, *, leaves: bool
) -> KeywordResult:
    assignment = photo.assignment
    had = not (photo.photo_keywords.own_recorded.is_empty and photo.sidecar_keywords.own_recorded.is_empty)
    file = photo.photo if place is KeywordTarget.PHOTO else photo.sidecar
    if assignment.label is None and (edits or leaves):
        file = edits[0].file if edits else photo.sidecar
    label = None if assignment.label is None else keyword(assignment.label)
    if not edits and not leaves:
        done = KeywordChange.UNCHANGED
    elif assignment.label is None:
        done = KeywordChange.REMOVED
    else:
        done = KeywordChange.CHANGED if had else KeywordChange.ADDED
    others = tuple(map(keyword, assignment.others))
    return KeywordResult(assignment.photo, file, label, done, note, others)
