"""The evaluation of a multi-label model is kept with its version."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.evaluation.kept import load_evaluation, serialize_evaluation
from core.evaluation.multi_label import evaluate_label_sets
from core.models.installed import EVALUATION
from tests import teaching


def test_it_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    logits = np.array([[3, -3], [-1, 2], [-2, -2]], np.float32)
    labels = np.array([[1, 0], [1, 1], [0, 0]])
    paths = [tmp_path / f"{number}.jpg" for number in range(3)]
    found = evaluate_label_sets(logits, labels, ("red", "green"), (0.5, 0.4), temperature=1.1, paths=paths)
    model = replace(teaching.make_library(tmp_path).find("colours"), folder=tmp_path, has_evaluation=True)
    (tmp_path / EVALUATION).write_bytes(serialize_evaluation(found))
    assert load_evaluation(model) == found
    content = json.loads((tmp_path / EVALUATION).read_bytes())
    content["evaluation"]["predictions"][0]["labels"] = ["violet"]
    (tmp_path / EVALUATION).write_text(json.dumps(content))
    assert load_evaluation(model) is None
