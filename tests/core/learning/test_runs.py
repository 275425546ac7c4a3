"""Unfinished runs: what goes on, what is refused, and what a kill leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import core
from core import paths
from core.errors import DatasetError, StorageError, UsageError
from core.learning.runs import Run, unfinished_run

ROOT = Path(core.__file__).parents[1]
PLAN: dict[str, Any] = {"recipe": "dense", "epochs": 5, "validation": 0.15}
IMAGES = ("a cat train", "b dog train", "c cat test")


def begin(plan: dict[str, Any] = PLAN, images: tuple[str, ...] = IMAGES, *, restart: bool = False) -> Run:
    with unfinished_run("mine", plan, images, restart=restart) as run:
        (run.folder / "checkpoint.npz").touch()
        return run


@pytest.mark.usefixtures("home")
def test_the_same_command_goes_on_where_it_stopped() -> None:
    first = begin()
    assert not first.goes_on
    second = begin(images=tuple(reversed(IMAGES)))
    assert second.goes_on
    assert (second.folder / "checkpoint.npz").exists()


@pytest.mark.usefixtures("home")
def test_a_finished_run_is_forgotten() -> None:
    with unfinished_run("mine", PLAN, IMAGES, restart=False) as run:
        (run.folder / "checkpoint.npz").touch()
        run.finish()
    assert not run.folder.exists()
    assert not begin().goes_on


@pytest.mark.usefixtures("home")
def test_restarting_forgets_what_was_there() -> None:
    begin()
    with unfinished_run("mine", PLAN, IMAGES, restart=True) as run:
        assert not run.goes_on
        assert [path.name for path in run.folder.iterdir()] == ["run.json"]


@pytest.mark.usefixtures("home")
def test_another_wish_is_refused_and_the_run_kept() -> None:
    begin()
    with pytest.raises(UsageError, match="epochs was 5, is 9"):
        begin({**PLAN, "epochs": 9})
    assert begin().goes_on


@pytest.mark.usefixtures("home")
def test_other_images_are_refused_with_what_changed() -> None:
    begin()
    with pytest.raises(DatasetError, match="2 images came, 1 image went") as refusal:
        begin(images=("a cat train", "b dog train", "d cat test", "e dog test"))
    assert "--restart" in refusal.value.hint
    with pytest.raises(DatasetError, match="1 image came, 1 image went"):
        begin(images=("a dog train", *IMAGES[1:]))  # the same content under another label
    assert begin().goes_on


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"format": 2}', b"[" * 100_000])
def test_a_damaged_run_is_begun_anew(content: bytes) -> None:
    run = begin()
    (run.folder / "run.json").write_bytes(content)
    assert not begin().goes_on


@pytest.mark.usefixtures("home")
def test_two_trainings_of_one_name_at_once_are_refused() -> None:
    with (
        unfinished_run("mine", PLAN, IMAGES, restart=False),
        pytest.raises(UsageError, match="another program"),
        unfinished_run("mine", PLAN, IMAGES, restart=False),
    ):
        pass
    with unfinished_run("mine", PLAN, IMAGES, restart=False), unfinished_run("other", PLAN, IMAGES, restart=False):
        pass


def test_a_kill_gives_the_lock_back(home: Path) -> None:
    script = (
        "import sys, time\nfrom core.learning.runs import unfinished_run\n"
        f"with unfinished_run('mine', {PLAN!r}, {IMAGES!r}, restart=False):\n"
        "    print('held', flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match="another program"):
            begin()
        holder.kill()
    assert begin().goes_on


def test_a_folder_that_cannot_be_made_is_told(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    paths.unfinished_runs().write_text("a file stands in the way")
    with pytest.raises(StorageError):
        begin()
