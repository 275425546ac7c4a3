"""Batches are as large as the memory of the graphics card allows, within limits."""

from __future__ import annotations

import pytest

from core.engine import sessions
from core.engine.batch_size import MAX_CUDA_BATCH, batch_size
from core.engine.graph import parse
from core.engine.limits import MAX_BATCH, peak_memory
from core.engine.shapes import infer
from tests import tiny

DATA = tiny.backbone_bytes()
IMAGE_BYTES = peak_memory(parse(DATA), infer(parse(DATA), MAX_BATCH)) / MAX_BATCH


@pytest.mark.parametrize(
    ("fitting", "batch"), [(0, MAX_BATCH), (9, MAX_BATCH), (17, 16), (63, 32), (65, 64), (10**6, MAX_CUDA_BATCH)]
)
def test_a_quarter_of_the_memory_holds_a_batch(monkeypatch: pytest.MonkeyPatch, fitting: int, batch: int) -> None:
    monkeypatch.setattr(sessions, "cuda_memory", lambda: int(4 * fitting * IMAGE_BYTES))
    assert batch_size(DATA) == batch
