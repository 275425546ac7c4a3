"""Unfinished runs: resuming, rejected requests, and kills."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

import core
from core.base import paths
from core.base.errors import DatasetError, StorageError, UsageError
from core.base.providers import Precision, ProviderPreference
from core.training.request import Depth, Recipe, TrainRequest, request_to_json
from core.training.runs import Run, RunSummary, discard, list_runs, open_run

ROOT = Path(core.__file__).parents[1]
PLAN: dict[str, Any] = {"recipe": "dense", "epochs": 5, "validation": 0.15}
IMAGES = ("a cat train", "b dog train", "c cat test")


def asked(name: str = "mine") -> TrainRequest:
    return TrainRequest(
        folder=Path("pictures"),
        name=name,
        validation=0.15,
        test=20,
        seed=3,
        provider=ProviderPreference.CPU,
        precision=Precision.EXACT,
        recipe=Recipe.FINE_TUNE,
        depth=Depth.WHOLE,
        epochs=5,
    )


def begin(plan: dict[str, Any] = PLAN, images: tuple[str, ...] = IMAGES, *, restart: bool = False) -> Run:
    with open_run(asked("mine"), plan, images, restart=restart) as run:
        (run.folder / "checkpoint.npz").touch()
        return run


@pytest.mark.usefixtures("home")
def test_the_same_command_resumes() -> None:
    first = begin()
    assert not first.is_resumed
    second = begin(images=tuple(reversed(IMAGES)))
    assert second.is_resumed
    assert (second.folder / "checkpoint.npz").exists()


@pytest.mark.usefixtures("home")
def test_a_finished_run_is_deleted() -> None:
    with open_run(asked("mine"), PLAN, IMAGES, restart=False) as run:
        (run.folder / "checkpoint.npz").touch()
        run.finish()
    assert not run.folder.exists()
    assert not begin().is_resumed


@pytest.mark.usefixtures("home")
def test_restarting_discards_the_run() -> None:
    begin()
    with open_run(asked("mine"), PLAN, IMAGES, restart=True) as run:
        assert not run.is_resumed
        assert [path.name for path in run.folder.iterdir()] == ["run.json"]


@pytest.mark.usefixtures("home")
def test_a_request_with_other_settings_is_rejected_and_the_run_kept() -> None:
    begin()
    with pytest.raises(UsageError, match="epochs was 5, now 9"):
        begin({**PLAN, "epochs": 9})
    assert begin().is_resumed


@pytest.mark.usefixtures("home")
def test_other_images_are_rejected_with_the_changes() -> None:
    begin()
    with pytest.raises(DatasetError, match="2 images added, 1 image removed") as refusal:
        begin(images=("a cat train", "b dog train", "d cat test", "e dog test"))
    assert "--restart" in refusal.value.hint
    with pytest.raises(DatasetError, match="1 image added, 1 image removed"):
        begin(images=("a dog train", *IMAGES[1:]))  # the same content under another label
    assert begin().is_resumed


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b'{"format": 2}', b"[" * 100_000, b'{"format": 2, "plan": 3, "images": []}']
)
def test_a_damaged_run_is_kept_until_it_is_restarted(content: bytes) -> None:
    run = begin()
    (run.folder / "run.json").write_bytes(content)
    with pytest.raises(StorageError, match="is damaged") as refusal:
        begin()
    assert str(run.folder / "run.json") in refusal.value.what
    assert "--restart" in refusal.value.hint
    assert (run.folder / "run.json").read_bytes() == content
    assert (run.folder / "checkpoint.npz").exists()
    (found,) = list_runs()
    assert (found.name, found.request) == ("mine", None)
    assert "is damaged" in found.error
    assert not begin(restart=True).is_resumed


@pytest.mark.usefixtures("home")
def test_a_run_of_a_later_version_or_temporarily_unreadable_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin()
    file = run.folder / "run.json"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", Mock(side_effect=OSError(5, "Input/output error")))
        with pytest.raises(StorageError, match="Input/output error"):
            begin()
    file.write_text(file.read_text().replace('"format": 2', '"format": 3'))
    with pytest.raises(StorageError, match="newer version"):
        begin()
    assert (run.folder / "checkpoint.npz").exists()


@pytest.mark.usefixtures("home")
def test_a_damaged_lock_blocks_nothing() -> None:
    run = begin()
    lock = run.folder.with_suffix(".lock")
    lock.write_bytes(b"no lock" * 100)
    assert begin().is_resumed
    lock.unlink()
    assert begin().is_resumed


@pytest.mark.usefixtures("home")
def test_two_simultaneous_trainings_of_one_name_are_rejected() -> None:
    with (
        open_run(asked("mine"), PLAN, IMAGES, restart=False),
        pytest.raises(UsageError, match="Another program"),
        open_run(asked("mine"), PLAN, IMAGES, restart=False),
    ):
        pass
    with (
        open_run(asked("mine"), PLAN, IMAGES, restart=False),
        open_run(asked("other"), PLAN, IMAGES, restart=False),
    ):
        pass


def test_a_kill_releases_the_lock(home: Path) -> None:
    script = (
        "import sys, time\nfrom core.training.request import request_from_json\n"
        "from core.training.runs import open_run\n"
        f"with open_run(request_from_json({request_to_json(asked())!r}), {PLAN!r}, {IMAGES!r}, restart=False):\n"
        "    print('held', flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match="Another program"):
            begin()
        holder.kill()
    assert begin().is_resumed


def test_a_folder_that_cannot_be_created_is_reported(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    paths.unfinished_runs().write_text("a file stands in the way")
    with pytest.raises(StorageError):
        begin()


@pytest.mark.usefixtures("home")
def test_a_run_on_disk_contains_the_request() -> None:
    assert list_runs() == ()
    begin()
    (found,) = list_runs()
    assert found.request is not None
    assert found.request == replace(asked(), folder=Path("pictures").absolute())
    assert (found.name, found.recipe, found.epochs, found.is_running) == ("mine", "dense", 5, False)
    assert found.saved is not None
    assert found.saved >= found.started
    with open_run(asked(), PLAN, IMAGES, restart=False):
        assert list_runs()[0].is_running


def rewritten(run: Run, **changes: object) -> RunSummary:
    file = run.folder / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    (found,) = list_runs()
    return found


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("request_", [None, 7, {}, {"folder": 3}, {"folder": "x", "recipe": "slow"}])
def test_a_run_without_a_request_can_only_be_discarded(request_: object) -> None:
    assert rewritten(begin(), request=request_).request is None


@pytest.mark.usefixtures("home")
def test_a_run_of_an_earlier_format_is_resumed_by_its_command() -> None:
    run = begin()
    content = json.loads((run.folder / "run.json").read_text())
    (run.folder / "run.json").write_text(
        json.dumps({"format": 1, "plan": content["plan"], "images": content["images"]})
    )
    assert list_runs()[0].request is None
    assert begin().is_resumed


@pytest.mark.usefixtures("home")
def test_a_run_is_discarded_unless_it_is_in_progress() -> None:
    run = begin()
    with open_run(asked(), PLAN, IMAGES, restart=False), pytest.raises(UsageError, match="is training"):
        discard("mine")
    discard("mine")
    assert not run.folder.exists()
    discard("mine")
