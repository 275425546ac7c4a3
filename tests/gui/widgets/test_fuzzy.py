"""Fuzzy matching of short texts."""

from __future__ import annotations

import pytest

from gui.widgets.fuzzy import score


def best(query: str, *texts: str) -> str:
    return max(texts, key=lambda text: score(query, text))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("export", "Export…"),
        ("exp csv", "Export as CSV"),
        ("clsf", "Classify folder"),
        ("THEME", "Theme"),
        ("open", "Open photos"),
    ],
)
def test_the_best_match_is_first(query: str, expected: str) -> None:
    assert best(query, "Reopen", "Classify folder", "Export…", "Export as CSV", "Theme", "Open photos") == expected


def test_letters_must_occur_in_order_from_the_start_of_a_word() -> None:
    assert score("exp", "Next photo") == 0
    assert score("xyz", "Export") == 0
    assert score("np", "Next photo") > 0


def test_each_term_must_match_one_of_the_texts_the_first_best() -> None:
    assert score("model export", "Export", "Model › Export") > 0
    assert score("model dark", "Export", "Model › Export") == 0
    assert score("dark", "Dark", "") > score("dark", "Night", "dark")
