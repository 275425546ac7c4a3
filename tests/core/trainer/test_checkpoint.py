"""Checkpoints: round trips, rejected files, and kills while writing."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from core.base.errors import StorageError
from core.base.salvage import files_set_aside
from core.trainer.checkpoint import Checkpoint, load, save
from core.training.protocol import CHECKPOINT, JOB, Epoch, TrainerJob, job_bytes

JOB_NOW = TrainerJob("dense", 3, 7, 5, 0.01, 0.1, 16, "", "exact", "cpu", "backbone")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / JOB).write_bytes(job_bytes(JOB_NOW))
    return tmp_path


def checkpoint(epochs: int = 3, best: int = 1, size: int = 20) -> Checkpoint:
    """A checkpoint whose arrays all contain the number of their epoch."""
    history = [Epoch(0, 5, None, None, 1 / 3, 0.1, 0.25)]
    history += [Epoch(number, 5, 0.1 + number, 0.5, None, None, 0.25) for number in range(1, epochs + 1)]
    weights = (np.full((size, 3), epochs, np.float32), np.full(3, epochs, np.float32))
    optimizer = (np.array(epochs * 7, np.int64), np.array(0.01, np.float32), np.full((size, 3), epochs, np.float32))
    return Checkpoint(tuple(history), weights, optimizer, best, tuple(np.full_like(one, best) for one in weights))


def assert_same(found: Checkpoint | None, expected: Checkpoint) -> None:
    assert found is not None
    assert (found.history, found.best_epoch, found.epochs) == (
        expected.history,
        expected.best_epoch,
        expected.epochs,
    )
    for name in ("weights", "optimizer", "best"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert [(one.dtype, one.shape, one.tobytes()) for one in ours] == [
            (one.dtype, one.shape, one.tobytes()) for one in theirs
        ]


@pytest.mark.parametrize(("epochs", "best"), [(3, 1), (3, 3), (0, 0)])
def test_a_checkpoint_survives_a_round_trip(folder: Path, epochs: int, best: int) -> None:
    save(checkpoint(epochs, best), folder)
    assert_same(load(folder), checkpoint(epochs, best))


def test_more_than_ten_arrays_keep_their_order(folder: Path) -> None:
    many = replace(checkpoint(), weights=tuple(np.full(2, at, np.float32) for at in range(25)))
    save(many, folder)
    assert_same(load(folder), many)


def test_the_best_weights_are_not_stored_twice(folder: Path) -> None:
    save(checkpoint(3, 1, size=10_000), folder)
    apart = (folder / CHECKPOINT).stat().st_size
    save(checkpoint(3, 3, size=10_000), folder)
    assert (folder / CHECKPOINT).stat().st_size < 0.7 * apart


def test_without_a_checkpoint_the_result_is_none(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert load(folder) is None
    assert not caplog.text


def test_a_checkpoint_of_another_job_is_not_resumed(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(checkpoint(), folder)
    (folder / JOB).write_bytes(job_bytes(replace(JOB_NOW, epochs=6)))
    assert load(folder) is None
    assert "belongs to another job" in caplog.text
    (folder / JOB).write_bytes(job_bytes(JOB_NOW))
    assert_same(load(folder), checkpoint())


def test_a_checkpoint_of_another_format_is_not_resumed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr("core.trainer.checkpoint._FORMAT", 0)
        save(checkpoint(), folder)
    assert load(folder) is None


def test_a_damaged_checkpoint_is_not_resumed(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    save(checkpoint(), folder)
    whole = (folder / CHECKPOINT).read_bytes()
    draw = random.Random(0)
    for _ in range(60):
        data = bytearray(whole[: draw.randrange(len(whole))] if draw.random() < 0.5 else whole)
        if len(data) == len(whole):
            place = whole.index(b"\x93NUMPY", draw.randrange(len(whole) // 2)) + 100 + draw.randrange(20)
            data[place] ^= 0xFF
        (folder / CHECKPOINT).write_bytes(data)
        assert load(folder) is None
    assert caplog.text.count("is damaged") == 60
    assert len(files_set_aside(folder, CHECKPOINT)) == 60


def test_a_temporarily_unreadable_checkpoint_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(checkpoint(), folder)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", Mock(side_effect=OSError(5, "Input/output error")))
        with pytest.raises(StorageError, match="Input/output error"):
            load(folder)
    assert_same(load(folder), checkpoint())


def test_nothing_is_unpickled(folder: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (folder / "exploded").touch, ()

    np.savez(folder / CHECKPOINT, about=np.array([Bomb()], dtype=object))
    assert load(folder) is None
    assert not (folder / "exploded").exists()


WRITER = """
import sys
from pathlib import Path
from tests.core.trainer.test_checkpoint import checkpoint, save
for epochs in range(100_000):
    save(checkpoint(epochs % 50, epochs % 50, size=20_000), Path(sys.argv[1]))
    if not epochs:
        print("ready", flush=True)
"""


def test_a_kill_while_writing_leaves_an_intact_checkpoint(folder: Path) -> None:
    draw, epochs = random.Random(1), set()
    root = Path(__file__).parents[3]
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, folder], cwd=root, stdout=subprocess.PIPE)
        with writer:
            assert writer.stdout
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(draw.uniform(0, 0.15))
            writer.kill()
        found = load(folder)
        assert found is not None
        assert_same(found, checkpoint(found.epochs, found.epochs, size=20_000))
        epochs.add(found.epochs)
    assert len(epochs) > 1
