"""Trees of photos to sort, their predictions, and snapshots of trees."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.base.progress import CancelToken
from core.jobs.values import Review, Row, Verdict
from core.outputs.sorting.disk import RealFileSystem, resolve_request
from core.outputs.sorting.execute import execute
from core.outputs.sorting.plan import make_plan
from core.outputs.sorting.undo import undo
from core.outputs.sorting.values import SortingSummary, SortRequest, Step, TransferMode
from tests.rows import classified, failed

CLASSES = ("cat", "dog", "fish")


def classified_row(
    path: Path, label: str = "cat", confidence: float = 0.9, *, unknown: bool = False, said: str | None = None
) -> Row:
    """A predicted row; `said` is the user's label."""
    review = None if said is None else Review(Verdict.CORRECTED, said)
    return classified(path, (label, confidence), unknown=unknown, review=review)


def write(path: Path, data: bytes = b"", *, mtime_ns: int | None = None) -> Path:
    """Write a file with a fixed modification time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data or os.fsencode(path))
    when = mtime_ns or 1_500_000_000_123_456_789 + sum(os.fsencode(path.name)) * 1_000_000_007
    os.utime(path, ns=(when, when))
    return path


def snapshot(*tops: Path) -> dict[str, tuple[object, ...]]:
    """A snapshot of trees: bytes, times and permissions of files; targets of links; times of folders."""
    found: dict[str, tuple[object, ...]] = {}
    for top in tops:
        for path in (top, *top.rglob("*")):
            status = path.lstat()
            if path.is_symlink():
                found[str(path)] = ("link", str(path.readlink()))
            elif path.is_dir():
                found[str(path)] = ("folder", status.st_mtime_ns, status.st_mode)
            else:
                found[str(path)] = (path.read_bytes(), status.st_mtime_ns, status.st_mode, status.st_ino)
    return found


@dataclass(frozen=True, slots=True)
class Sorter:
    """A folder of photos, their destination and their rows."""

    source: Path
    destination: Path

    def add(self, name: str, data: bytes = b"") -> Path:
        return write(self.source / name, data)

    def request(self, by: TransferMode = TransferMode.COPY, **more: object) -> SortRequest:
        return resolve_request(SortRequest(self.source, self.destination, by, **more))  # type: ignore[arg-type]

    def plan(self, rows: Iterable[Row], request: SortRequest | None = None) -> list[Step]:
        request = request or self.request()
        return list(make_plan(rows, request, RealFileSystem(request.destination)))

    def sort(self, rows: Iterable[Row], request: SortRequest | None = None) -> SortingSummary:
        request = request or self.request()
        steps = make_plan(rows, request, RealFileSystem(request.destination))
        return execute(steps, request, report=lambda _: None, token=CancelToken())

    def undo(self, id_: str) -> SortingSummary:
        return undo(id_, report=lambda _: None, token=CancelToken())

    def targets(self, rows: Iterable[Row], request: SortRequest | None = None) -> list[str | None]:
        steps = self.plan(rows, request)
        return [None if step.target is None else step.target.relative_to(self.destination).as_posix() for step in steps]

    def many(self, count: int, seed: int = 0) -> list[Row]:
        """Photos in several subfolders, with names that conflict when flattened, and results of every kind."""
        draw, rows = random.Random(seed), []
        for number in range(count):
            folder = ("", "a", "a/deeper", "ünï")[number % 4]
            path = self.add(str(Path(folder, f"IMG_{number // 4:04}.jpg")), draw.randbytes(draw.randrange(1, 3000)))
            path.chmod(0o644 if number % 3 else 0o600)
            if number % 50 == 7:
                rows.append(failed(path))
            else:
                said = draw.choice(CLASSES) if number % 20 == 3 else None
                rows.append(
                    classified_row(path, draw.choice(CLASSES), draw.random(), unknown=number % 30 == 1, said=said)
                )
        return rows


class CancelledAfter(CancelToken):
    """A token that is cancelled after a number of checks."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._left = looks

    def check(self) -> None:
        self._left -= 1
        if self._left < 0:
            self.cancel()
        super().check()


@pytest.fixture
def sorter(tmp_path: Path) -> Sorter:
    """An empty folder, and a destination that does not exist."""
    (tmp_path / "photos").mkdir()
    return Sorter(tmp_path / "photos", tmp_path / "sorted")


@pytest.fixture
def elsewhere(sorter: Sorter) -> Iterator[Sorter]:
    """The same folder of photos, sorted to another disk."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == sorter.source.stat().st_dev:
        pytest.skip("there is no second disk here")
    folder = Path(tempfile.mkdtemp(dir=shared))
    yield Sorter(sorter.source, folder / "sorted")
    shutil.rmtree(folder)
