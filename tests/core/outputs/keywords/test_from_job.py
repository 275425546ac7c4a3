"""Which results become keywords."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.card_rules import Hierarchy
from core.jobs.values import Review, Row, State, Verdict
from core.models.library import open_library
from core.outputs.keywords.from_job import KeywordPolicy
from core.outputs.keywords.values import UNSURE
from core.prediction import Evidence, Level, Score
from tests import tiny

LEVELS = Level(("colour",), 0.95), Level(("colour", "warm"), 0.9)
ROW = Row(
    1, Path("a.jpg"), Path(), State.DONE, "red", 0.55, unknown=False, scores=(Score("red", 0.55),), model="tree",
    evidence=Evidence(0.1, levels=LEVELS),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _tree(home: Path) -> None:
    paths = ("colour", "warm", "red"), ("colour", "green"), ("blue",)
    open_library().install(*tiny.packaged_model("tree", hierarchy=Hierarchy(paths)))


def keyword(row: Row, policy: KeywordPolicy) -> tuple[str | None, tuple[str, ...]]:
    ((_, assigned),) = policy.assign([row])
    return assigned.label, assigned.groups


def test_a_sure_class_has_its_groups() -> None:
    assert keyword(ROW, KeywordPolicy(0.5)) == ("red", ("colour", "warm"))
    assert keyword(replace(ROW, label="blue"), KeywordPolicy(0.5)) == ("blue", ())
    assert keyword(replace(ROW, model="removed"), KeywordPolicy(0.5)) == ("red", ())


def test_an_unsure_class_gives_way_to_the_narrowest_group_that_is_sure_enough() -> None:
    assert keyword(ROW, KeywordPolicy(0.9)) == ("warm", ("colour",))
    assert keyword(ROW, KeywordPolicy(0.92)) == ("colour", ())
    assert keyword(ROW, KeywordPolicy(0.96)) == (None, ())
    assert keyword(ROW, KeywordPolicy(0.96, unsure=True)) == (UNSURE, ())


def test_an_unknown_photo_has_no_group() -> None:
    assert keyword(replace(ROW, unknown=True), KeywordPolicy(0.5)) == (None, ())


def test_a_label_of_the_user_has_the_groups_of_its_class() -> None:
    review = Review(Verdict.CORRECTED, "green")
    assert keyword(replace(ROW, review=review), KeywordPolicy(0.99)) == ("green", ("colour",))
