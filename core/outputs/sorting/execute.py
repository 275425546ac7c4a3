"""Carrying out what was planned: every step is noted before it is done and after, and none is done twice."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.errors import StorageError, UsageError
from core.base.progress import CancelToken, Report, StageClock
from core.base.text import printable
from core.outputs.sorting.disk import check, check_space
from core.outputs.sorting.entries import Folder, Move, Stage
from core.outputs.sorting.moves import place, settle, status
from core.outputs.sorting.record import Record, held
from core.outputs.sorting.records import mended, sortings
from core.outputs.sorting.values import By, SortingFacts, SortingState, SortRequest, Step

AT_ONCE: Final = 32
"""Photos that are noted as begun together."""
_HOPELESS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENODEV, errno.ENXIO, errno.ESTALE)
"""What would happen to every other photo too."""
_OF_ONE: Final = (errno.EEXIST, errno.ENOENT, errno.ENAMETOOLONG, errno.EMLINK, errno.EXDEV)
"""What of a link is wrong with the photo alone; anything else means that no link can be made there."""


def carry_out(steps: Iterable[Step], request: SortRequest, *, report: Report, token: CancelToken) -> SortingFacts:
    """Sort photos as planned.

    A photo that cannot be sorted is passed over and told by the record. Called off or killed at any moment, `go_on`
    does the rest and `core.outputs.sorting.undo.undo` takes back what was done.

    Args:
        steps: those of `core.outputs.sorting.plan.plan`.
        request: what they were planned for; its folders are real ones.
        report: told of each photo.
        token: looked at before each photo.

    Raises:
        UsageError: it was refused, see `core.outputs.sorting.disk.check`; or an earlier sorting of these folders was
            interrupted; or another process sorts; or there is nothing to sort. Nothing was done.
        StorageError: nothing may be written there, or there is too little room, and nothing was done; or the disk
            failed under way.
        Cancelled: the token was cancelled.
    """
    check(request)
    with held():
        _refuse_unfinished(request)
        with Record.begin(request, _watched(steps, token)) as record:
            try:
                _refuse_idle(record)
                check_space(request, record.size())
            except BaseException:
                record.forget()
                raise
            return _work(record, report, token)


def go_on(id_: str, *, report: Report, token: CancelToken) -> SortingFacts:
    """Go on with a sorting that was called off or killed, see `carry_out`.

    Raises:
        UsageError: there is none of that name, or it is done, or undone.
        StorageError: as `carry_out`.
        Cancelled: the token was cancelled.
    """
    with held(), mended(id_) as record:
        facts = record.facts()
        if facts.state is not SortingState.SORTING:
            what = f"The sorting {id_!r} is {facts.state}: there is nothing to go on with."
            raise UsageError(what, hint="`fovea sort --list` lists them.")
        check(facts.request)
        return _work(record, report, token)


def part_name(id_: str, move: Move) -> str:
    """What a photo is called while it is not yet whole; by that it is found again."""
    return f".fovea-{id_}-{move.number}.part"


def settled(record: Record, by: By) -> Iterator[list[Move]]:
    """Find out how far the photos came that were begun when the program died, some at a time, and note it."""
    while begun := record.moves(Stage.BEGUN, limit=AT_ONCE):
        found = [settle(move, by, part_name(record.id, move)) for move in begun]
        record.note(found)
        yield found


def _watched(steps: Iterable[Step], token: CancelToken) -> Iterator[Step]:
    for step in steps:
        token.check()
        yield step


def _refuse_idle(record: Record) -> None:
    if not record.count(Stage.WAITING):
        raise UsageError("There is nothing to sort.", hint="Every photo is sorted already, or could not be read.")


def _refuse_unfinished(request: SortRequest) -> None:
    for facts in sortings():
        folders = facts.request.source, facts.request.destination
        if facts.state in (SortingState.SORTING, SortingState.UNDOING) and folders == (
            request.source,
            request.destination,
        ):
            raise UsageError(
                f"An earlier sorting of this folder, {facts.id}, was interrupted.",
                hint=f"Go on with `fovea sort --continue {facts.id}`, or undo it with `fovea sort --undo {facts.id}`.",
            )


def _work(record: Record, report: Report, token: CancelToken) -> SortingFacts:
    request = record.facts().request
    clock = StageClock("sorting photos", record.count(Stage.WAITING, Stage.BEGUN), report)
    for found in settled(record, request.by):
        clock.advance(sum(move.stage is not Stage.WAITING and not move.follows for move in found))
    known = {folder.path for folder in record.folders()}
    while waiting := record.moves(Stage.WAITING, limit=AT_ONCE):
        _sort_some(record, request, waiting, known, clock, token)
    after = [replace(folder, after=_written(folder.path)) for folder in record.folders()]
    record.note((), after, SortingState.SORTED)
    return record.facts()


def _sort_some(
    record: Record, request: SortRequest, waiting: list[Move], known: set[Path], clock: StageClock, token: CancelToken
) -> None:
    begun = [replace(move, stage=Stage.BEGUN, before=status(move.source)) for move in waiting]
    touched = {move.target.parent for move in begun}
    touched |= {move.source.parent for move in begun if request.by is By.MOVE}
    folders = [folder for path in sorted(touched) for folder in _unknown(path, known)]
    record.note(begun, folders)
    done: list[Move] = []
    try:
        for folder in {move.target.parent for move in begun}:
            _make(folder)
        for move in begun:
            token.check()
            done.append(_placed(move, request, part_name(record.id, move), stays=_stays(move, done, record)))
            clock.advance(not move.follows)
    finally:
        record.note(done)


def stage_of_photo(move: Move, done: list[Move], record: Record) -> Stage | None:
    """How far the photo is that a companion goes along with; it may have come just before."""
    known = next((one.stage for one in reversed(done) if one.number == move.follows), None)
    return record.stage(move.follows) if known is None else known


def _stays(move: Move, done: list[Move], record: Record) -> bool:
    """Whether a companion stays, as its photo could not be sorted."""
    return bool(move.follows) and stage_of_photo(move, done, record) is Stage.FAILED


def _unknown(path: Path, known: set[Path]) -> Iterator[Folder]:
    """A folder and those above it that must be made, the uppermost first, if they are not noted yet."""
    missing = [path]
    while not missing[-1].exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        if folder not in known:
            known.add(folder)
            before = _written(folder)
            yield Folder(folder, made=before is None, before=before)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _hopeless(error, folder) from error


def _placed(move: Move, request: SortRequest, part: str, *, stays: bool) -> Move:
    """The photo or companion, done or failed."""
    if stays:
        return replace(move, stage=Stage.FAILED)
    try:
        return place(move, request.by, part)
    except OSError as error:
        if _is_hopeless(error, request):
            raise _hopeless(error, request.destination, request.by) from error
        return replace(move, stage=Stage.FAILED, why=_reason(error, move))


def _is_hopeless(error: OSError, request: SortRequest) -> bool:
    if error.errno in _HOPELESS or not request.destination.is_dir():
        return True
    return request.by in (By.HARDLINK, By.SYMLINK) and error.errno not in _OF_ONE


def _hopeless(error: OSError, folder: Path, by: By = By.COPY) -> StorageError:
    reason = error.strerror or type(error).__name__
    if by in (By.HARDLINK, By.SYMLINK) and error.errno not in _HOPELESS:
        what = f"No {by} can be made in “{printable(folder)}”: {reason}."
        return StorageError(what, hint="Undo what was done, if anything, with `fovea sort --undo`; then sort by copy.")
    what = f"Sorting stopped: nothing more can be written to “{printable(folder)}”: {reason}."
    hint = "Every photo is safe. Once there is room, `fovea sort --continue` goes on; `fovea sort --undo` goes back."
    return StorageError(what, hint=hint)


def _reason(error: OSError, move: Move) -> str:
    if isinstance(error, FileExistsError):
        return f"Another file is there meanwhile: {printable(move.target)}."
    if isinstance(error, FileNotFoundError) and not move.source.exists():
        return "It is not there any more."
    return f"{(error.strerror or type(error).__name__).capitalize()}."


def _written(folder: Path) -> int | None:
    """When a folder was last written to, in nanoseconds since 1970; None where there is none."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return None
