"""The trainer process: its events, its results, and when it ends."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.base.progress import CancelToken, Progress, StageKind
from core.card import read_card
from core.engine import graph
from core.models.heads import DenseHead, read_head
from core.training import protocol
from core.training.protocol import Epoch, TrainerEvent, TrainerFailed, TrainerJob, job_bytes, read_event
from core.training.trainer_process import run_trainer
from tests.patience import PATIENCE_S
from tests.teaching import write_labelled

if importlib.util.find_spec("tensorflow") is None:  # not imported: the process here does that
    pytest.skip("the extra `train` is not installed", allow_module_level=True)

JOB = TrainerJob("dense", 3, 7, 3, 0.01, 0.0, 16, "", "exact", "cpu", "backbone")


@contextmanager
def started(*arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "core.trainer", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            yield process
        finally:
            process.kill()


def first_event(process: subprocess.Popen[bytes]) -> TrainerEvent:
    assert process.stdout
    return read_event(process.stdout.readline().decode())


def run_to_end(process: subprocess.Popen[bytes]) -> tuple[int, list[TrainerEvent], str]:
    """The exit code, all events, and standard error; standard input stays open until then."""
    assert process.stdout
    assert process.stderr
    events = [read_event(line.decode()) for line in process.stdout]
    return process.wait(PATIENCE_S), events, process.stderr.read().decode()


def job_in(folder: Path, job: TrainerJob = JOB) -> Path:
    (folder / protocol.JOB).write_bytes(job_bytes(job))
    return folder


@pytest.mark.parametrize("arguments", [(), ("sing",), ("train",), ("train", "a", "b")])
def test_unknown_commands_are_reported(arguments: tuple[str, ...]) -> None:
    with started(*arguments) as process:
        code, events, errors = run_to_end(process)
    assert (code, errors) == (2, "")
    assert events[0] == Progress("starting", 0, 1, None, StageKind.STARTING)
    assert isinstance(events[1], TrainerFailed)
    assert events[1].kind == "usage"


def test_a_folder_without_a_job_is_an_error(tmp_path: Path) -> None:
    with started("train", tmp_path) as process:
        code, events, _ = run_to_end(process)
    assert code == 2
    assert isinstance(events[-1], TrainerFailed)
    assert "is missing or damaged" in events[-1].message


def test_it_ends_when_its_standard_input_is_closed_even_while_it_imports(tmp_path: Path) -> None:
    """It has removed the partial files of an earlier kill first."""
    (tmp_path / ".0123.part").write_bytes(b"half")
    with started("train", job_in(tmp_path)) as process:
        assert first_event(process) == Progress("starting", 0, 1, None, StageKind.STARTING)
        assert process.stdin
        process.stdin.close()
        begun = time.monotonic()
        assert process.wait(PATIENCE_S) == 3
        assert time.monotonic() - begun < PATIENCE_S
        assert process.stdout
        assert process.stdout.read() == b""
    assert not (tmp_path / ".0123.part").exists()


PARENT = """
import subprocess, sys
command = [sys.executable, "-m", "core.trainer", "train", sys.argv[1]]
child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(child.stdout.readline().decode(), end="", flush=True)
child.wait()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot kill so hard")
def test_it_does_not_outlive_its_parent(tmp_path: Path) -> None:
    """Only the two processes hold its standard error, so it ends when both have ended."""
    reader, writer = os.pipe()
    command = [sys.executable, "-c", PARENT, job_in(tmp_path)]
    with (
        open(reader, "rb") as until_both_are_gone,  # noqa: PTH123 - it is open already
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=writer) as parent,
    ):
        os.close(writer)
        assert first_event(parent) == Progress("starting", 0, 1, None, StageKind.STARTING)
        parent.kill()
        begun = time.monotonic()
        until_both_are_gone.read()
        assert time.monotonic() - begun < PATIENCE_S


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_ctrl_c_is_left_to_the_parent(tmp_path: Path) -> None:
    with started("train", job_in(tmp_path)) as process:
        first_event(process)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
        assert process.stdin
        process.stdin.close()
        assert process.wait(PATIENCE_S) == 3


def test_unexpected_errors_leave_a_traceback(tmp_path: Path) -> None:
    (tmp_path / ".folder.part").mkdir()  # nothing makes folders of that name
    with started("train", job_in(tmp_path)) as process:
        code, events, errors = run_to_end(process)
    assert code == 1
    assert errors.startswith("Traceback (most recent call last):")
    assert ".folder.part" in errors.splitlines()[-1]
    assert events == [Progress("starting", 0, 1, None, StageKind.STARTING)]


def test_dense_from_features_to_the_parity_samples(tmp_path: Path, small_xception: Path) -> None:
    """The results of the process, read by its client; the engine's outputs then match Keras's."""
    import onnxruntime

    card = read_card((small_xception / "card.json").read_bytes())
    images = sorted(write_labelled(tmp_path / "images", 12).rglob("*.png"))
    labels = np.repeat(np.arange(3), 12)
    draw = np.random.default_rng(0)
    features = (draw.normal(size=(36, 2048)) + draw.normal(size=(3, 2048))[labels]).astype(np.float32)
    held = np.arange(36) % 4 == 0
    parts = {"train": ~held, "validation": held, "everything": held | ~held}
    arrays = {name: features[rows] for name, rows in parts.items()}
    arrays |= {f"{name}_labels": labels[rows] for name, rows in parts.items()}
    np.savez(tmp_path / protocol.FEATURES, allow_pickle=False, **arrays)
    listed = [(str(path), "0" * 64, int(label)) for path, label in zip(images, labels, strict=True)]
    (tmp_path / protocol.IMAGES).write_text(json.dumps({"train": listed[:27], "validation": listed[27:]}))
    epochs: list[Epoch] = []
    stages: list[str] = []
    facts = run_trainer(
        ["train", str(job_in(tmp_path, replace(JOB, backbone=str(small_xception))))],
        report=lambda progress: stages.append(progress.stage),
        on_epoch=epochs.append,
        token=CancelToken(),
    )
    assert [epoch.number for epoch in epochs] == [0, 1, 2, 3]
    assert list(dict.fromkeys(stages)) == [
        "starting",
        "learning",
        "learning from all images",
        "preparing the parity check",
    ]
    assert facts["layers"] == [2048, 256, 128, 3]
    assert facts["epochs"] == 3
    head, refitted = (read_head((tmp_path / name).read_bytes()) for name in (protocol.HEAD, protocol.REFITTED))
    assert isinstance(head, DenseHead)
    assert isinstance(refitted, DenseHead)
    assert not np.array_equal(head.layers[0].weights, refitted.layers[0].weights)
    with np.load(tmp_path / protocol.PARITY, allow_pickle=False) as gate:
        seen, logits = gate["images"], gate["logits"]
    assert len(seen) == protocol.PARITY_IMAGES
    session = onnxruntime.InferenceSession(small_xception / card.file, providers=["CPUExecutionProvider"])
    (ours,) = session.run([graph.FEATURES], {graph.INPUT: seen[:12]})
    assert np.allclose(refitted.logits(ours), logits[:12], atol=1e-3)
