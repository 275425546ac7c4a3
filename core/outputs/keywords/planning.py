"""What is to be done for a photo to have its keyword; files are read here, and none is changed."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.base.text import display_path
from core.outputs.keywords.exiftool import ExifToolReply, KeywordError
from core.outputs.keywords.files import EditError, FileEdit
from core.outputs.keywords.merging import CopyMode, diff_keywords, keyword
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

_CHECK_PHOTO: Final = "Check that the photo can be opened and that you may write to its folder."
_CHECK_SIDECAR: Final = "Repair or delete the sidecar, then write keywords again."
_SHORTEN: Final = "Give the photo a shorter name, or write the keyword into the photo itself (--in-place)."


@dataclass(frozen=True, slots=True)
class EditPlan:
    """What comes of a wish if all goes well, and what is to be done for that.

    Attributes:
        photo: what it was planned by.
        outcome: what comes of it.
        edits: files that are to be changed, one or two.
        leaves: whether the sidecar is deleted, as Fovea began it and it will hold nothing else.
    """

    photo: PhotoMetadata
    outcome: KeywordOutcome
    edits: tuple[FileEdit, ...] = ()
    leaves: bool = False

    @property
    def is_in_place(self) -> bool:
        """Whether the keyword goes into the photo itself."""
        return (
            isinstance(self.outcome, KeywordResult)
            and self.outcome.label is not None
            and self.outcome.file == self.photo.photo
        )

    @property
    def cleared(self) -> tuple[Path, ...]:
        """The files that will hold nothing of Fovea's."""
        if isinstance(self.outcome, Failure):
            return ()
        files = self.photo.photo, self.photo.sidecar
        return tuple(file for file in files if self.outcome.label is None or file != self.outcome.file)


def target_for(look: PhotoMetadata, wanted: KeywordTarget) -> tuple[KeywordTarget, str]:
    """Where the keyword goes, and why not where it was wanted."""
    inside = look.in_photo
    if wanted is KeywordTarget.SIDECAR or look.assignment.label is None or inside is None:
        return wanted, ""
    if look.photo in look.outside:
        return KeywordTarget.SIDECAR, "It is a link to a photo outside the folder."
    if isinstance(inside, ExifToolReply):
        return KeywordTarget.SIDECAR, f"Its own metadata cannot be read: {inside.reason}."
    if inside.kind not in SUFFIXES:
        return KeywordTarget.SIDECAR, f"No keywords are written into {inside.kind or 'its kind of file'}."
    if not look.photo.stat().st_mode & 0o222 or not os.access(look.photo, os.W_OK):
        return KeywordTarget.SIDECAR, "The photo is read-only."
    return KeywordTarget.PHOTO, ""


def make_plan(photo: PhotoMetadata, place: KeywordTarget, note: str, seed: Seed, record: SidecarRecord) -> EditPlan:
    """What is to be done.

    Args:
        photo: what was found.
        place: where the keyword is to go, see `target_for`.
        note: why it is not the place that was asked for; empty where it is.
        seed: what a new sidecar begins with.
        record: knows which sidecars Fovea began before they said so themselves.
    """
    label = photo.assignment.label
    if photo.in_photo is None and (label is not None or photo.in_sidecar is None):
        return EditPlan(photo, failure(photo.assignment, "it is not there"))
    if photo.sidecar in photo.outside:
        return EditPlan(photo, failure(photo.assignment, "it lies outside the folder"))
    inside, beside = (None, label) if place is KeywordTarget.SIDECAR else (label, None)
    reason, hint = _refusal(photo) if beside is not None else ("", "")
    if reason:
        return EditPlan(photo, failure(photo.assignment, reason, hint))
    was_interrupted = _was_interrupted(photo, record)
    leaves = was_interrupted and beside is None and _has_no_other_metadata(photo)
    edits = () if note else _photo_edit(photo, inside)
    edits += () if leaves else _sidecar_edit(photo, beside, seed, began=was_interrupted)
    if closed := next((edit for edit in edits if not os.access(edit.file.parent, os.W_OK)), None):
        return EditPlan(photo, failure(photo.assignment, f"you may not write to “{display_path(closed.file.parent)}”"))
    note = note or _broken_sidecar(photo)
    return EditPlan(photo, _outcome(photo, place, edits, note, leaves=leaves), edits, leaves)


def failure(assignment: KeywordAssignment, reason: str, hint: str = "") -> Failure:
    """Why a wish was not fulfilled."""
    what = (
        f"Couldn't {'write' if assignment.label else 'remove'} the keyword of "
        f"“{display_path(assignment.photo.name)}”: {reason}."
    )
    return Failure.of(assignment.photo, KeywordError(what, hint=hint or _CHECK_PHOTO))


def edit_failure(assignment: KeywordAssignment, edit: FileEdit, error: EditError) -> Failure:
    """Why a file could not be changed; it is named where it is not the photo."""
    if edit.suffix != SIDECAR_SUFFIX or edit.is_new:
        return failure(assignment, error.reason)
    what = f"its sidecar “{display_path(edit.file.name)}” could not be changed: {error.reason}"
    return failure(assignment, what, _CHECK_SIDECAR if error.is_refused else "")


def _refusal(look: PhotoMetadata) -> tuple[str, str]:
    """Why no keyword can be written into the sidecar, and what to do; both empty where it can be."""
    name = display_path(look.sidecar.name)
    try:
        look.sidecar.lstat()
    except FileNotFoundError:
        return "", ""
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return "the name of its sidecar would be too long", _SHORTEN
        return f"its sidecar “{name}” cannot be read: {error.strerror}", _CHECK_SIDECAR
    if look.in_sidecar is None:
        return f"“{name}” is no file", _CHECK_SIDECAR
    if isinstance(look.in_sidecar, ExifToolReply):
        return f"its sidecar “{name}” cannot be read: {look.in_sidecar.reason}", _CHECK_SIDECAR
    if look.in_sidecar.kind == "XMP":
        return "", ""
    return f"its sidecar “{name}” is {'no XMP' if look.in_sidecar.kind else 'empty'}", _CHECK_SIDECAR


def _broken_sidecar(look: PhotoMetadata) -> str:
    """That a sidecar is beside a photo which is written into, and says nothing that can be read."""
    is_broken = isinstance(look.in_sidecar, ExifToolReply) or (
        look.in_sidecar is not None and look.in_sidecar.kind not in ("", "XMP")
    )
    name = display_path(look.sidecar.name)
    return f"Its sidecar “{name}” cannot be read and was left as it is." if is_broken else ""


def _was_interrupted(look: PhotoMetadata, record: SidecarRecord) -> bool:
    """Whether Fovea began the sidecar that is there."""
    if not isinstance(look.in_sidecar, Metadata):
        return False
    return bool(look.in_sidecar.begun) or record.is_own(look.sidecar)


def _has_no_other_metadata(look: PhotoMetadata) -> bool:
    """Whether a sidecar that Fovea began says only what it began with, beside what is Fovea's."""
    return isinstance(look.in_sidecar, Metadata) and look.in_sidecar.rest == (look.in_sidecar.begun or NOTHING.rest)


def _photo_edit(look: PhotoMetadata, label: str | None) -> tuple[FileEdit, ...]:
    if not isinstance(look.in_photo, Metadata) or look.photo in look.outside:
        return ()
    planned = diff_keywords(look.in_photo.found, label)
    suffix = SUFFIXES.get(look.in_photo.kind, look.photo.suffix)
    edit = FileEdit(look.assignment.photo, look.photo, planned, suffix, is_ambiguous=bool(look.in_photo.warning))
    return () if planned.is_empty else (edit,)


def _sidecar_edit(look: PhotoMetadata, label: str | None, seed: Seed, *, began: bool) -> tuple[FileEdit, ...]:
    if look.in_sidecar is None:
        return () if label is None else (_new_sidecar(look, label, seed),)
    if not isinstance(look.in_sidecar, Metadata):
        return ()
    planned = diff_keywords(look.sidecar_keywords, label, CopyMode.NONE if look.in_sidecar.begun else CopyMode.EMPTY)
    is_marked = label is None and bool(look.in_sidecar.begun)
    mark = (look.in_sidecar.begun or NOTHING.rest) if began and label is not None else "" if is_marked else None
    is_doubtful = bool(look.in_sidecar.warning)
    edit = FileEdit(look.assignment.photo, look.sidecar, planned, marker=mark, is_ambiguous=is_doubtful)
    return () if planned.is_empty and not is_marked else (edit,)


def _new_sidecar(look: PhotoMetadata, label: str, seed: Seed) -> FileEdit:
    """A sidecar that hides nothing: it begins with what programs that let sidecars win read before."""
    content, says = seed
    found = replace(says.found, elsewhere=look.photo_keywords.shown)
    planned = diff_keywords(found, label, CopyMode.ALL)
    return FileEdit(look.assignment.photo, look.sidecar, planned, marker=says.rest, seed=content)


def _outcome(
    look: PhotoMetadata, place: KeywordTarget, edits: Sequence[FileEdit], note: str, *, leaves: bool
) -> KeywordResult:
    assignment = look.assignment
    had = not (look.photo_keywords.own_recorded.is_empty and look.sidecar_keywords.own_recorded.is_empty)
    file = look.photo if place is KeywordTarget.PHOTO else look.sidecar
    if assignment.label is None and (edits or leaves):
        file = edits[0].file if edits else look.sidecar
    label = None if assignment.label is None else keyword(assignment.label)
    if not edits and not leaves:
        done = KeywordChange.UNCHANGED
    elif assignment.label is None:
        done = KeywordChange.REMOVED
    else:
        done = KeywordChange.CHANGED if had else KeywordChange.ADDED
    return KeywordResult(assignment.photo, file, label, done, note)
