"""Applying one review to several rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.jobs.reviewing import correction_of, groups_of, review_of
from core.jobs.values import Review, Verdict
from core.prediction import Evidence, Level
from tests.rows import classified, failed

RED = classified(Path("/x/1.png"), ("red", 0.7), ("blue", 0.3))
TORN = failed(Path("/x/2.png"), number=2)
UNKNOWN = classified(RED.path, ("red", 0.7), ("blue", 0.3), unknown=True)


@pytest.mark.parametrize(
    ("said", "red", "others"),
    [
        (Review(Verdict.ACCEPTED), Review(Verdict.ACCEPTED, "red"), None),
        (Review(Verdict.CORRECTED, "red"), Review(Verdict.ACCEPTED, "red"), Review(Verdict.CORRECTED, "red")),
        (Review(Verdict.CORRECTED, "blue"), Review(Verdict.CORRECTED, "blue"), Review(Verdict.CORRECTED, "blue")),
        (Review(Verdict.SKIPPED), Review(Verdict.SKIPPED), Review(Verdict.SKIPPED)),
        (None, None, None),
    ],
)
def test_reviews_of_several_rows(said: Review | None, red: Review | None, others: Review | None) -> None:
    assert review_of(RED, said) == red
    assert review_of(TORN, said) == others
    assert review_of(UNKNOWN, said) == others


def test_an_unknown_prediction_is_learned_only_if_its_class_was_chosen() -> None:
    assert correction_of(UNKNOWN, Review(Verdict.ACCEPTED, "red")) is None  # as earlier versions stored it
    chosen = correction_of(UNKNOWN, Review(Verdict.CORRECTED, "red"))
    assert chosen is not None
    assert (chosen.label, chosen.unknown, chosen.is_confirmation) == ("red", True, False)
    other = correction_of(UNKNOWN, Review(Verdict.ACCEPTED, "green"))  # accepted when another model had answered
    assert other is not None
    assert other.label == "green"


def test_corrections_and_confirmations_are_learned() -> None:
    corrected = correction_of(RED, Review(Verdict.CORRECTED, "blue"))
    confirmed = correction_of(RED, Review(Verdict.ACCEPTED, "red"))
    assert corrected is not None
    assert confirmed is not None
    assert (corrected.predicted, corrected.confidence, corrected.label, corrected.is_confirmation) == (
        "red",
        0.7,
        "blue",
        False,
    )
    assert (confirmed.model, confirmed.path, confirmed.label, confirmed.is_confirmation) == (
        "colours",
        RED.path,
        "red",
        True,
    )


@pytest.mark.parametrize("review", [None, Review(Verdict.SKIPPED)])
def test_skipped_rows_teach_nothing(review: Review | None) -> None:
    assert correction_of(RED, review) is None


def test_rows_without_a_prediction_teach_nothing() -> None:
    assert correction_of(TORN, Review(Verdict.CORRECTED, "blue")) is None


def test_a_prediction_can_be_accepted_at_the_group_that_it_is_sure_of() -> None:
    evidence = Evidence(0.1, levels=(Level(("animal",), 0.99), Level(("animal", "bird"), 0.94)))
    plain = classified(Path("/x/owl.png"), ("owl", 0.5), ("hawk", 0.44))
    assert plain.prediction is not None
    owl = replace(plain, outcome=replace(plain.prediction, evidence=evidence))
    assert groups_of(owl) == ("bird", "animal")
    for said in (Review(Verdict.CORRECTED, "bird"), Review(Verdict.ACCEPTED, "bird")):
        assert review_of(owl, said) == Review(Verdict.ACCEPTED, "bird")
    assert review_of(owl, Review(Verdict.ACCEPTED)) == Review(Verdict.ACCEPTED, "owl")
    assert correction_of(owl, Review(Verdict.ACCEPTED, "bird")) is None  # a group is no class to train
    hawk = correction_of(owl, Review(Verdict.CORRECTED, "hawk"))
    assert hawk is not None
    assert hawk.label == "hawk"
    unknown = replace(owl, outcome=replace(plain.prediction, evidence=evidence, unknown=True))
    assert groups_of(unknown) == ()
    assert groups_of(TORN) == ()
