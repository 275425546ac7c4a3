"""Taking a sorting back, also after a restart: all that is as the sorting left it; the rest is left and told."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.errors import StorageError, UsageError
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import display_path
from core.outputs.sorting.entries import Folder, Move, MoveState
from core.outputs.sorting.execute import BATCH_SIZE, part_name, photo_state, recover
from core.outputs.sorting.moves import undo_move
from core.outputs.sorting.record import SortingRecord, locked
from core.outputs.sorting.records import repaired
from core.outputs.sorting.values import SortingState, SortingSummary

_DISK_FULL: Final = "It holds files that sorting did not put there."


def undo(id_: str, *, report: ProgressCallback, token: CancelToken) -> SortingSummary:
    """Take a sorting back.

    Copies and links are removed if they and the photos they were made from are as sorting left them; moved photos
    return to where they were, if that place is free. Then the folders that sorting made go, if they are empty, and the
    others get their times back. What was changed since stays, and `core.outputs.sorting.record.SortingRecord.remarks`
    says why; undoing once more tries that again. Called off or killed at any moment, undoing once more does the rest.

    Args:
        id_: which sorting.
        report: told of each photo.
        token: looked at before each photo.

    Raises:
        UsageError: there is none of that name, or it is undone already, or another process sorts.
        StorageError: the disk does not let it be undone.
        Cancelled: the token was cancelled.
    """
    with locked(), repaired(id_) as record:
        facts = record.summary()
        if facts.state is SortingState.UNDONE and not facts.kept:
            raise UsageError(f"The sorting {id_!r} is undone already.", hint="`fovea sort --list` lists them.")
        if facts.state is not SortingState.UNDOING:
            _begin(record, facts)
        clock = ProgressReporter("putting photos back", record.count(MoveState.DONE, MoveState.UNDOING), report)
        while done := record.moves(MoveState.DONE, MoveState.UNDOING, limit=BATCH_SIZE):
            _undo_batch(record, facts, done, clock, token)
        _remove_empty_folders(record)
        record.save((), (), SortingState.UNDONE)
        return record.summary()


def _begin(record: SortingRecord, facts: SortingSummary) -> None:
    for _ in recover(record, facts.request.by):
        pass
    record.retry()
    record.save(
        (), [replace(folder, last_seen=_mtime_ns(folder.path)) for folder in record.folders()], SortingState.UNDOING
    )


def _undo_batch(
    record: SortingRecord, facts: SortingSummary, done: list[Move], clock: ProgressReporter, token: CancelToken
) -> None:
    record.save([replace(move, state=MoveState.UNDOING) for move in done])
    taken: list[Move] = []
    try:
        for move in done:
            token.check()
            taken.append(_undo_move(move, facts, part_name(record.id, move), taken, record))
            clock.advance(not move.follows)
    finally:
        record.save(taken)


def _undo_move(move: Move, facts: SortingSummary, part: str, taken: list[Move], record: SortingRecord) -> Move:
    if move.follows and photo_state(move, taken, record) is MoveState.KEPT:
        return replace(move, state=MoveState.KEPT)  # it stays with its photo, of which is said why
    try:
        return undo_move(move, facts.request.by, part)
    except OSError as error:
        what = f"“{display_path(move.target)}” could not be put back: {error.strerror or type(error).__name__}."
        hint = f"Every photo is safe. `fovea sort --undo {facts.id}` goes on once that is mended."
        raise StorageError(what, hint=hint) from error


def _remove_empty_folders(record: SortingRecord) -> None:
    """Remove the folders that were made, and give the others the times they had."""
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
            if set(folder.iterdir()) - left:  # what was left is told already
                record.save_left_folder(folder, _DISK_FULL)
            left.add(folder)
    if is_all_undone:
        for one in folders:
            _restore_time(one)


def _restore_time(folder: Folder) -> None:
    """If nobody else wrote to a folder since, it was last written to when it was before sorting."""
    untouched = folder.after is None or folder.last_seen == folder.after
    if folder.before is not None and untouched:
        with contextlib.suppress(OSError):  # it is gone, or another person's
            os.utime(folder.path, ns=(folder.path.stat().st_atime_ns, folder.before))


def _mtime_ns(folder: Path) -> int | None:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return None
