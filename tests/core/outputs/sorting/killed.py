"""Kill sorting, or undoing, at every change it makes to the disk, one after another, and recover.

`python -m tests.core.outputs.sorting.killed FOLDER ELSEWHERE BY WHAT`, where WHAT is the operation to kill and the one
to run afterwards: "sort continue", "sort undo" or "undo undo". Each kill is SIGKILL in its own process. Prints the
number of kills.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from core.base import paths
from core.base.progress import CancelToken
from core.jobs.values import Row
from core.outputs.sorting import execute, record, records, undo
from core.outputs.sorting.execute import resume
from core.outputs.sorting.values import SortingState, SortRequest, TransferMode
from tests.core.outputs.sorting.conftest import Sorter, classified_row, snapshot, write

CHANGES = frozenset(
    f"os.{name}" for name in ("link", "rename", "remove", "symlink", "mkdir", "rmdir", "utime", "chmod", "truncate")
)


class Trap:
    """Kills this process at its n-th change: before a file is written or renamed, and before and after each record."""

    def __init__(self, at: int) -> None:
        self._left, self._was_hit = at, False
        note = record.SortingRecord.save

        def trapped(*arguments: object, **more: object) -> None:
            self.step()
            note(*arguments, **more)  # type: ignore[arg-type]
            self.step()

        record.SortingRecord.save = trapped  # type: ignore[method-assign, assignment]
        sys.addaudithook(self._audit)

    def step(self) -> None:
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)

    def _audit(self, event: str, details: tuple[object, ...]) -> None:
        if event in CHANGES or (event == "open" and details[1] and str(details[1])[0] in "wxa+"):
            self.step()


def in_child(work: Callable[[], object]) -> bool:
    """Run a function in its own process, and return whether it finished."""
    child = os.fork()
    if not child:
        code = 3
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it failed instead of being killed"
    return os.WIFEXITED(status)


def set_up(sorter: Sorter) -> None:
    """Three photos, two with the same name, a sidecar, and an existing file in the destination."""
    for number, name in enumerate(("a.jpg", "x/a.jpg", "x/y/cc.jpg")):
        write(sorter.source / name, b"%d" % number * 9)
    write(sorter.source / "x" / "a.jpg.xmp", b"sidecar")
    write(sorter.destination / "cat" / "theirs.jpg", b"theirs")


def rows(sorter: Sorter) -> list[Row]:
    photos = sorted(sorter.source.rglob("*.jpg"))
    return [classified_row(photo, ("cat", "dog")[len(photo.name) % 2]) for photo in photos]


def snapshot_of(sorter: Sorter) -> dict[str, tuple[object, ...]]:
    """A snapshot without inodes."""
    return {path: entry[:3] for path, entry in snapshot(sorter.source, sorter.destination).items()}


def undo_all(sorter: Sorter) -> None:
    for facts in records.sortings():
        if facts.state is not SortingState.UNDONE:
            assert sorter.undo(facts.id).kept == 0


def continue_all(sorter: Sorter, request: SortRequest) -> None:
    unfinished = [facts for facts in records.sortings() if facts.state is SortingState.SORTING]
    for facts in unfinished:
        done = resume(facts.id, report=lambda _: None, token=CancelToken())
        assert (done.waiting, done.failed) == (0, 0), list(record.SortingRecord(facts.id).issues())
    if not records.sortings():
        sorter.sort(rows(sorter), request)


def start_again(sorter: Sorter) -> None:
    for folder in (sorter.source, sorter.destination, paths.sortings()):
        shutil.rmtree(folder, ignore_errors=True)
    set_up(sorter)


def files(sorter: Sorter) -> dict[str, tuple[object, ...]]:
    return {path: entry for path, entry in snapshot_of(sorter).items() if entry[0] != "folder"}


def try_one(sorter: Sorter, request: SortRequest, killed: str, after: dict[str, tuple[object, ...]], at: int) -> bool:
    """Kill one run at its n-th change, recover, and return whether it was killed.

    Args:
        sorter: the folders.
        request: the request.
        killed: "sort" or "undo".
        after: the expected files after resuming; empty to undo instead.
        at: n, from 1.
    """
    start_again(sorter)
    before, found = snapshot_of(sorter), rows(sorter)
    if killed == "undo":
        sorter.sort(found, request)
    work = (lambda: sorter.sort(found, request)) if killed == "sort" else (lambda: undo_all(sorter))
    was_killed = not in_child(lambda: (Trap(at), work()))
    if after:
        continue_all(sorter, request)
        assert files(sorter) == after, (at, files(sorter), after)
    undo_all(sorter)
    assert snapshot_of(sorter) == before, (at, snapshot_of(sorter), before)
    return was_killed


def main() -> None:
    folder, elsewhere, by, what = Path(sys.argv[1]), Path(sys.argv[2]), TransferMode(sys.argv[3]), sys.argv[4].split()
    execute.BATCH_SIZE = undo.BATCH_SIZE = 2  # type: ignore[misc]
    os.fsync = lambda _: None  # a kill takes no power away, and waiting for the disk takes minutes
    sorter = Sorter(folder / "photos", elsewhere / "sorted")
    start_again(sorter)
    request = sorter.request(by, flat=True)
    sorter.sort(rows(sorter), request)
    after, at = files(sorter) if what[1] == "continue" else {}, 1
    while try_one(sorter, request, what[0], after, at):
        at += 1
    print(at - 1)


if __name__ == "__main__":
    main()
