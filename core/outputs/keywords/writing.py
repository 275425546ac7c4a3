"""Writing, changing and removing the keywords of photos; the failure of one photo does not affect others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from core.base.i18n import tr
from core.base.progress import CancelToken
from core.outputs.keywords.exiftool import ExifTool
from core.outputs.keywords.files import EditError, apply, attempt, discard
from core.outputs.keywords.planning import EditPlan, edit_failure, failure, make_plan, target_for
from core.outputs.keywords.reading import NO_SEED, PhotoMetadata, read_photos, seeds
from core.outputs.keywords.record import SidecarRecord
from core.outputs.keywords.values import KeywordAssignment, KeywordChange, KeywordOutcome, KeywordRequest, KeywordTarget
from core.prediction import Failure

_BATCH_SIZE: Final = 32
"""Photos per process of exiftool: they share its startup time, and Ctrl+C waits for these at most."""


def write(
    assignments: Iterable[KeywordAssignment],
    request: KeywordRequest,
    tool: ExifTool,
    record: SidecarRecord,
    *,
    token: CancelToken,
) -> Iterator[KeywordOutcome]:
    """Give each photo its keyword, and no other of Fovea's; one outcome for each, in order.

    The user's own keywords are kept, even the same word. If the other place (photo or sidecar) has an earlier
    keyword of Fovea, it is removed there. A sidecar that Fovea created is deleted when it becomes empty. Assignments
    are read only as far ahead as needed; the token cancels between batches of photos.

    Raises:
        Cancelled: the token was cancelled; photos not reported yet may have their keyword, but none is half written.
        StorageError: the record cannot be written; only recorded photos were changed.
    """
    source = iter(assignments)
    while group := list(islice(source, _BATCH_SIZE)):
        token.check()
        plans = _make_plans(group, request, tool, record)
        yield from _execute(plans, request, tool, record)


def remove(
    photos: Iterable[Path], request: KeywordRequest, tool: ExifTool, record: SidecarRecord, *, token: CancelToken
) -> Iterator[KeywordOutcome]:
    """Remove all keywords of Fovea from photos and their sidecars.

    Like `write`, but without outcomes for photos that have no keywords of Fovea.
    """
    for outcome in write((KeywordAssignment(photo, None) for photo in photos), request, tool, record, token=token):
        if isinstance(outcome, Failure) or outcome.change is not KeywordChange.UNCHANGED:
            yield outcome


def _make_plans(
    assignments: Sequence[KeywordAssignment], request: KeywordRequest, tool: ExifTool, record: SidecarRecord
) -> list[EditPlan]:
    photos = read_photos(assignments, tool, request.within)
    places = [target_for(one, request.place) for one in photos]
    new = [one for one, (place, _) in zip(photos, places, strict=True) if _begins_sidecar(one, place)]
    found = dict(zip((one.sidecar for one in new), seeds(new, tool), strict=True))
    return [
        make_plan(one, place, note, found.get(one.sidecar, NO_SEED), record)
        for one, (place, note) in zip(photos, places, strict=True)
    ]


def _begins_sidecar(one: PhotoMetadata, place: KeywordTarget) -> bool:
    return place is KeywordTarget.SIDECAR and one.assignment.label is not None and one.in_sidecar is None


def _execute(
    plans: Sequence[EditPlan], request: KeywordRequest, tool: ExifTool, record: SidecarRecord
) -> Iterator[KeywordOutcome]:
    """The outcomes of plans; if exiftool refuses to write to a photo, a sidecar is used."""
    errors = _apply(plans, request, tool, record)
    fallbacks = _fallback_plans(plans, errors, tool, record)
    errors |= _apply(fallbacks.values(), request, tool, record)
    for one in plans:
        yield _outcome(fallbacks.get(one.photo.sidecar, one), errors)


def _apply(
    plans: Iterable[EditPlan], request: KeywordRequest, tool: ExifTool, record: SidecarRecord
) -> dict[Path, EditError]:
    """Record and apply changes, or in a dry run try those on copies that exiftool may refuse."""
    edits = list({edit.file: edit for one in plans for edit in one.edits}.values())  # names may lead to one photo
    if request.dry_run:
        return attempt(tool, [edit for edit in edits if edit.is_ambiguous])
    record.add([(edit.file, Path(os.path.abspath(edit.photo)), edit.is_new) for edit in edits])  # noqa: PTH100
    errors = apply(tool, edits, keep_time=request.keep_time)
    for one in plans:
        if one.leaves and not _has_error(one, errors) and (error := discard(one.photo.sidecar)):
            errors[one.photo.sidecar] = error
    record.forget(file for one in plans if not _has_error(one, errors) for file in one.cleared)
    return errors


def _has_error(one: EditPlan, errors: dict[Path, EditError]) -> bool:
    return any(edit.file in errors for edit in one.edits) or (one.leaves and one.photo.sidecar in errors)


def _fallback_plans(
    plans: Iterable[EditPlan], errors: dict[Path, EditError], tool: ExifTool, record: SidecarRecord
) -> dict[Path, EditPlan]:
    """Plans that use a sidecar because exiftool refused the photo, by the path of the sidecar."""
    refused = [one.photo for one in plans if one.photo.assignment.label and _is_refused(one, errors)]
    notes = [tr("exiftool can't write to the photo: {reason}.", reason=errors[one.photo].reason) for one in refused]
    return {
        one.sidecar: make_plan(one, KeywordTarget.SIDECAR, note, seed, record)
        for one, note, seed in zip(refused, notes, seeds(refused, tool), strict=True)
    }


def _is_refused(one: EditPlan, errors: dict[Path, EditError]) -> bool:
    error = errors.get(one.photo.photo)
    return error is not None and error.is_refused and one.is_in_place


def _outcome(one: EditPlan, errors: dict[Path, EditError]) -> KeywordOutcome:
    edit = next((edit for edit in one.edits if edit.file in errors), None)
    if edit is None and _has_error(one, errors):
        reason = tr("couldn't delete its sidecar: {reason}", reason=errors[one.photo.sidecar].reason)
        return failure(one.photo.assignment, reason)
    return one.outcome if edit is None else edit_failure(one.photo.assignment, edit, errors[edit.file])
