"""Networks compared: published, measured on this machine, and the user's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.api import networks
from core.app import benchmark_record, network_comparison
from core.app.benchmark import BenchmarkResult, EngineTimings
from core.app.benchmark_record import BenchmarkRecord, load_record, save_litert, save_record
from core.app.values import ComparedNetwork, LiteRTTime, MeasuredTime, NetworkKind
from core.base import paths
from core.base.errors import ProviderError
from core.base.providers import ComputePrecision, Precision, Provider
from core.card import BackboneCard, read_card
from core.evaluation.kept import serialize_evaluation
from core.evaluation.metrics import evaluate
from core.models.library import open_library
from tests import tiny

SHIPPED = Path(__file__).parents[3] / "models"
pytestmark = pytest.mark.usefixtures("home")


def timing(backbone: str, computed_in: ComputePrecision, ms: float) -> EngineTimings:
    precision = Precision.EXACT if computed_in is ComputePrecision.FLOAT32 else Precision.AUTO
    return EngineTimings(backbone, Provider.CPU, precision, computed_in, 1.0, {1: ms, 8: ms}, None)


def measured(*timings: EngineTimings) -> BenchmarkResult:
    failed = ProviderError("No NVIDIA driver found.", hint="Use another provider.")
    cuda = EngineTimings("any", Provider.CUDA, Precision.AUTO, ComputePrecision.FLOAT32, None, {}, failed)
    return BenchmarkResult((cuda, *timings), 299, 12.0, 6.0)


def of_kind(kind: NetworkKind) -> list[ComparedNetwork]:
    return [one for one in networks.compare_networks().networks if one.kind is kind]


def shipped(name: str) -> BackboneCard:
    card = read_card((SHIPPED / name / "card.json").read_bytes())
    assert isinstance(card, BackboneCard)
    return card


def test_the_published_ones_are_always_there() -> None:
    found = networks.compare_networks()
    assert found.measured_at is None
    assert len(found.networks) == 13
    first = found.networks[0]
    assert (first.name, first.accuracy, first.weights, first.time) == ("Xception", 0.79, 22_910_480, None)


def test_the_fastest_time_of_a_benchmark_is_kept() -> None:
    save_record(measured(timing("a", ComputePrecision.INT8, 30), timing("a", ComputePrecision.FLOAT32, 86)))
    record = load_record()
    assert record.times == {"a": MeasuredTime(30, Provider.CPU, ComputePrecision.INT8)}
    assert networks.compare_networks().measured_at == record.measured_at


@pytest.mark.parametrize("change", [{"times": [{}]}, {"measured_at": 3}, {"times": None}, {"measured_at": "soon"}])
def test_a_damaged_record_counts_as_none(change: dict[str, object]) -> None:
    save_record(measured(timing("a", ComputePrecision.INT8, 30)))
    file = paths.cache_folder() / "benchmark.json"
    content = json.loads(file.read_text())
    for ms in ("NaN", '"fast"', "-1"):
        file.write_text(json.dumps(content).replace("30", ms))
        assert load_record() == BenchmarkRecord()
    file.write_text(json.dumps(content | change))
    assert load_record() == BenchmarkRecord()
    file.write_bytes(b"\xff")
    assert load_record() == BenchmarkRecord()


def test_a_record_that_cannot_be_written_costs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(benchmark_record.paths, "cache_folder", lambda: tmp_path / "file")
    save_record(measured())
    assert load_record() == BenchmarkRecord()


@pytest.mark.parametrize(("name", "title"), [("xception-imagenet", "Xception"), ("mobilenet-v2", "MobileNetV2 (1, 1)")])
def test_a_shipped_backbone_is_recognized_as_the_published_network(name: str, title: str) -> None:
    card = shipped(name)
    found = network_comparison.published_network(card)
    assert found is not None
    assert found.title == title
    assert network_comparison.published_network(replace(card, architecture="Other")) is None
    assert network_comparison.published_network(replace(card, multiply_adds=card.multiply_adds // 2)) is None


def test_measured_backbones_have_their_networks_accuracy_and_their_own_cost() -> None:
    save_record(measured(timing("mobilenet-v2", ComputePrecision.FLOAT32, 9.5)))
    (one,) = of_kind(NetworkKind.MEASURED)
    card = shipped("mobilenet-v2")
    assert (one.name, one.accuracy, one.multiply_adds) == ("MobileNetV2 (1, 1)", 0.718, card.multiply_adds)
    assert one.time == MeasuredTime(9.5, Provider.CPU, ComputePrecision.FLOAT32)


def test_the_backbone_of_a_built_in_model_is_measured_too() -> None:
    save_record(measured(timing("efficientnet-lite0-imagenet", ComputePrecision.FLOAT32, 7.0)))
    (one,) = of_kind(NetworkKind.MEASURED)
    (published,) = (it for it in of_kind(NetworkKind.PUBLISHED) if it.name == one.name == "EfficientNet-Lite0")
    assert one.accuracy == published.accuracy == 0.751
    assert published.multiply_adds == one.multiply_adds + 1280 * 1000


def test_litert_files_are_compared_with_the_accuracy_of_their_network() -> None:
    files = (LiteRTTime("mobilenet-v2", "int8", 2_600_000, 3.5), LiteRTTime("gone", "int8", 1, 1.0))
    save_litert(files)
    save_record(measured(timing("mobilenet-v2", ComputePrecision.FLOAT32, 9.5)))
    assert load_record().litert == files
    (one,) = of_kind(NetworkKind.LITERT)
    assert (one.name, one.accuracy, one.size_bytes) == ("MobileNetV2 (1, 1), LiteRT int8", 0.718, 2_600_000)
    assert one.time == MeasuredTime(3.5, Provider.CPU, ComputePrecision.INT8)
    file = paths.cache_folder() / "litert.json"
    file.write_text(file.read_text().replace("3.5", "-1"))
    assert load_record().litert == ()
    assert load_record().times


def test_own_models_are_shown_in_the_version_that_was_evaluated(tmp_path: Path) -> None:
    logits, labels = np.eye(3, dtype=np.float32)[[0, 2, 2, 2, 2]], np.array([0, 0, 2, 2, 2])
    found = evaluate(logits, labels, tiny.CLASSES, temperature=1.0, paths=[tmp_path / f"{row}.png" for row in range(5)])
    kept = serialize_evaluation(found)
    library = open_library()
    library.install(*tiny.packaged_model("mine"), evaluation=kept)
    library.install(*tiny.packaged_model("mine", title="Newer"))
    library.install(*tiny.packaged_model("never-tested"))
    save_record(measured(timing(library.find("mine").backbone.name, ComputePrecision.FLOAT32, 2.0)))
    (one,) = of_kind(NetworkKind.OWN)
    assert (one.accuracy, one.images, one.interval, one.source) == (0.8, 5, found.interval, "")
    assert one.time == MeasuredTime(2.0, Provider.CPU, ComputePrecision.FLOAT32)
