"""Running a planned sorting: every step is recorded before and after, and none is run twice."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.errors import StorageError, UsageError, os_reason
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import display_path
from core.outputs.sorting.disk import check_request, check_space
from core.outputs.sorting.entries import Folder, Move, MoveState
from core.outputs.sorting.moves import perform_move, recover_move, status
from core.outputs.sorting.record import SortingRecord, locked
from core.outputs.sorting.records import repaired, sortings
from core.outputs.sorting.values import SortingState, SortingSummary, SortRequest, Step, TransferMode

BATCH_SIZE: Final = 32
"""Photos that are recorded as started together."""
_FATAL_ERRORS: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENODEV, errno.ENXIO, errno.ESTALE)
"""Errors that would affect every other photo too."""
_OF_ONE: Final = (errno.EEXIST, errno.ENOENT, errno.ENAMETOOLONG, errno.EMLINK, errno.EXDEV)
"""Errors of a link that concern one photo; any other means that links are impossible there."""


def execute(
    steps: Iterable[Step], request: SortRequest, *, report: ProgressCallback, token: CancelToken
) -> SortingSummary:
    """Sort photos as planned by `core.outputs.sorting.plan.make_plan`; the folders of the request must be resolved.

    A photo that cannot be sorted is skipped, and the record says why. If cancelled or killed at any time, `resume`
    continues and `core.outputs.sorting.undo.undo` reverts what was done.

    Raises:
        UsageError: the request is invalid, see `core.outputs.sorting.disk.check_request`; an earlier sorting of these
            folders was interrupted; another process is sorting; or there is nothing to sort. Nothing was changed.
        StorageError: the destination is not writable or too small, and nothing was changed; or the disk failed.
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
    """Resume a sorting that was cancelled or killed, see `execute`.

    Raises UsageError if it does not exist, is finished, or was undone; StorageError as `execute`.
    """
    with locked(), repaired(id_) as record:
        summary = record.summary()
        if summary.state is not SortingState.SORTING:
            what = tr("The sorting {id!r} can't be resumed: its state is “{state}”.", id=id_, state=summary.state)
            raise UsageError(what, hint=tr("List the sortings with `fovea sort --list`."))
        check_request(summary.request)
        return _work(record, report, token)


def part_name(id_: str, move: Move) -> str:
    """The name of a photo while it is incomplete, by which it is found after a crash."""
    return f".fovea-{id_}-{move.number}.part"


def recover(record: SortingRecord, mode: TransferMode) -> Iterator[list[Move]]:
    """Determine and record the state of photos that were started when the program died, in batches."""
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
        raise UsageError(
            tr("There is nothing to sort."), hint=tr("All photos are already sorted, or could not be read.")
        )


def _check_no_unfinished(request: SortRequest) -> None:
    for summary in sortings():
        folders = summary.request.source, summary.request.destination
        if summary.state in (SortingState.SORTING, SortingState.UNDOING) and folders == (
            request.source,
            request.destination,
        ):
            raise UsageError(
                tr("An earlier sorting of this folder, {id}, was interrupted.", id=summary.id),
                hint=tr(
                    "Resume it with `fovea sort --continue {id}`, or undo it with `fovea sort --undo {id}`.",
                    id=summary.id,
                ),
            )


def _work(record: SortingRecord, report: ProgressCallback, token: CancelToken) -> SortingSummary:
    request = record.summary().request
    clock = ProgressReporter(tr("Sorting photos"), record.count(MoveState.WAITING, MoveState.STARTED), report)
    for found in recover(record, request.by):
        clock.advance(sum(move.state is not MoveState.WAITING and not move.follows for move in found))
    known = {folder.path for folder in record.folders()}
    while waiting := record.moves(MoveState.WAITING, limit=BATCH_SIZE):
        _sort_batch(record, request, waiting, known, clock, token)
    after = [replace(folder, after=mtime_ns(folder.path)) for folder in record.folders()]
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
            stays = bool(move.follows) and photo_state(move, done, record) is MoveState.FAILED  # with its photo
            done.append(_execute_move(move, request, part_name(record.id, move), stays=stays))
            clock.advance(not move.follows)
    finally:
        record.save(done)


def photo_state(move: Move, done: list[Move], record: SortingRecord) -> MoveState | None:
    """The state of the photo of a companion, which may have been moved just before."""
    known = next((one.state for one in reversed(done) if one.number == move.follows), None)
    return record.move_state(move.follows) if known is None else known


def _new_folders(path: Path, known: set[Path]) -> Iterator[Folder]:
    """Entries for a folder and its missing parents, from the top, except those already recorded."""
    missing = [path]
    while not missing[-1].exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        if folder not in known:
            known.add(folder)
            before = mtime_ns(folder)
            yield Folder(folder, is_created=before is None, before=before)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _fatal_error(error, folder) from error


def _execute_move(move: Move, request: SortRequest, part: str, *, stays: bool) -> Move:
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
    reason = os_reason(error)
    if mode in (TransferMode.HARDLINK, TransferMode.SYMLINK) and error.errno not in _FATAL_ERRORS:
        name = display_path(folder)
        if mode is TransferMode.HARDLINK:
            what = tr("Couldn't create a hard link in “{folder}”: {reason}.", folder=name, reason=reason)
        else:
            what = tr("Couldn't create a symbolic link in “{folder}”: {reason}.", folder=name, reason=reason)
        return StorageError(what, hint=tr("Undo the sorting with `fovea sort --undo`, then sort by copying."))
    what = tr("Sorting stopped: couldn't write to “{folder}”: {reason}.", folder=display_path(folder), reason=reason)
    hint = tr(
        "All photos are safe. Free up space, then resume with `fovea sort --continue` or undo with `fovea sort --undo`."
    )
    return StorageError(what, hint=hint)


def _reason(error: OSError, move: Move) -> str:
    if isinstance(error, FileExistsError):
        return tr("Another file now exists at {path}.", path=display_path(move.target))
    if isinstance(error, FileNotFoundError) and not move.source.exists():
        return tr("The file no longer exists.")
    return f"{os_reason(error).capitalize()}."


def mtime_ns(folder: Path) -> int | None:
    """The modification time of a folder in nanoseconds since 1970; None if it does not exist."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return None
