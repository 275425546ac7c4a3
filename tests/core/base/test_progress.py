"""Progress is reported often enough and not too often, and work can be called off from another thread."""

from __future__ import annotations

import threading

import pytest

from core.base.errors import Cancelled
from core.base.progress import CancelToken, Progress, ProgressReporter
from tests.patience import PATIENCE_S


class _Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _run(steps: int, seconds_each: float, *, stop_after: int | None = None) -> list[Progress]:
    expected: list[Progress] = []
    clock = _Clock()
    stage = ProgressReporter("working", steps, expected.append, now=clock)
    for _ in range(steps if stop_after is None else stop_after):
        clock.now += seconds_each
        stage.advance()
    return expected


def test_the_first_and_the_last_step_are_always_reported() -> None:
    expected = _run(1000, 0.0001)
    assert expected[0] == Progress("working", 0, 1000, None)
    assert expected[-1] == Progress("working", 1000, 1000, 0.0)


def test_at_most_twenty_reports_a_second() -> None:
    expected = _run(10_000, 0.001)  # ten seconds
    assert 190 <= len(expected) <= 202
    assert [progress.step for progress in expected] == sorted(progress.step for progress in expected)


def test_slow_steps_are_each_reported() -> None:
    assert [progress.step for progress in _run(5, 1.0)] == [0, 1, 2, 3, 4, 5]


def test_no_estimate_before_there_is_evidence() -> None:
    assert [progress.remaining_s for progress in _run(100, 0.1, stop_after=4)] == [None] * 5


def test_the_estimate_is_what_is_left_at_the_speed_so_far() -> None:
    assert _run(100, 0.25, stop_after=40)[-1].remaining_s == pytest.approx(15)


def test_the_estimate_forgets_how_fast_cached_steps_were() -> None:
    expected: list[Progress] = []
    clock = _Clock()
    stage = ProgressReporter("working", 1_000_000 + 1000, expected.append, now=clock)
    stage.advance(1_000_000)
    for _ in range(400):
        clock.now += 1.0
        stage.advance()
    assert expected[-1].remaining_s == pytest.approx(600)


def test_a_stage_of_no_steps_is_finished_at_once() -> None:
    assert _run(0, 1.0) == [Progress("working", 0, 0, 0.0)]


def test_more_steps_than_the_total_count_as_the_total() -> None:
    expected: list[Progress] = []
    stage = ProgressReporter("working", 3, expected.append, now=_Clock())
    stage.advance(5)
    stage.advance()
    assert [progress.step for progress in expected] == [0, 3]


def test_work_is_called_off_from_another_thread() -> None:
    token = CancelToken()
    token.check()
    assert not token.cancelled
    thread = threading.Thread(target=token.cancel)
    thread.start()
    thread.join()
    token.cancel()
    assert token.cancelled
    with pytest.raises(Cancelled):
        token.check()


def _checked(token: CancelToken) -> tuple[threading.Thread, list[str]]:
    """A thread that looks at a token, and what came of that."""
    outcome: list[str] = []

    def look() -> None:
        try:
            token.check()
            outcome.append("went on")
        except Cancelled:
            outcome.append("called off")

    thread = threading.Thread(target=look)
    thread.start()
    return thread, outcome


@pytest.mark.parametrize(("end", "outcome"), [("resume", "went on"), ("cancel", "called off")])
def test_paused_work_waits_until_it_may_go_on_or_is_called_off(end: str, outcome: str) -> None:
    token = CancelToken()
    token.pause()
    assert token.paused
    thread, found = _checked(token)
    thread.join(0.3)
    assert not found
    getattr(token, end)()
    thread.join(PATIENCE_S)
    assert found == [outcome]
