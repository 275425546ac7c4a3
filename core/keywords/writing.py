"""Giving photos their keyword, changing it and taking it back; a photo that cannot be written costs no other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final, TypeAlias

from core.images.folders import printable
from core.keywords.exiftool import WRITABLE, Answer, ExifTool, KeywordError, Metadata, holds_anything, read
from core.keywords.files import Edit, apply, discard
from core.keywords.merging import Found, changes, keyword
from core.keywords.record import Record
from core.keywords.values import Done, Kept, KeywordOutcome, KeywordRequest, Place, Wish, sidecar_of
from core.prediction import Failure
from core.progress import CancelToken

_AT_ONCE: Final = 32
"""Photos given to one process of exiftool: its start is spread over them, and Ctrl+C waits for no more."""
_HINT: Final = "See that the photo is whole and its folder may be written to; other photos are unharmed."

_OUTSIDE: Final = {
    Place.SIDECAR: (Place.SIDECAR, ""),
    Place.PHOTO: (Place.SIDECAR, "It is a link to a photo outside the folder."),
}
"""Where the keyword of a photo outside the folder goes, and why not where it was wanted."""

_Plan: TypeAlias = tuple[KeywordOutcome, tuple[Edit, ...]]
"""What comes of a wish if all goes well, and what is to be done for that to one or two files."""


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
        plans = _plans(group, request, tool)
        yield from (outcome for outcome, _ in plans) if request.dry_run else _carry_out(plans, request, tool, record)


def remove(
    photos: Iterable[Path], request: KeywordRequest, tool: ExifTool, record: Record, *, token: CancelToken
) -> Iterator[KeywordOutcome]:
    """Take everything of ours out of photos and their sidecars.

    As `write`; photos that hold nothing of ours are not reported.
    """
    for outcome in write((Wish(photo, None) for photo in photos), request, tool, record, token=token):
        if isinstance(outcome, Failure) or outcome.done is not Done.UNCHANGED:
            yield outcome


def _plans(wishes: Sequence[Wish], request: KeywordRequest, tool: ExifTool) -> list[_Plan]:
    """Look into each photo and its sidecar, where they are there."""
    pairs = [(Path(os.path.realpath(wish.photo)), _sidecar(wish.photo)) for wish in wishes]
    known = [file for file in dict.fromkeys(chain.from_iterable(pairs)) if _is_tellable(file) and file.is_file()]
    found = dict(zip(known, read(tool, known), strict=True))
    return [_plan(wish, *pair, request, found) for wish, pair in zip(wishes, pairs, strict=True)]


def _sidecar(photo: Path) -> Path:
    """Beside the photo as it is named: links to one photo may lie in the folders of several photo managers."""
    return sidecar_of(Path(os.path.abspath(photo)))  # noqa: PTH100 - Path.resolve follows links


def _is_tellable(file: Path) -> bool:
    return "\n" not in str(file) and "\r" not in str(file)


def _plan(
    wish: Wish, photo: Path, sidecar: Path, request: KeywordRequest, found: dict[Path, Metadata | Answer]
) -> _Plan:
    if not _is_tellable(photo) or not _is_tellable(sidecar):
        return _failure(wish.photo, "there is a line break in its path, which exiftool cannot be told"), ()
    told, beside = found.get(photo), found.get(sidecar, Metadata(Found(), ""))
    if told is None:
        return _failure(wish.photo, "it is not there"), ()
    if isinstance(beside, Answer):
        return _failure(wish.photo, f"its sidecar “{printable(sidecar.name)}” is no XMP: {beside.reason}"), ()
    is_outside = _is_outside(photo, request.within)
    if is_outside and _is_outside(sidecar, request.within):
        return _failure(wish.photo, "it lies outside the folder"), ()
    place, remark = _OUTSIDE[request.place] if is_outside else _place(photo, told, request.place)
    inside = told.found if isinstance(told, Metadata) and not is_outside else Found()
    return _planned(wish, {Place.PHOTO: (photo, inside), Place.SIDECAR: (sidecar, beside.found)}, place, remark)


def _is_outside(file: Path, folder: Path | None) -> bool:
    return folder is not None and not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(folder))


def _place(photo: Path, told: Metadata | Answer, wanted: Place) -> tuple[Place, str]:
    """Where the keyword goes, and why not where it was wanted."""
    if wanted is Place.SIDECAR:
        return wanted, ""
    if isinstance(told, Answer):
        return Place.SIDECAR, f"Its own metadata cannot be read: {told.reason}."
    if told.kind not in WRITABLE:
        return Place.SIDECAR, f"Into {told.kind or 'its kind of file'} no keywords are written."
    if not photo.stat().st_mode & 0o222 or not os.access(photo, os.W_OK):
        return Place.SIDECAR, "The photo is read-only."
    return Place.PHOTO, ""


def _planned(wish: Wish, files: dict[Place, tuple[Path, Found]], place: Place, remark: str) -> _Plan:
    edits = []
    for here, (file, found) in files.items():
        label = wish.label if here is place else None
        planned = changes(found, label)
        if not planned.is_empty:
            edits.append(Edit(wish.photo, file, planned, is_new=not file.exists(), clears=label is None))
    had = any(not found.ours.is_empty for _, found in files.values())
    target = edits[0].file if edits and wish.label is None else files[place][0]
    label = None if wish.label is None else keyword(wish.label)
    return Kept(wish.photo, target, label, _done(wish, edits, had=had), remark), tuple(edits)


def _done(wish: Wish, edits: Sequence[Edit], *, had: bool) -> Done:
    if not edits:
        return Done.UNCHANGED
    if wish.label is None:
        return Done.REMOVED
    return Done.CHANGED if had else Done.ADDED


def _carry_out(
    plans: Sequence[_Plan], request: KeywordRequest, tool: ExifTool, record: Record
) -> Iterator[KeywordOutcome]:
    """Remember, write, and tidy up."""
    edits = list({edit.file: edit for _, needed in plans for edit in needed}.values())
    record.note([(edit.file, Path(os.path.abspath(edit.photo)), edit.is_new) for edit in edits])  # noqa: PTH100
    reasons = apply(tool, edits, keep_time=request.keep_time)
    troubles = {edit.file: reason for edit, reason in zip(edits, reasons, strict=True) if reason}
    _tidy_up([edit.file for edit in edits if edit.clears and edit.file not in troubles], tool, record)
    for outcome, needed in plans:
        reason = next((troubles[edit.file] for edit in needed if edit.file in troubles), None)
        yield outcome if reason is None else _failure(needed[0].photo, reason)


def _tidy_up(cleared: Sequence[Path], tool: ExifTool, record: Record) -> None:
    """Of files that hold nothing of ours any more, delete sidecars that we began and that are empty; forget all."""
    sidecars = [file for file in cleared if record.begun_by_us(file)]
    for file, holds in zip(sidecars, holds_anything(tool, sidecars), strict=True):
        if not holds:
            discard(file)
    record.forget(cleared)


def _failure(photo: Path, reason: str) -> Failure:
    what = f"The keyword of “{printable(photo.name)}” was not written: {reason}."
    return Failure.of(photo, KeywordError(what, hint=_HINT))
