"""What plots show, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

NO_VALUE: Final = "–"
NOTHING: Final = "There is nothing to compare yet."


@dataclass(frozen=True, slots=True)
class Table:
    """A plot as text.

    Attributes:
        columns: their titles; the first column names the rows.
        rows: one text for each column.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_tsv(self) -> str:
        """Lines of values with tabs between them, as spreadsheets paste them; there is no way to quote in it."""
        lines = (self.columns, *self.rows)
        return "".join("\t".join(" ".join(text.split()) for text in line) + "\n" for line in lines)


class ReliabilityBin(NamedTuple):
    """Images whose confidence is about the same.

    Attributes:
        confidence: their mean confidence, 0..1.
        accuracy: the share of them named rightly, 0..1.
        images: how many they are.
    """

    confidence: float
    accuracy: float
    images: int


def photos(count: int) -> str:
    """So many photos, in words."""
    return "1 photo" if count == 1 else f"{count:,} photos"


def percent(fraction: float | None) -> str:
    """A share of 1 in per cent; only all is 100.0% and only none is 0.0%."""
    if fraction is None or not math.isfinite(fraction):
        return NO_VALUE
    if 0 < fraction < 1:
        fraction = min(max(fraction, 0.001), 0.999)
    return f"{fraction:.1%}"


def decimal(value: float | None) -> str:
    """A number to three digits after the point."""
    return NO_VALUE if value is None or not math.isfinite(value) else f"{value:.3f}"
