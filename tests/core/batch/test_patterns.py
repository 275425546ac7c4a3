"""Which paths patterns mean."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.batch.patterns import Patterns
from core.errors import UsageError

PATHS = [
    "a.jpg",
    "B.JPG",
    "c.png",
    "2024/a.jpg",
    "2024/raw/a.jpg",
    "2024/x/y/raw/b.png",
    "raw/c[1].png",
    "x/2024/d.jpg",
]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.png", "c.png 2024/x/y/raw/b.png raw/c[1].png"),
        ("?.jpg", "a.jpg B.JPG 2024/a.jpg 2024/raw/a.jpg x/2024/d.jpg"),
        ("raw", "2024/raw/a.jpg 2024/x/y/raw/b.png raw/c[1].png"),
        ("raw/", "2024/raw/a.jpg 2024/x/y/raw/b.png raw/c[1].png"),
        ("/2024", "2024/a.jpg 2024/raw/a.jpg 2024/x/y/raw/b.png"),
        ("2024/raw", "2024/raw/a.jpg"),
        ("2024/**/raw", "2024/raw/a.jpg 2024/x/y/raw/b.png"),
        ("2024/*", "2024/a.jpg 2024/raw/a.jpg 2024/x/y/raw/b.png"),
        ("2024/*.jpg", "2024/a.jpg"),
        ("**/2024/*.jpg", "2024/a.jpg x/2024/d.jpg"),
        ("./2024/*.jpg", "2024/a.jpg"),
        ("2024/**", "2024/a.jpg 2024/raw/a.jpg 2024/x/y/raw/b.png"),
        ("[ab].*", "a.jpg B.JPG 2024/a.jpg 2024/raw/a.jpg 2024/x/y/raw/b.png"),
        ("[!ab].*", "c.png x/2024/d.jpg"),
        ("c[[]1].png", "raw/c[1].png"),
        ("c[1.png", ""),
        ("a+b", ""),
        ("w/raw", ""),
    ],
)
def test_a_pattern_means_these_paths(pattern: str, expected: str) -> None:
    included = Patterns.of([pattern], [])
    assert [path for path in PATHS if included.count(path)] == expected.split()
    excluded = Patterns.of([], [pattern])
    assert [path for path in PATHS if not excluded.count(path)] == expected.split()


def test_one_of_the_included_is_enough_and_one_of_the_excluded_too_much() -> None:
    patterns = Patterns.of(["*.png", "x"], ["raw", "**/y"])
    assert [path for path in PATHS if patterns.count(path)] == ["c.png", "x/2024/d.jpg"]


@pytest.mark.parametrize("pattern", ["", "/", ".", "./", "[z-a]"])
def test_a_pattern_that_means_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="means nothing"):
        Patterns.of([pattern], [])


@given(st.text("ab*?[]!^-\\/.+(|", max_size=8))
def test_whatever_is_written_means_something_or_is_refused(pattern: str) -> None:
    with contextlib.suppress(UsageError):
        Patterns.of([pattern], [])
