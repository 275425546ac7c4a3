"""Time spans in words."""

from __future__ import annotations

from core.base.i18n import tr, tr_n


def duration(seconds: float) -> str:
    """Format a span of time: "12 seconds", "3 minutes", "1 h 20 min"."""
    whole = max(1, round(seconds))
    if whole < 100:
        return tr_n("{count} second", "{count} seconds", whole)
    minutes = round(whole / 60)
    if minutes < 100:
        return tr_n("{count} minute", "{count} minutes", minutes)
    return tr("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


def remaining(seconds: float | None) -> str:
    """Format the remaining time; empty if it is unknown."""
    return "" if seconds is None else tr("{duration} left", duration=duration(seconds))
