"""Models whose images may have several classes, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.models import library
from tests import teaching
from tests.core.cli.conftest import Fovea


@pytest.fixture(autouse=True)
def _tiny_backbone(home: Path) -> None:
    teaching.replace_backbone(home)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    teaching.write_table(tmp_path / "labels.csv", teaching.write_label_sets(tmp_path / "photos", 100))
    return tmp_path / "photos"


def test_a_model_is_trained_by_a_table(fovea: Fovea, folder: Path) -> None:
    table = folder.parent / "labels.csv"
    ran = fovea("train", folder, "--name", "mine", "--labels", table, "--format", "json")
    assert ran.code == 0
    content = json.loads(ran.out)
    assert content["classes"] == ["blue", "green", "red"]
    assert content["mean_average_precision"] > 0.9
    assert content["accuracy"] == content["exact_match"] > 0.5
    assert (content["confusion"], content["outlook"]) == (None, None)
    assert len(content["thresholds"]) == 3
    assert "--labels labels.csv" in content["training"]["command"]
    card = library.open_library().find("mine").card
    assert card.is_multi_label
    shown = fovea("train", folder, "--name", "mine", "--labels", table).out
    assert "mean average precision" in shown
    assert "threshold" in shown


def test_only_one_source_of_labels_is_possible(fovea: Fovea, folder: Path) -> None:
    ran = fovea("train", folder, "--name", "mine", "--keywords", "--multi-label")
    assert ran.code == 2
    assert "not allowed with" in ran.err
    ran = fovea("train", folder, "--name", "mine", "--multi-label", "--recipe", "fine-tune")
    assert ran.code == 2
    assert "can't be fine-tuned" in ran.err
