"""`fovea models networks`: the article's table, recomputed."""

from __future__ import annotations

import json

from tests.core.cli.conftest import Fovea


def test_the_table(fovea: Fovea) -> None:
    ran = fovea("models", "networks", "--format", "table")
    assert (ran.code, ran.err) == (0, "")
    lines = {line.split("  ")[0]: line for line in ran.out.splitlines() if line}
    assert lines["Xception"].split()[1:7] == ["299", "22,910,480", "8,357,403,496", "91.6", "MB", "79.0%"]
    assert lines["VGG16"].split()[2] == "138,357,544"
    assert lines["MobileNetV2 (0.35, 0.43)"].endswith("TensorFlow-Slim, MobileNet checkpoints")


def test_as_json(fovea: Fovea) -> None:
    ran = fovea("models", "networks", "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    rows = {row["name"]: row for row in json.loads(ran.out)}
    assert len(rows) == 11
    assert rows["MobileNetV1 (0.25, 0.57)"] == {
        "name": "MobileNetV1 (0.25, 0.57)",
        "architecture": "MobileNetV1",
        "size": 128,
        "alpha": 0.25,
        "rho": 0.57,
        "weights": 475_544,
        "norm_weights": 10_944,
        "multiply_adds": 13_570_048,
        "float32_bytes": 1_902_176,
        "top1": 0.415,
        "top5": 0.663,
        "source": "TensorFlow-Slim, MobileNet checkpoints",
    }
