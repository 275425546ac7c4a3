"""The speed of a model: images per second lately, and latencies."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.prediction import Failure, Outcome, Prediction, Score, Timing
from gui.session import speed
from gui.session.speed import Speed

FAILURE = Failure(Path("broken.png"), "damaged", "It is damaged.", "Copy it again.")


def predicted(inference_ms: float, name: str = "red.png") -> Outcome:
    return Prediction(Path(name), (Score("red", 1.0),), None, "colours", "cpu", Timing(1, 1, inference_ms))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time; the last value is now."""
    times = [100.0]
    monkeypatch.setattr(speed.time, "monotonic", lambda: times[-1])
    return times


def test_only_the_last_seconds_count(clock: list[float]) -> None:
    measured = Speed()
    assert measured.images_per_second() == 0
    for outcome in (predicted(10), FAILURE, predicted(10)):
        measured.add(outcome)
        clock.append(clock[-1] + 0.5)
    assert measured.images_per_second() == pytest.approx(2 / 1.5)
    clock.append(clock[-1] + 60)
    assert measured.images_per_second() == 0


def test_features_that_were_kept_have_no_speed(clock: list[float]) -> None:
    measured = Speed()
    for _ in range(200):
        measured.add(predicted(240))
        clock.append(clock[-1] + 0.002)
    assert measured.images_per_second() == 0, "computing them takes 48 s, not 0.4 s"
    for _ in range(4):
        clock.append(clock[-1] + 0.25)
        measured.add(predicted(240))
    clock.append(clock[-1] + 2.5)
    measured.add(predicted(240))
    assert measured.images_per_second() > 0


def test_latency_is_that_of_predictions() -> None:
    measured = Speed()
    measured.add(FAILURE)
    assert measured.latency_text() == "no photos yet"
    measured.add(predicted(10))
    assert measured.latency_text() == "10.0 ms (1 photo)"
    measured.add(predicted(10))
    assert measured.latency_text() == "10.0 ms (1 photo)", "classified again, it is the same photo"
    measured.add(predicted(20, "blue.png"))
    assert measured.latency_text() == "median 15.0 ms, 95% within 19.5 ms (2 photos)"
