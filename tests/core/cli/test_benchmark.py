"""`fovea benchmark` in both forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.app import benchmark
from core.app.benchmark_record import load_record
from core.base import paths
from tests.core.cli.conftest import Fovea


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the tiny model, and a small photo: the figures themselves do not matter here."""
    monkeypatch.setattr(benchmark, "PHOTO", (400, 300))
    monkeypatch.setattr(paths, "builtin_models", lambda: tmp_path / "none")


@pytest.mark.usefixtures("colours")
def test_the_table_shows_each_provider_and_decoding(fovea: Fovea) -> None:
    ran = fovea("benchmark")
    assert (ran.code, ran.err) == (0, "")
    for expected in ("CPU", "OpenVINO", "CUDA", "batch of 1", "batch of 8", "in parallel"):
        assert expected in ran.out


@pytest.mark.usefixtures("colours")
def test_json_has_a_time_for_each_batch(fovea: Fovea) -> None:
    content = json.loads(fovea("benchmark", "--format", "json").out)
    (cpu,) = (one for one in content["engines"] if one["provider"] == "cpu")
    assert (cpu["works"], set(cpu["batch_ms"])) == (True, {"1", "8"})
    assert content["decode"]["ms"] > 0
    kept = load_record()
    assert kept is not None
    assert [round(time.ms, 3) for time in kept.times.values()] == [cpu["batch_ms"]["1"]]
