"""`fovea benchmark` in both forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.app import benchmark, litert_benchmark
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
    assert [round(time.ms, 3) for time in kept.times.values()] == [cpu["batch_ms"]["1"]]


def test_litert_files_are_measured_by_the_trainer(fovea: Fovea, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # with the built-in models
    seen: list[str] = []

    def convert(arguments: list[str], **_: object) -> dict[str, object]:
        command, folder = arguments
        seen.extend(
            json.loads((place / "card.json").read_text())["name"] for place in sorted(Path(folder).glob("[0-9]*"))
        )
        assert command == "litert-benchmark"
        return {"files": [[0, "float32", 13_000_000, 9.0], [0, "int8", 4_000_000, 3.0]]}

    monkeypatch.setattr(litert_benchmark, "run_trainer", convert)
    ran = fovea("benchmark", "--litert")
    assert (ran.code, ran.err) == (0, "")
    assert {"xception-imagenet", "mobilenet-v1", "mobilenet-v2", "efficientnet-lite0-imagenet"} == set(seen)
    assert ran.out.splitlines()[-1].split() == [seen[0], "int8", "4.0", "MB", "3.0"]
    table = fovea("models", "networks", "--format", "table").out
    assert "LiteRT float32" in table
    row = json.loads(fovea("models", "networks", "--format", "json").out)[-1]
    assert (row["kind"], row["litert_bytes"], row["litert_ms"]) == ("litert", 4_000_000, 3.0)
    assert json.loads(fovea("benchmark", "--litert", "--format", "json").out)["litert"][1] == {
        "backbone": seen[0], "storage": "int8", "size_bytes": 4_000_000, "ms": 3.0,
    }  # fmt: skip


@pytest.mark.usefixtures("colours")
def test_without_a_published_network_there_is_nothing_to_measure_as_litert(fovea: Fovea) -> None:
    ran = fovea("benchmark", "--litert")
    assert (ran.code, ran.out) == (2, "")
    assert "no backbone that can be measured as a LiteRT file" in ran.err
