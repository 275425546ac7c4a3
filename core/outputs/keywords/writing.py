"""Giving photos their keyword, changing it and taking it back; a photo that cannot be written costs no other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from core.base.progress import CancelToken
from core.outputs.keywords.exiftool import ExifTool
from core.outputs.keywords.files import Edit, Trouble, apply, attempt, discard
from core.outputs.keywords.planning import Plan, edit_failure, failure, place_for, plan
from core.outputs.keywords.reading import NO_SEED, Look, look, seeds
from core.outputs.keywords.record import Record
from core.outputs.keywords.values import Done, KeywordOutcome, KeywordRequest, Place, Wish
from core.prediction import Failure

_AT_ONCE: Final = 32
"""Photos given to one process of exiftool: its start is spread over them, and Ctrl+C waits for no more."""


def write(
    wishes: Iterable[Wish], request: KeywordRequest, tool: ExifTool, record: Record, *, token: CancelToken
) -> Iterator[KeywordOutcome]:
    """Let each photo have the keyword wished for, and nothing else of ours; one outcome for each, in their order.

    A person's own keywords stay, also one that is the same word. Where the other place (photo or sidecar) holds a
    keyword of ours from before, it is taken out there. A sidecar that we began and that then says nothing is deleted.

    Args:
        wishes: read only as far ahead as needed.
        request: how.
        tool: exiftool.
        record: remembers what was written.
        token: calls the work off between groups of photos.

    Raises:
        Cancelled: the work was called off; photos not reported may hold their keyword already, none is half written.
        StorageError: the record cannot be written; no photo was touched that it does not know of.
    """
    source = iter(wishes)
    while group := list(islice(source, _AT_ONCE)):
        token.check()
        plans = _plans(group, request, tool, record)
        yield from _try_out(plans, tool, record) if request.dry_run else _carry_out(plans, request, tool, record)


def remove(
    photos: Iterable[Path], request: KeywordRequest, tool: ExifTool, record: Record, *, token: CancelToken
) -> Iterator[KeywordOutcome]:
    """Take everything of ours out of photos and their sidecars.

    As `write`; photos that hold nothing of ours are not reported.
    """
    for outcome in write((Wish(photo, None) for photo in photos), request, tool, record, token=token):
        if isinstance(outcome, Failure) or outcome.done is not Done.UNCHANGED:
            yield outcome


def _plans(wishes: Sequence[Wish], request: KeywordRequest, tool: ExifTool, record: Record) -> list[Plan]:
    """Look into each photo and its sidecar, and plan what is to be done."""
    looks = look(wishes, tool, request.within)
    places = [place_for(one, request.place) for one in looks]
    fresh = [one for one, (place, _) in zip(looks, places, strict=True) if _begins_sidecar(one, place)]
    found = dict(zip((one.sidecar for one in fresh), seeds(fresh, tool), strict=True))
    return [
        plan(one, place, remark, found.get(one.sidecar, NO_SEED), record)
        for one, (place, remark) in zip(looks, places, strict=True)
    ]


def _begins_sidecar(one: Look, place: Place) -> bool:
    return place is Place.SIDECAR and one.wish.label is not None and one.beside is None


def _carry_out(
    plans: Sequence[Plan], request: KeywordRequest, tool: ExifTool, record: Record
) -> Iterator[KeywordOutcome]:
    """Remember, write and tidy up; what exiftool does not write into a photo goes into a sidecar."""
    troubles = _apply(plans, request, tool, record)
    instead = _instead(plans, troubles, tool, record)
    troubles |= _apply(instead.values(), request, tool, record)
    for one in plans:
        yield _outcome(instead.get(one.look.sidecar, one), troubles)


def _try_out(plans: Sequence[Plan], tool: ExifTool, record: Record) -> Iterator[KeywordOutcome]:
    """What would come of plans; what exiftool may refuse to change is tried on copies."""
    troubles = attempt(tool, [edit for edit in _edits(plans) if edit.is_doubtful])
    instead = _instead(plans, troubles, tool, record)
    troubles |= attempt(tool, [edit for edit in _edits(instead.values()) if edit.is_doubtful])
    for one in plans:
        yield _outcome(instead.get(one.look.sidecar, one), troubles)


def _apply(plans: Iterable[Plan], request: KeywordRequest, tool: ExifTool, record: Record) -> dict[Path, Trouble]:
    edits = _edits(plans)
    record.note([(edit.file, Path(os.path.abspath(edit.photo)), edit.is_new) for edit in edits])  # noqa: PTH100
    troubles = apply(tool, edits, keep_time=request.keep_time)
    for one in plans:
        if one.leaves and not _is_troubled(one, troubles) and (trouble := discard(one.look.sidecar)):
            troubles[one.look.sidecar] = trouble
    record.forget(file for one in plans if not _is_troubled(one, troubles) for file in one.cleared)
    return troubles


def _is_troubled(one: Plan, troubles: dict[Path, Trouble]) -> bool:
    return any(edit.file in troubles for edit in one.edits) or (one.leaves and one.look.sidecar in troubles)


def _instead(plans: Iterable[Plan], troubles: dict[Path, Trouble], tool: ExifTool, record: Record) -> dict[Path, Plan]:
    """Plans for sidecars in place of those whose photo exiftool does not write into, by the sidecar."""
    refused = [one.look for one in plans if one.look.wish.label and _is_refused(one, troubles)]
    remarks = [f"exiftool cannot write into it: {troubles[one.photo].reason}." for one in refused]
    return {
        one.sidecar: plan(one, Place.SIDECAR, remark, seed, record)
        for one, remark, seed in zip(refused, remarks, seeds(refused, tool), strict=True)
    }


def _is_refused(one: Plan, troubles: dict[Path, Trouble]) -> bool:
    trouble = troubles.get(one.look.photo)
    return trouble is not None and trouble.is_refused and one.is_in_place


def _edits(plans: Iterable[Plan]) -> list[Edit]:
    """All edits, of each file one: several names may lead to one photo."""
    return list({edit.file: edit for one in plans for edit in one.edits}.values())


def _outcome(one: Plan, troubles: dict[Path, Trouble]) -> KeywordOutcome:
    edit = next((edit for edit in one.edits if edit.file in troubles), None)
    if edit is None and _is_troubled(one, troubles):
        return failure(one.look.wish, f"its sidecar could not be deleted: {troubles[one.look.sidecar].reason}")
    return one.outcome if edit is None else edit_failure(one.look.wish, edit, troubles[edit.file])
