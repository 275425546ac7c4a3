"""What accepting predictions means, against counting by hand and SciPy's Kolmogorov-Smirnov test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ks_2samp

from core.card import ModelCard
from core.card_rules import SCORE_DIGITS, OutOfSample, UnknownRule
from core.evaluation.acceptance import (
    MIN_ACCEPTED,
    Acceptance,
    acceptance_text,
    accuracy_above,
    find_drift,
    known_scores,
)
from core.evaluation.intervals import accuracy_of
from tests import tiny

RULE = UnknownRule("bank.npz", "0" * 64, 0.02, -5.0, 8.0, 0.15)


def measured(count: int = 300, **changes: object) -> ModelCard:
    """A card that knows of this many images: the more confident, the more often right."""
    draw = np.random.default_rng(4)
    sure = np.sort(draw.uniform(0.3, 1, count).round(2))[::-1]
    scores, wrong = draw.uniform(0, 1, count).round(SCORE_DIGITS), draw.uniform(size=count) > sure
    found = OutOfSample(tuple(sure.tolist()), tuple(scores.tolist()), tuple(np.flatnonzero(wrong).tolist()))
    return replace(tiny.model_card(), out_of_sample=found, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{}, {"unknown": RULE}, {"unknown_below": 0.55}])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.55, 0.7, 0.905])
def test_only_known_images_that_are_sure_enough_count(threshold: float, changes: dict[str, object]) -> None:
    card = measured(**changes)
    assert card.out_of_sample is not None
    pairs = zip(card.out_of_sample.confidence, card.out_of_sample.unknown_scores, strict=True)
    least = max(threshold, card.unknown_below or 0)
    taken = [at for at, (sure, score) in enumerate(pairs) if sure >= least and not (card.unknown and score > 0.5)]
    right = [at for at in taken if at not in card.out_of_sample.wrong]
    assert accuracy_above(card, threshold) == (
        accuracy_of(len(right), len(taken)) if len(taken) >= MIN_ACCEPTED else None
    )


def test_nothing_is_made_up() -> None:
    assert accuracy_above(tiny.model_card(), 0.5) is None
    assert accuracy_above(measured(MIN_ACCEPTED), 0.0) is not None
    assert accuracy_above(measured(MIN_ACCEPTED - 1), 0.0) is None


def test_the_text_says_what_is_known() -> None:
    found = Acceptance(0.85, 92, 100, is_measured=True, accuracy=accuracy_of(178, 180))
    assert acceptance_text(found) == (
        "At 85% confidence or more, 92.0% of the photos are accepted, an estimated 1.1% of them wrong (0.3% to 4.0%)."
    )
    assert "too few such photos" in acceptance_text(replace(found, accuracy=None))
    assert "isn't known for this model" in acceptance_text(replace(found, accuracy=None, is_measured=False))
    assert "no photo is accepted" in acceptance_text(replace(found, accepted=0))
    drift = find_drift([0.1, 0.2, 0.3, 0.4] * 50, [0.35] * 50)
    assert acceptance_text(replace(found, drift=drift)).endswith(
        "(0.3% to 4.0%). The estimate isn't reliable here. These photos are unlike the training photos: 100% of them "
        "are unusually far from those; 25% would be normal."
    )
    assert acceptance_text(replace(found, drift=find_drift([0.1, 0.2] * 50, [0.1, 0.2] * 50))) == acceptance_text(found)


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.2, 0.5])
def test_drift_is_the_one_sided_test_of_kolmogorov_and_smirnov(shift: float) -> None:
    draw = np.random.default_rng(8)
    known = tuple(draw.beta(1, 5, 400).round(SCORE_DIGITS).tolist())
    scores = (draw.beta(1, 5, 150) * (1 - shift) + shift).tolist()
    found = find_drift(known, scores)
    expected = ks_2samp(np.round(scores, SCORE_DIGITS), known, alternative="less", method="asymp")
    assert found is not None
    assert found.images == 150
    assert found.fraction - found.expected == pytest.approx(expected.statistic, abs=1e-9)
    assert found.p == pytest.approx(expected.pvalue, abs=0.02)
    assert found.is_significant == (shift > 0)


def test_images_nearer_than_usual_are_no_drift() -> None:
    found = find_drift([0.2, 0.4, 0.6] * 100, [0.01] * 500)
    assert found is not None
    assert not found.is_significant
    assert find_drift([], [0.5]) is None
    assert find_drift([0.5], []) is None


def test_scores_by_confidence_say_nothing_about_features() -> None:
    assert known_scores(measured()) == ()
    assert len(known_scores(measured(unknown=RULE))) == 300
    assert known_scores(None) == known_scores(tiny.model_card()) == ()
