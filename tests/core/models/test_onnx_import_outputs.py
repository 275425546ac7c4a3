"""Which outputs of a classifier of another program may be its answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from core.models.library import Library
from core.models.onnx_import import import_onnx, inspect_model
from tests.core.models.test_onnx_import import ANSWERS
from tests.core.models.test_onnx_import_kinds import changed, logits, theirs, two_answers, written


def test_each_output_that_may_be_the_answer_can_be_chosen(tmp_path: Path) -> None:
    library = Library(tmp_path / "shipped", tmp_path / "own")
    model = changed(two_answers)
    file = written(tmp_path, model)
    found = inspect_model(file, every_output=True)
    assert [(one.output, one.class_count, one.output_kind.split()[0]) for one in found] == [
        ("y", 3, "probabilities"),
        ("other", 5, "logits"),
    ]
    imported = import_onnx(file, replace(ANSWERS, classes=tuple("abcde"), output="other"), library).model
    np.testing.assert_allclose(logits(imported), theirs(model, "other"), rtol=2e-3, atol=2e-3)


def test_of_several_outputs_those_that_cannot_be_used_are_not_offered(tmp_path: Path) -> None:
    def yes_or_no(model: onnx.ModelProto) -> None:
        two_answers(model)
        model.graph.node[-1].output[0] = "logit"
        model.graph.node.append(helper.make_node("Sigmoid", ["logit"], ["other"]))

    assert [one.output for one in inspect_model(written(tmp_path, changed(yes_or_no)), every_output=True)] == ["y"]
