"""The rules in a card, which may come from anywhere."""

from __future__ import annotations

import json

import pytest

from core.base.errors import ModelError
from core.card import read_card, write_card
from core.card_rules import Hierarchy, OutOfSample, PredictionSets, UnknownRule
from tests import tiny

PATHS = [["warm", "red"], ["cold", "green"], ["blue"]]


def with_hierarchy(value: object) -> bytes:
    return json.dumps(json.loads(write_card(tiny.model_card())) | {"hierarchy": value}).encode()


@pytest.mark.parametrize(
    "rules",
    [
        {"unknown": UnknownRule("bank.npz", "0" * 64, 0.02, -5, 8.0, 0.15)},
        {"sets": PredictionSets(0.9, (0.5, 0, 1.0))},
        {"out_of_sample": OutOfSample((1, 0.75, 0.75), (0, 0.5, 1), (1, 2))},
        {"thresholds": (0.5, 0.001, 0.999)},
        {"hierarchy": Hierarchy((("warm", "red"), ("cold", "dark", "green"), ("blue",)), 0.75)},
    ],
)
def test_rules_are_read_as_they_were_written(rules: dict[str, object]) -> None:
    card = tiny.model_card(**rules)
    assert read_card(write_card(card)) == card


@pytest.mark.parametrize(
    "paths",
    [
        *(PATHS[:2], [*PATHS, ["x"]], [["red"], [], ["blue"]], "red", [["warm", "pink"], *PATHS[1:]]),
        *([["warm", 1, "red"], *PATHS[1:]], [["\n", "red"], *PATHS[1:]], [["x"] * 30 + ["red"], *PATHS[1:]]),
    ],
)
def test_paths_that_are_not_those_of_the_classes_are_refused(paths: object) -> None:
    with pytest.raises(ModelError, match="paths"):
        read_card(with_hierarchy({"paths": paths, "minimum": 0.8}))


@pytest.mark.parametrize("minimum", [0.5, 1.1, "high", None])
def test_a_level_is_sure_only_above_one_half(minimum: object) -> None:
    """Otherwise two levels beside each other could be."""
    with pytest.raises(ModelError, match="minimum"):
        read_card(with_hierarchy({"paths": PATHS, "minimum": minimum}))


def test_classes_without_groups_are_no_hierarchy() -> None:
    assert Hierarchy.of(("red", "blue"), {"green": ("cold", "green"), "red": ("red",)}) is None
    found = Hierarchy.of(("red", "green"), {"green": ("cold", "green")})
    assert found is not None
    assert found.paths == (("red",), ("cold", "green"))
    assert found.known == {"red": ("red",), "green": ("cold", "green")}


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


# ---- multi-label models


def with_thresholds(thresholds: object, **changes: object) -> bytes:
    content = json.loads(write_card(tiny.model_card(thresholds=(0.5, 0.5, 0.5))))
    content["multi_label"]["thresholds"] = thresholds
    return json.dumps(content | changes).encode()


@pytest.mark.parametrize(
    "thresholds",
    [[], [0.5, 0.5], [0.5] * 4, [0, 0.5, 0.5], [0.5, 1, 0.5], [0.5, "0.5", 0.5], [True, 0.5, 0.5], None, "0.5"],
)
def test_thresholds_that_are_none_are_refused(thresholds: object) -> None:
    with pytest.raises(ModelError, match=r"multi_label\.thresholds"):
        read_card(with_thresholds(thresholds))


@pytest.mark.parametrize("value", [[], 0.5, True, {}])
def test_a_multi_label_model_needs_thresholds(value: object) -> None:
    with pytest.raises(ModelError, match="multi_label"):
        read_card(json.dumps(json.loads(write_card(tiny.model_card())) | {"multi_label": value}).encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("unknown_below", 0.5),
        ("sets", {"coverage": 0.9, "thresholds": [0.5, 0.5, 0.5]}),
        ("hierarchy", {"paths": PATHS, "minimum": 0.8}),
        ("out_of_sample", {"confidence": [0.5], "unknown_scores": [0], "wrong": []}),
    ],
)
def test_rules_for_exactly_one_class_do_not_apply_to_several(field: str, value: object) -> None:
    with pytest.raises(ModelError, match=field):
        read_card(with_thresholds([0.5] * 3, **{field: value}))


def test_only_multi_label_models_need_this_version_of_fovea() -> None:
    several, one = tiny.model_card(thresholds=(0.5, 0.5, 0.5)), tiny.model_card()
    assert (several.is_multi_label, one.is_multi_label) == (True, False)
    formats = [json.loads(write_card(card))["format"] for card in (several, one, tiny.backbone_card())]
    assert formats == [2, 1, 1]
    assert "multi_label" not in json.loads(write_card(one))
