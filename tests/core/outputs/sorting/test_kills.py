"""Killed at any time, sorting can be resumed or undone, and undoing continued, without losing a photo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.base.progress import CancelToken
from core.outputs.sorting.execute import resume
from core.outputs.sorting.records import sortings
from core.outputs.sorting.values import SortingState, TransferMode
from tests.core.outputs.sorting.conftest import Sorter, classified_row, snapshot
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[4]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder on another disk, in memory."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
        pytest.skip("there is no second disk here")
    folder = Path(tempfile.mkdtemp(dir=shared))
    yield folder
    shutil.rmtree(folder)


def kill_everywhere(folder: Path, destination: Path, home: Path, by: TransferMode, what: str) -> int:
    command = [sys.executable, "-m", "tests.core.outputs.sorting.killed", folder, destination, by, what]
    environment = {**os.environ, "FOVEA_HOME": str(home)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=4 * PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("what", ["sort continue", "sort undo", "undo undo"])
@pytest.mark.parametrize("by", list(TransferMode))
def test_a_kill_at_every_change_within_one_disk(elsewhere: Path, by: TransferMode, what: str) -> None:
    assert kill_everywhere(elsewhere, elsewhere, elsewhere / "home", by, what) >= 15


@pytest.mark.parametrize("what", ["sort continue", "sort undo", "undo undo"])
def test_a_kill_at_every_change_while_moving_between_disks(tmp_path: Path, elsewhere: Path, what: str) -> None:
    assert kill_everywhere(tmp_path, elsewhere, elsewhere / "home", TransferMode.MOVE, what) >= 20


SORT = """
import sys
from pathlib import Path
from core.base.progress import CancelToken
from core.outputs.sorting.undo import undo
from tests.core.outputs.sorting.conftest import Sorter, classified_row
sorter = Sorter(Path(sys.argv[1]), Path(sys.argv[2]))
print("begins", flush=True)
if sys.argv[3] == "undo":
    undo(sys.argv[4], report=lambda _: None, token=CancelToken())
else:
    photos = sorted(sorter.source.rglob("*.jpg"))
    sorter.sort([classified_row(photo, "cat") for photo in photos], sorter.request(sys.argv[3]))
"""


def killed_after(seconds: float, *arguments: str | Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SORT, *arguments], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        time.sleep(seconds)
        process.kill()


@pytest.mark.parametrize("by", [TransferMode.COPY, TransferMode.MOVE])
def test_a_kill_at_a_random_moment(sorter: Sorter, by: TransferMode) -> None:
    for number in range(400):
        sorter.add(f"{number % 7}/{number:03}.jpg", b"%d" % number * 500)
    before = snapshot(sorter.source)
    killed_after(0.5, sorter.source, sorter.destination, by)
    found = sortings()
    if not found:  # killed while it was planned
        sorter.sort([classified_row(photo) for photo in sorted(sorter.source.rglob("*.jpg"))], sorter.request(by))
    elif found[0].state is SortingState.SORTING:
        resume(found[0].id, report=lambda _: None, token=CancelToken())
    (facts,) = sortings()
    assert (facts.state, facts.sorted, facts.failed) == (SortingState.SORTED, 400, 0)
    assert len([path for path in sorter.destination.rglob("*") if path.is_file()]) == 400
    killed_after(0.3, sorter.source, sorter.destination, "undo", facts.id)
    if sortings()[0].state is not SortingState.UNDONE:
        assert sorter.undo(facts.id).kept == 0
    assert snapshot(sorter.source) == before
    assert not sorter.destination.exists()
