"""Fuzzy matching of short texts."""

from __future__ import annotations

from typing import Final

_START, _NEXT = 8, 4
_WHOLE: Final = 40
"""What a letter counts more at the start of a word or right after the one before, and a term that occurs as a whole."""


def score(query: str, *texts: str) -> int:
    """How well texts match a query: 0 if not at all. Each term of the query must match one of them, the first best.

    A term matches where its letters occur in order, from the start of a word on. Letters at starts of words and next
    to each other count more.
    """
    total = 1
    for term in query.casefold().split():
        best = max((_match(term, text.casefold()) // (1 + place) for place, text in enumerate(texts)), default=0)
        if not best:
            return 0
        total += best
    return total


def _match(term: str, text: str) -> int:
    place = text.find(term)
    if place >= 0:
        is_start = place == 0 or not text[place - 1].isalnum()
        return _WHOLE + len(term) * (_START if is_start else _NEXT) - min(len(text) // 8, 8)
    found, points = -1, 0
    for letter in term:
        at = text.find(letter, found + 1)
        if at < 0 or (found < 0 and at > 0 and text[at - 1].isalnum()):
            return 0
        is_start = at == 0 or not text[at - 1].isalnum()
        points += _START if is_start else _NEXT if at == found + 1 else 1
        found = at
    return points if 2 * points >= len(term) * _NEXT else 0
