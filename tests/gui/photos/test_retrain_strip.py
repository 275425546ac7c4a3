"""What the strip says: corrections and confirmed answers are counted apart, before they are learnt and afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.datasets.corrections import Correction
from core.services.training_values import CorrectionSummary, RetrainingSummary
from gui.photos.retrain_strip import describe_corrections, headline


def corrections_of(corrected: int, confirmed: int) -> list[Correction]:
    labels = ["blue"] * corrected + ["red"] * confirmed
    return [Correction(Path(f"{number}.png"), "red", 0.6, label, "colours") for number, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("corrected", "confirmed", "words"),
    [
        (1, 0, "1 correction"),
        (14, 0, "14 corrections"),
        (0, 1, "1 confirmed answer"),
        (14, 1200, "14 corrections and 1,200 confirmed answers"),
    ],
)
def test_corrections_are_counted_apart(corrected: int, confirmed: int, words: str) -> None:
    assert describe_corrections(corrections_of(corrected, confirmed)) == words


def test_what_was_confirmed_is_not_said_to_be_fixed() -> None:
    named = ["blue", "red", "red", "red", "green"]
    learnt = tuple(
        CorrectionSummary(one, "red", 0.6, now, 0.9) for one, now in zip(corrections_of(2, 3), named, strict=True)
    )
    facts = RetrainingSummary("colours", 2, 1, ("red", "green", "blue"), learnt, None, (), (), 1.0)
    assert headline(facts) == (
        "1 of 2 corrected photos is now named rightly and 2 of 3 confirmed photos are still named rightly."
    )
