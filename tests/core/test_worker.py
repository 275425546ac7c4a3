"""The channel between the window and its helpers, over a pipe."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import pytest

from core.base.errors import DatasetError, FoveaError
from core.base.progress import CancelToken, Progress
from core.datasets.problems import FolderError
from core.worker import Error, Event, Order, Result, Stopped, Warned, portable
from tests.calling import Window


@pytest.fixture
def window() -> Iterator[Window]:
    made = Window()
    yield made
    made.close()
    assert not made.worker.is_alive()


def add(a: int, b: int) -> int:
    return a + b


def steps(report: Callable[[Progress], None], token: CancelToken) -> str:
    """Report until it is cancelled."""
    number = 0
    while True:
        token.check()
        number += 1
        report(Progress("counting", number, 0, None))
        time.sleep(0.001)


def refuse() -> None:
    raise FolderError("Nothing.", hint="Other.", problems=(object(),))  # type: ignore[arg-type]


def fail() -> None:
    raise ZeroDivisionError("by zero")


def warn() -> None:
    logging.getLogger("core.test").warning("Mind %s.", "the gap")


def test_a_call_is_answered_by_its_result(window: Window) -> None:
    window.call(7, add, 1, 2)
    assert window.next() == Result(7, 3)


def test_errors_arrive_as_classes_that_the_window_knows(window: Window) -> None:
    window.call(1, refuse)
    answer = window.next()
    assert isinstance(answer, Error)
    assert (type(answer.error), str(answer.error)) == (DatasetError, "Nothing. Other.")
    assert not hasattr(answer.error, "problems")


def test_an_unexpected_error_is_an_answer_too(window: Window) -> None:
    window.call(1, fail)
    assert isinstance(window.next(), Warned)
    answer = window.next()
    assert isinstance(answer, Error)
    assert "ZeroDivisionError: by zero" in answer.error.what


def test_progress_arrives_until_cancelled_and_short_calls_overtake(window: Window) -> None:
    window.call(1, steps)
    assert isinstance(window.next(), Event)
    window.call(2, add, 1, 1)
    while not isinstance(answer := window.next(), Result):
        assert answer.id == 1
    assert answer == Result(2, 2)
    window.steer(1, Order.CANCEL)
    while not isinstance(answer := window.next(), Stopped):
        assert isinstance(answer, Event)
    assert answer.id == 1
    window.steer(1, Order.CANCEL)
    assert window.is_silent(0.05), "a call that has ended ignores orders"


def test_a_call_is_paused_and_resumed(window: Window) -> None:
    window.call(1, steps)
    window.next()
    window.steer(1, Order.PAUSE)
    while not window.is_silent(0.2):
        window.next()
    window.steer(1, Order.RESUME)
    assert isinstance(window.next(), Event)


def test_warnings_of_the_core_are_passed_on(window: Window) -> None:
    window.call(1, warn)
    assert window.next() == Warned("Mind the gap.")
    assert window.next() == Result(1, None)


def test_calls_end_when_the_window_closes(window: Window) -> None:
    window.call(1, steps)
    window.next()
    window.close()
    assert not window.worker.is_alive()


def test_portable_errors_are_of_classes_that_the_window_knows() -> None:
    class OwnError(FoveaError):
        """An error of a module that the window does not import."""

    made = portable(OwnError("Nothing.", hint="Other."))
    assert (type(made), made.what, made.hint) == (FoveaError, "Nothing.", "Other.")
