"""Matching paths against patterns."""

from __future__ import annotations

import contextlib
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import UsageError
from core.jobs.patterns import Patterns

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
def test_a_pattern_matches_these_paths(pattern: str, expected: str) -> None:
    included = Patterns.of([pattern], [])
    assert [path for path in PATHS if included.includes(path)] == expected.split()
    excluded = Patterns.of([], [pattern])
    assert [path for path in PATHS if excluded.excludes(path)] == expected.split()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    "pattern", ["Priv\u00e9", "PRIV\u00c9/*", "**/\u00e9t\u00e9[0-9\u00e9].jpg", "?t\u00e91.JPG", "Priv[\u00e8-\u00ea]"]
)
def test_unicode_normalization_is_ignored(pattern: str, form: Literal["NFC", "NFD"]) -> None:
    patterns = Patterns.of([unicodedata.normalize(form, pattern)], [])
    composed = "Priv\u00e9/\u00e9t\u00e91.jpg"
    mixed = "Prive\u0301/\u00e9te\u03011.jpg"
    assert all(patterns.includes(path) for path in (composed, unicodedata.normalize("NFD", composed), mixed))
    assert not patterns.includes("Prive/ete1.jpg")


def test_one_included_pattern_suffices_and_one_excluded_pattern_excludes() -> None:
    patterns = Patterns.of(["*.png", "x"], ["raw", "**/y"])
    assert [path for path in PATHS if patterns.includes(path) and not patterns.excludes(path)] == [
        "c.png",
        "x/2024/d.jpg",
    ]


@pytest.mark.parametrize("pattern", ["", "/", ".", "./", "[z-a]"])
def test_an_invalid_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="Invalid pattern"):
        Patterns.of([pattern], [])


@given(st.text("ab*?[]!^-\\/.+(|", max_size=8))
def test_any_text_is_compiled_or_refused(pattern: str) -> None:
    with contextlib.suppress(UsageError):
        Patterns.of([pattern], [])
