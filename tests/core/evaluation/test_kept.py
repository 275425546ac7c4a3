"""The evaluation that is kept with a version, and read again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import api
from core.evaluation.kept import load_evaluation, serialize_evaluation
from core.evaluation.metrics import evaluate
from core.evaluation.values import Evaluation, OutOfSampleCalibration
from core.models.installed import EVALUATION
from core.models.library import open_library
from core.models.values import InstalledModel
from tests import tiny


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    """Five images of two of three classes, one of them misclassified."""
    logits, labels = np.eye(3, dtype=np.float32)[[0, 2, 2, 2, 2]] * 3, np.array([0, 0, 2, 2, 2])
    paths = [tmp_path / f"{row}.png" for row in range(5)]
    return evaluate(logits, labels, tiny.CLASSES, temperature=1.5, paths=paths)


def install(evaluation: bytes | None) -> InstalledModel:
    return open_library().install(*tiny.packaged_model(), evaluation=evaluation)


@pytest.mark.usefixtures("home")
def test_it_is_read_as_it_was(evaluation: Evaluation) -> None:
    model = install(serialize_evaluation(evaluation))
    assert model.has_evaluation
    assert load_evaluation(model) == evaluation
    assert api.load_evaluation(f"{model.name}@{model.version}") == evaluation


@pytest.mark.usefixtures("home")
def test_those_of_earlier_versions_lack_the_calibration_out_of_sample(evaluation: Evaluation) -> None:
    measured = OutOfSampleCalibration(evaluation.raw, evaluation.calibrated, is_cross_validated=True)
    content = json.loads(serialize_evaluation(replace(evaluation, out_of_sample=measured)))
    assert load_evaluation(install(json.dumps(content).encode())) == replace(evaluation, out_of_sample=measured)
    del content["evaluation"]["out_of_sample"]
    assert load_evaluation(install(json.dumps(content).encode())) == evaluation


@pytest.mark.usefixtures("home")
def test_a_version_without_one_has_none() -> None:
    model = install(None)
    assert not model.has_evaluation
    assert load_evaluation(model) is None


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("damage", ["", "[]", '{"format": 2}', '{"format": 1, "evaluation": {"classes": 3}}'])
def test_a_damaged_one_is_ignored(damage: str) -> None:
    assert load_evaluation(install(damage.encode())) is None


@pytest.mark.usefixtures("home")
def test_predictions_of_unknown_classes_are_damage(evaluation: Evaluation) -> None:
    content = json.loads(serialize_evaluation(evaluation))
    content["evaluation"]["predictions"][0]["label"] = "mauve"
    model = install(None)
    (model.folder / EVALUATION).write_text(json.dumps(content))
    assert load_evaluation(open_library().find(model.name)) is None
