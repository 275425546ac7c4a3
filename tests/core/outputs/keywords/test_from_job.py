"""Which results become keywords."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.card_rules import Hierarchy
from core.jobs.values import Review, Row, Verdict
from core.models.library import open_library
from core.outputs.keywords.from_job import KeywordPolicy
from core.outputs.keywords.values import UNSURE
from core.prediction import Evidence, Level
from tests import tiny
from tests.rows import classified

LEVELS = Level(("colour",), 0.95), Level(("colour", "warm"), 0.9)


def row(label: str = "red", *, unknown: bool = False, model: str = "tree", review: Review | None = None) -> Row:
    """A row of which the class is hardly sure, and its groups are."""
    found = classified(Path("a.jpg"), (label, 0.55), unknown=unknown, review=review)
    assert found.prediction is not None
    outcome = replace(found.prediction, evidence=Evidence(0.1, levels=LEVELS))
    return replace(found, outcome=outcome, model=model)


@pytest.fixture(autouse=True)
def _tree(home: Path) -> None:
    paths = ("colour", "warm", "red"), ("colour", "green"), ("blue",)
    open_library().install(*tiny.packaged_model("tree", hierarchy=Hierarchy(paths)))


def keyword(one: Row, policy: KeywordPolicy) -> tuple[str | None, tuple[str, ...]]:
    ((_, assigned),) = policy.assign([one])
    return assigned.label, assigned.groups


def test_a_sure_class_has_its_groups() -> None:
    assert keyword(row(), KeywordPolicy(0.5)) == ("red", ("colour", "warm"))
    assert keyword(row("blue"), KeywordPolicy(0.5)) == ("blue", ())
    assert keyword(row(model="removed"), KeywordPolicy(0.5)) == ("red", ())


def test_an_unsure_class_gives_way_to_the_narrowest_group_that_is_sure_enough() -> None:
    assert keyword(row(), KeywordPolicy(0.9)) == ("warm", ("colour",))
    assert keyword(row(), KeywordPolicy(0.92)) == ("colour", ())
    assert keyword(row(), KeywordPolicy(0.96)) == (None, ())
    assert keyword(row(), KeywordPolicy(0.96, unsure=True)) == (UNSURE, ())


def test_an_unknown_photo_has_no_group() -> None:
    assert keyword(row(unknown=True), KeywordPolicy(0.5)) == (None, ())


def test_a_label_of_the_user_has_the_groups_of_its_class() -> None:
    review = Review(Verdict.CORRECTED, "green")
    assert keyword(row(review=review), KeywordPolicy(0.99)) == ("green", ("colour",))
