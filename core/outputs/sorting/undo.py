"""Undoing a sorting, even after a restart: reverts what is unchanged, and reports what it leaves in place."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import Final

from core.base.errors import StorageError, UsageError, os_reason
from core.base.i18n import mark, tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import display_path
from core.outputs.sorting.entries import Folder, Move, MoveState
from core.outputs.sorting.execute import BATCH_SIZE, mtime_ns, part_name, photo_state, recover
from core.outputs.sorting.moves import undo_move
from core.outputs.sorting.record import SortingRecord, locked
from core.outputs.sorting.records import repaired
from core.outputs.sorting.values import SortingState, SortingSummary

_NOT_EMPTY: Final = mark("It contains other files.")


def undo(id_: str, *, report: ProgressCallback, token: CancelToken) -> SortingSummary:
    """Undo a sorting.

    Copies and links are removed if they and their originals are unchanged; moved photos return to their sources if
    these paths are free. Then folders created by the sorting are removed if empty, and the times of the others are
    restored. Changed items stay in place, and `core.outputs.sorting.record.SortingRecord.issues` says why; undoing
    again retries them. If cancelled or killed at any time, undoing again continues. Raises UsageError if it does not
    exist or is already undone, or another process is sorting; StorageError if the disk does not allow it.
    """
    with locked(), repaired(id_) as record:
        summary = record.summary()
        if summary.state is SortingState.UNDONE and not summary.kept:
            what = tr("The sorting {id!r} has already been undone.", id=id_)
            raise UsageError(what, hint=tr("List the sortings with `fovea sort --list`."))
        if summary.state is not SortingState.UNDOING:
            _begin(record, summary)
        clock = ProgressReporter(tr("Undoing the sorting"), record.count(MoveState.DONE, MoveState.UNDOING), report)
        while done := record.moves(MoveState.DONE, MoveState.UNDOING, limit=BATCH_SIZE):
            _undo_batch(record, summary, done, clock, token)
        _remove_empty_folders(record)
        record.save((), (), SortingState.UNDONE)
        return record.summary()


def _begin(record: SortingRecord, summary: SortingSummary) -> None:
    for _ in recover(record, summary.request.by):
        pass
    record.retry()
    record.save(
        (), [replace(folder, last_seen=mtime_ns(folder.path)) for folder in record.folders()], SortingState.UNDOING
    )


def _undo_batch(
    record: SortingRecord, summary: SortingSummary, done: list[Move], clock: ProgressReporter, token: CancelToken
) -> None:
    record.save([replace(move, state=MoveState.UNDOING) for move in done])
    taken: list[Move] = []
    try:
        for move in done:
            token.check()
            taken.append(_undo_move(move, summary, part_name(record.id, move), taken, record))
            clock.advance(not move.follows)
    finally:
        record.save(taken)


def _undo_move(move: Move, summary: SortingSummary, part: str, taken: list[Move], record: SortingRecord) -> Move:
    if move.follows and photo_state(move, taken, record) is MoveState.KEPT:
        return replace(move, state=MoveState.KEPT)  # it stays with its photo, which has the reason
    try:
        return undo_move(move, summary.request.by, part)
    except OSError as error:
        reason = os_reason(error)
        what = tr("Couldn't undo the move of “{file}”: {reason}.", file=display_path(move.target), reason=reason)
        hint = tr("All photos are safe. Fix the problem, then continue with `fovea sort --undo {id}`.", id=summary.id)
        raise StorageError(what, hint=hint) from error


def _remove_empty_folders(record: SortingRecord) -> None:
    folders, left = record.folders(), record.kept_paths()
    is_all_undone = not record.count(MoveState.KEPT)
    for folder in sorted(
        (one.path for one in folders if one.is_created), key=lambda path: len(path.parts), reverse=True
    ):
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            is_all_undone = False
            if set(folder.iterdir()) - left:  # files left in place are already reported
                record.save_left_folder(folder, tr(_NOT_EMPTY))
            left.add(folder)
    if is_all_undone:
        for one in folders:
            _restore_time(one)


def _restore_time(folder: Folder) -> None:
    """Restore the modification time of a folder, unless it was changed after sorting."""
    untouched = folder.after is None or folder.last_seen == folder.after
    if folder.before is not None and untouched:
        with contextlib.suppress(OSError):  # it is gone, or owned by another user
            os.utime(folder.path, ns=(folder.path.stat().st_atime_ns, folder.before))
