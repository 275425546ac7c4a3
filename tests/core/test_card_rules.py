"""The rules in a card are checked."""

from __future__ import annotations

import json

import pytest

from core.base.errors import ModelError
from core.card import read_card, write_card
from core.card_rules import OutOfSample, PredictionSets
from tests import tiny


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confidence", []),
        ("confidence", [0.5, 0.75]),
        ("confidence", [1.5, 0.5]),
        ("confidence", [True, 0.5]),
        ("confidence", [0.5] * 1001),
        ("unknown_scores", [0.5]),
        ("unknown_scores", [0.5, -0.1]),
        ("wrong", [2]),
        ("wrong", [-1]),
        ("wrong", [1, 0]),
        ("wrong", [0, 0]),
        ("wrong", [0.0]),
    ],
)
def test_what_a_model_said_out_of_sample_is_checked(field: str, value: object) -> None:
    content = json.loads(write_card(tiny.model_card(out_of_sample=OutOfSample((0.75, 0.5), (0, 1), (0,)))))
    content["out_of_sample"][field] = value
    with pytest.raises(ModelError, match=f"out_of_sample.{field}"):
        read_card(json.dumps(content).encode())


def test_a_list_of_numbers_is_one_line() -> None:
    card = tiny.model_card(sets=PredictionSets(0.9, (0.5, 0, 1e-07)), title="[ 1, 2 ]")
    assert '"thresholds": [0.5, 0, 1e-07]' in write_card(card).decode()
    assert '"[ 1, 2 ]"' in write_card(card).decode()
