"""Numbers as users read them: percentages, time spans, sizes."""

from __future__ import annotations

import math
from typing import Final

from core.base.i18n import tr, tr_n

NO_VALUE: Final = "–"
_SMALL_BYTES: Final = 100_000
_NEVER_CERTAIN: Final = 0.999_999
"""A confidence of exactly 1 is only rounded: a model is never certain."""


def sentence(text: str) -> str:
    """The text with a capital first letter; the rest as it is."""
    return text[:1].upper() + text[1:]


def percent(fraction: float | None, digits: int = 0) -> str:
    """Format a fraction: "94%"; "> 99%" and "< 1%" near the ends, as only exactly 1 is 100% and exactly 0 is 0%."""
    if fraction is None or not math.isfinite(fraction):
        return NO_VALUE
    if fraction in (0, 1):
        return f"{fraction:.0%}"
    step = 10 ** -(digits + 2)
    if 0 < fraction < step / 2:
        return f"< {step:.{digits}%}"
    if 1 - step / 2 <= fraction < 1:
        return f"> {1 - step:.{digits}%}"
    return f"{fraction:.{digits}%}"


def confidence(probability: float) -> str:
    """Format the confidence of a prediction, which is never 100%."""
    return percent(min(probability, _NEVER_CERTAIN))


def milliseconds(span: float) -> str:
    """Format a span in milliseconds: "4.6 ms", "291 ms"."""
    return tr("{milliseconds:.1f} ms", milliseconds=span) if span < 100 else tr("{span:,.0f} ms", span=span)


def size(size_bytes: int) -> str:
    """Format the size of a file: "9.1 MB", "4.2 kB"."""
    if size_bytes < _SMALL_BYTES:
        return tr("{kilobytes:.1f} kB", kilobytes=size_bytes / 1e3)
    return tr("{megabytes:.1f} MB", megabytes=size_bytes / 1e6)


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
