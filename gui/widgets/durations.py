"""Spans of time in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A span as a person says it: "12 seconds", "3 minutes", "1 h 20 min"."""
    whole = max(1, round(seconds))
    if whole < 100:
        return f"{whole} second{'' if whole == 1 else 's'}"
    minutes = round(whole / 60)
    return f"{minutes} minutes" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def remaining(seconds: float | None) -> str:
    """What is left, or nothing where that is not known."""
    return "" if seconds is None else f"{duration(seconds)} left"
