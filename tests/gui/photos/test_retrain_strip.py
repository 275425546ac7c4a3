"""The texts of the retrain strip: corrected and confirmed photos are counted separately."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.datasets.labels import Label
from core.training.values import CorrectionResult, RetrainingResult
from gui.photos.pending_corrections import PendingCorrections
from gui.photos.retrain_strip import headline, pending_text, running_text
from tests.labels import correction


def corrections_of(corrected: int, confirmed: int) -> list[Label]:
    labels = ["blue"] * corrected + ["red"] * confirmed
    return [correction(Path(f"{number}.png"), label, "colours", "red", 0.6) for number, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("corrected", "confirmed", "text"),
    [
        (1, 0, "1 correction"),
        (14, 0, "14 corrections"),
        (0, 1, "1 confirmed photo"),
        (1, 1, "1 corrected and 1 confirmed photo"),
        (14, 1200, "14 corrected and 1,200 confirmed photos"),
    ],
)
def test_corrections_and_confirmations_are_counted_separately(corrected: int, confirmed: int, text: str) -> None:
    ones = PendingCorrections(tuple(corrections_of(corrected, confirmed)), confirmed)
    assert pending_text(ones) == f"{text} not learned yet"
    assert running_text(ones) == f"Learning {text}"


def test_confirmed_photos_are_not_counted_as_fixed() -> None:
    predictions = ["blue", "red", "red", "red", "green"]
    summaries = tuple(
        CorrectionResult(one, "red", 0.6, now, 0.9) for one, now in zip(corrections_of(2, 3), predictions, strict=True)
    )
    summary = RetrainingResult("colours", 2, 1, 0, summaries, None, (), (), 1.0)
    assert headline(summary) == ("1 of 2 corrected photos are now right. 2 of 3 confirmed photos are still right.")
