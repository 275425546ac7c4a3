"""`fovea models show --layers`: the statistics of models and files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from onnx import helper

from tests import tiny
from tests.core.cli.conftest import Fovea

_WEIGHTS = tiny.WIDTH * 27 + tiny.WIDTH * 3 + 3


@pytest.mark.usefixtures("colours")
def test_the_layers_of_a_model_are_shown(fovea: Fovea) -> None:
    ran = fovea("models", "show", "colours", "--layers")
    assert (ran.code, ran.err) == (0, "")
    lines = {line.split("  ")[0]: line for line in ran.out.splitlines()}
    assert lines["Weights"].endswith(f" {_WEIGHTS:,}")
    assert lines["Variant"].endswith(" float32")
    convolution = next(line for line in ran.out.splitlines() if "Conv 3 × 3" in line)
    assert convolution.split()[-3:] == ["216", "55,296", "100.0%"]
    assert "8 × 16 × 16" in convolution


@pytest.mark.usefixtures("colours")
def test_they_are_sorted_and_measured(fovea: Fovea) -> None:
    content = json.loads(fovea("models", "show", "colours", "--sort", "time", "--format", "json").out)
    times = [one["milliseconds"] or 0.0 for one in content["layers"]]
    assert times[0] > 0
    assert times == sorted(times, reverse=True)
    assert content["milliseconds"] == pytest.approx(sum(times) + content["other_milliseconds"])
    assert content["weights"] == content["published_weights"] == _WEIGHTS
    assert (content["kind"], content["name"], content["version"]) == ("model", "colours", 1)
    by_weights = fovea("models", "show", "colours", "--sort", "weights", "--format", "json")
    first = json.loads(by_weights.out)["layers"][0]
    assert (first["kind"], first["weights"], first["milliseconds"]) == ("Conv", 216, None)
    assert first["shape"] == [1, 8, 16, 16]


def test_a_file_from_anywhere_is_counted_and_its_unknown_operators_are_named(fovea: Fovea, tmp_path: Path) -> None:
    model = tiny.backbone_proto()
    model.graph.node.append(helper.make_node("Odd", ["features"], ["z"], domain="com.example"))
    file = tmp_path / "odd.onnx"
    file.write_bytes(model.SerializeToString())
    ran = fovea("models", "show", file)
    assert (ran.code, ran.err) == (0, "")
    assert "odd.onnx" in ran.out
    assert "Not counted: 1 operator “com.example.Odd”" in ran.out
    assert json.loads(fovea("models", "show", file, "--format", "json").out)["kind"] == "file"
    measured = fovea("models", "show", file, "--measure")
    assert measured.code == 2
    assert "com.example.Odd" in measured.err


@pytest.mark.usefixtures("colours")
def test_a_variant_that_does_not_exist_is_refused(fovea: Fovea) -> None:
    ran = fovea("models", "show", "colours", "--variant", "int8")
    assert ran.code == 2
    assert "Variants: float32." in ran.err


def test_separable_convolutions_are_compared_with_plain_ones(fovea: Fovea, tmp_path: Path) -> None:
    model = tiny.backbone_proto()
    for name, axes, group in (("depthwise", [8, 1, 3, 3], 8), ("pointwise", [24, 8, 1, 1], 1)):
        model.graph.initializer.add(
            name=name, data_type=1, dims=axes, raw_data=bytes(4 * axes[0] * axes[1] * axes[2] ** 2)
        )
        read = "feature_map" if group > 1 else "y_depthwise"
        model.graph.node.append(helper.make_node("Conv", [read, name], [f"y_{name}"], name=name, group=group))
    file = tmp_path / "separable.onnx"
    file.write_bytes(model.SerializeToString())
    shown = fovea("models", "show", file).out
    (line,) = (line for line in shown.splitlines() if line.startswith("depthwise + pointwise"))
    assert line.split()[3:] == ["264", "1,728", f"{264 * 14**2:,}", f"{1728 * 14**2:,}"]
    assert "6.5 times as many" in shown
