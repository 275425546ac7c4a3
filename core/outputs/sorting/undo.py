"""Taking a sorting back, also after a restart: all that is as the sorting left it; the rest is left and told."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.errors import StorageError, UsageError
from core.base.progress import CancelToken, Report, StageClock
from core.base.text import printable
from core.outputs.sorting.entries import Folder, Move, Stage
from core.outputs.sorting.execute import AT_ONCE, part_name, settled, stage_of_photo
from core.outputs.sorting.moves import take_back
from core.outputs.sorting.record import Record, held
from core.outputs.sorting.records import mended
from core.outputs.sorting.values import SortingFacts, SortingState

_FULL: Final = "It holds files that sorting did not put there."


def undo(id_: str, *, report: Report, token: CancelToken) -> SortingFacts:
    """Take a sorting back.

    Copies and links are removed if they and the photos they were made from are as sorting left them; moved photos
    return to where they were, if that place is free. Then the folders that sorting made go, if they are empty, and the
    others get their times back. What was changed since stays, and `core.outputs.sorting.record.Record.remarks` says
    why; undoing once more tries that again. Called off or killed at any moment, undoing once more does the rest.

    Args:
        id_: which sorting.
        report: told of each photo.
        token: looked at before each photo.

    Raises:
        UsageError: there is none of that name, or it is undone already, or another process sorts.
        StorageError: the disk does not let it be undone.
        Cancelled: the token was cancelled.
    """
    with held(), mended(id_) as record:
        facts = record.facts()
        if facts.state is SortingState.UNDONE and not facts.kept:
            raise UsageError(f"The sorting {id_!r} is undone already.", hint="`fovea sort --list` lists them.")
        if facts.state is not SortingState.UNDOING:
            _begin(record, facts)
        clock = StageClock("putting photos back", record.count(Stage.DONE, Stage.LEAVING), report)
        while done := record.moves(Stage.DONE, Stage.LEAVING, limit=AT_ONCE):
            _undo_some(record, facts, done, clock, token)
        _clear_up(record)
        record.note((), (), SortingState.UNDONE)
        return record.facts()


def _begin(record: Record, facts: SortingFacts) -> None:
    for _ in settled(record, facts.request.by):
        pass
    record.retry()
    record.note((), [replace(folder, seen=_written(folder.path)) for folder in record.folders()], SortingState.UNDOING)


def _undo_some(record: Record, facts: SortingFacts, done: list[Move], clock: StageClock, token: CancelToken) -> None:
    record.note([replace(move, stage=Stage.LEAVING) for move in done])
    taken: list[Move] = []
    try:
        for move in done:
            token.check()
            taken.append(_taken_back(move, facts, part_name(record.id, move), taken, record))
            clock.advance(not move.follows)
    finally:
        record.note(taken)


def _taken_back(move: Move, facts: SortingFacts, part: str, taken: list[Move], record: Record) -> Move:
    if move.follows and stage_of_photo(move, taken, record) is Stage.KEPT:
        return replace(move, stage=Stage.KEPT)  # it stays with its photo, of which is said why
    try:
        return take_back(move, facts.request.by, part)
    except OSError as error:
        what = f"“{printable(move.target)}” could not be put back: {error.strerror or type(error).__name__}."
        hint = f"Every photo is safe. `fovea sort --undo {facts.id}` goes on once that is mended."
        raise StorageError(what, hint=hint) from error


def _clear_up(record: Record) -> None:
    """Remove the folders that were made, and give the others the times they had."""
    folders, left = record.folders(), record.kept()
    is_all_undone = not record.count(Stage.KEPT)
    for folder in sorted((one.path for one in folders if one.made), key=lambda path: len(path.parts), reverse=True):
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            is_all_undone = False
            if set(folder.iterdir()) - left:  # what was left is told already
                record.note_left(folder, _FULL)
            left.add(folder)
    if is_all_undone:
        for one in folders:
            _restore_time(one)


def _restore_time(folder: Folder) -> None:
    """If nobody else wrote to a folder since, it was last written to when it was before sorting."""
    untouched = folder.after is None or folder.seen == folder.after
    if folder.before is not None and untouched:
        with contextlib.suppress(OSError):  # it is gone, or another person's
            os.utime(folder.path, ns=(folder.path.stat().st_atime_ns, folder.before))


def _written(folder: Path) -> int | None:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return None
