"""Carrying out what was planned: every step is noted before it is done and after, and none is done twice."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.errors import StorageError, UsageError
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import display_path
from core.outputs.sorting.disk import check_request, check_space
from core.outputs.sorting.entries import Folder, Move, MoveState
from core.outputs.sorting.moves import perform_move, recover_move, status
from core.outputs.sorting.record import SortingRecord, locked
from core.outputs.sorting.records import repaired, sortings
from core.outputs.sorting.values import SortingState, SortingSummary, SortRequest, Step, TransferMode

BATCH_SIZE: Final = 32
"""Photos that are noted as begun together."""
_FATAL_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENODEV, errno.ENXIO, errno.ESTALE)
"""What would happen to every other photo too."""
_OF_ONE: Final = (errno.EEXIST, errno.ENOENT, errno.ENAMETOOLONG, errno.EMLINK, errno.EXDEV)
"""What of a link is wrong with the photo alone; anything else means that no link can be made there."""


def execute(
    steps: Iterable[Step], request: SortRequest, *, report: ProgressCallback, token: CancelToken
) -> SortingSummary:
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
    check_request(request)
    with locked():
        _check_no_unfinished(request)
        with SortingRecord.begin(request, _cancellable(steps, token)) as record:
            try:
                _check_resumable(record)
                check_space(request, record.size())
            except BaseException:
                record.forget()
                raise
            return _work(record, report, token)


def resume(id_: str, *, report: ProgressCallback, token: CancelToken) -> SortingSummary:
    """Go on with a sorting that was called off or killed, see `carry_out`.

    Raises:
        UsageError: there is none of that name, or it is done, or undone.
        StorageError: as `carry_out`.
        Cancelled: the token was cancelled.
    """
    with locked(), repaired(id_) as record:
        facts = record.summary()
        if facts.state is not SortingState.SORTING:
            what = f"The sorting {id_!r} is {facts.state}: there is nothing to go on with."
            raise UsageError(what, hint="`fovea sort --list` lists them.")
        check_request(facts.request)
        return _work(record, report, token)


def part_name(id_: str, move: Move) -> str:
    """What a photo is called while it is not yet whole; by that it is found again."""
    return f".fovea-{id_}-{move.number}.part"


def recover(record: SortingRecord, mode: TransferMode) -> Iterator[list[Move]]:
    """Find out how far the photos came that were begun when the program died, some at a time, and note it."""
    while started := record.moves(MoveState.STARTED, limit=BATCH_SIZE):
        found = [recover_move(move, mode, part_name(record.id, move)) for move in started]
        record.save(found)
        yield found


def _cancellable(steps: Iterable[Step], token: CancelToken) -> Iterator[Step]:
    for step in steps:
        token.check()
        yield step


def _check_resumable(record: SortingRecord) -> None:
    if not record.count(MoveState.WAITING):
        raise UsageError("There is nothing to sort.", hint="Every photo is sorted already, or could not be read.")


def _check_no_unfinished(request: SortRequest) -> None:
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


def _work(record: SortingRecord, report: ProgressCallback, token: CancelToken) -> SortingSummary:
    request = record.summary().request
    clock = ProgressReporter("sorting photos", record.count(MoveState.WAITING, MoveState.STARTED), report)
    for found in recover(record, request.by):
        clock.advance(sum(move.state is not MoveState.WAITING and not move.follows for move in found))
    known = {folder.path for folder in record.folders()}
    while waiting := record.moves(MoveState.WAITING, limit=BATCH_SIZE):
        _sort_batch(record, request, waiting, known, clock, token)
    after = [replace(folder, after=_mtime_ns(folder.path)) for folder in record.folders()]
    record.save((), after, SortingState.SORTED)
    return record.summary()


def _sort_batch(
    record: SortingRecord,
    request: SortRequest,
    waiting: list[Move],
    known: set[Path],
    clock: ProgressReporter,
    token: CancelToken,
) -> None:
    started = [replace(move, state=MoveState.STARTED, before=status(move.source)) for move in waiting]
    touched = {move.target.parent for move in started}
    touched |= {move.source.parent for move in started if request.by is TransferMode.MOVE}
    folders = [folder for path in sorted(touched) for folder in _new_folders(path, known)]
    record.save(started, folders)
    done: list[Move] = []
    try:
        for folder in {move.target.parent for move in started}:
            _make_folder(folder)
        for move in started:
            token.check()
            done.append(
                _execute_move(move, request, part_name(record.id, move), stays=_is_photo_kept(move, done, record))
            )
            clock.advance(not move.follows)
    finally:
        record.save(done)


def photo_state(move: Move, done: list[Move], record: SortingRecord) -> MoveState | None:
    """How far the photo is that a companion goes along with; it may have come just before."""
    known = next((one.state for one in reversed(done) if one.number == move.follows), None)
    return record.move_state(move.follows) if known is None else known


def _is_photo_kept(move: Move, done: list[Move], record: SortingRecord) -> bool:
    """Whether a companion stays, as its photo could not be sorted."""
    return bool(move.follows) and photo_state(move, done, record) is MoveState.FAILED


def _new_folders(path: Path, known: set[Path]) -> Iterator[Folder]:
    """A folder and those above it that must be made, the uppermost first, if they are not noted yet."""
    missing = [path]
    while not missing[-1].exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        if folder not in known:
            known.add(folder)
            before = _mtime_ns(folder)
            yield Folder(folder, is_created=before is None, before=before)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _fatal_error(error, folder) from error


def _execute_move(move: Move, request: SortRequest, part: str, *, stays: bool) -> Move:
    """The photo or companion, done or failed."""
    if stays:
        return replace(move, state=MoveState.FAILED)
    try:
        return perform_move(move, request.by, part)
    except OSError as error:
        if _is_fatal(error, request):
            raise _fatal_error(error, request.destination, request.by) from error
        return replace(move, state=MoveState.FAILED, reason=_reason(error, move))


def _is_fatal(error: OSError, request: SortRequest) -> bool:
    if error.errno in _FATAL_ERRORS or not request.destination.is_dir():
        return True
    return request.by in (TransferMode.HARDLINK, TransferMode.SYMLINK) and error.errno not in _OF_ONE


def _fatal_error(error: OSError, folder: Path, mode: TransferMode = TransferMode.COPY) -> StorageError:
    reason = error.strerror or type(error).__name__
    if mode in (TransferMode.HARDLINK, TransferMode.SYMLINK) and error.errno not in _FATAL_ERRORS:
        what = f"No {mode} can be made in “{display_path(folder)}”: {reason}."
        return StorageError(what, hint="Undo what was done, if anything, with `fovea sort --undo`; then sort by copy.")
    what = f"Sorting stopped: nothing more can be written to “{display_path(folder)}”: {reason}."
    hint = "Every photo is safe. Once there is room, `fovea sort --continue` goes on; `fovea sort --undo` goes back."
    return StorageError(what, hint=hint)


def _reason(error: OSError, move: Move) -> str:
    if isinstance(error, FileExistsError):
        return f"Another file is there meanwhile: {display_path(move.target)}."
    if isinstance(error, FileNotFoundError) and not move.source.exists():
        return "It is not there any more."
    return f"{(error.strerror or type(error).__name__).capitalize()}."


def _mtime_ns(folder: Path) -> int | None:
    """When a folder was last written to, in nanoseconds since 1970; None where there is none."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return None
