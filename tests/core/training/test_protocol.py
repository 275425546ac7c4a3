"""The protocol between the two processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.base.errors import TrainerError
from core.base.progress import Progress, StageKind
from core.training import protocol
from core.training.protocol import (
    Epoch,
    TrainerDone,
    TrainerEvent,
    TrainerFailed,
    TrainerJob,
    job_bytes,
    read_event,
    read_job,
    write_event,
)

JOB = TrainerJob("dense", 3, 7, 5, 0.01, 0.1, 16, "", "exact", "cpu", "somewhere/über")
EVENTS: list[TrainerEvent] = [
    Progress("learning", 3, 10, 1.5),
    Progress("learning", 0, 10, None),
    Progress("lernt", 0, 10, None, StageKind.IMAGES),
    Epoch(0, 5, None, None, 1.1, 0.25, 0.1),
    Epoch(1, 5, 1.0, 0.5, None, None, 2.0),
    TrainerDone({"best_epoch": 3, "history": {"loss": [1.0, None]}}),
    TrainerFailed("model", "Der Kopf fehlt.\nGanz.", "Install it again."),
]


@pytest.mark.parametrize("event", EVENTS)
def test_events_survive_a_round_trip(event: TrainerEvent) -> None:
    line = write_event(event)
    assert "\n" not in line
    assert read_event(line) == event


@pytest.mark.parametrize(
    "line",
    [
        "",
        "I am TensorFlow",
        "3",
        "null",
        "[]",
        "{}",
        '{"event": "song"}',
        '{"event": "done"}',
        '{"event": "done", "facts": {}, "more": 1}',
        '{"event": ["done"], "facts": {}}',
    ],
)
def test_invalid_events_are_rejected(line: str) -> None:
    with pytest.raises(TrainerError, match="invalid message"):
        read_event(line)


def test_jobs_survive_a_round_trip(tmp_path: Path) -> None:
    (tmp_path / protocol.JOB).write_bytes(job_bytes(JOB))
    assert read_job(tmp_path) == JOB
    assert job_bytes(JOB) == job_bytes(read_job(tmp_path)), "a checkpoint knows its job by these bytes"


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b"\xff", b'{"recipe": "dense"}'])
def test_invalid_jobs_are_rejected(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / protocol.JOB).write_bytes(content)
    with pytest.raises(TrainerError, match="is missing or damaged"):
        read_job(tmp_path)
