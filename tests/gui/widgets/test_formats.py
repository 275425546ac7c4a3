"""The formatting of numbers."""

from __future__ import annotations

import math

import pytest

from gui.widgets.formats import NO_VALUE, confidence, duration, milliseconds, percent, size


@pytest.mark.parametrize(
    ("fraction", "short", "long"),
    [
        (1.0, "100%", "100%"),
        (0.99996, "> 99%", "> 99.9%"),
        (0.9951, "> 99%", "99.5%"),
        (0.9949, "99%", "99.5%"),
        (0.9, "90%", "90.0%"),
        (0.0049, "< 1%", "0.5%"),
        (0.00001, "< 1%", "< 0.1%"),
        (0.0, "0%", "0%"),
        (None, NO_VALUE, NO_VALUE),
        (math.nan, NO_VALUE, NO_VALUE),
        (math.inf, NO_VALUE, NO_VALUE),
    ],
)
def test_percentages_near_the_ends_are_not_rounded_to_them(fraction: float | None, short: str, long: str) -> None:
    assert (percent(fraction), percent(fraction, 1)) == (short, long)


def test_no_model_is_certain() -> None:
    assert [confidence(one) for one in (1.0, 0.97, 0.0)] == ["> 99%", "97%", "0%"]


def test_spans_and_sizes() -> None:
    assert size(4_200) == "4.2 kB"
    assert (milliseconds(4.56), milliseconds(291.5), milliseconds(12_480)) == ("4.6 ms", "292 ms", "12,480 ms")
    assert (size(9_100_000), duration(0.2), duration(300), duration(9000)) == (
        "9.1 MB",
        "1 second",
        "5 minutes",
        "2 h 30 min",
    )
