"""The data of plots as plain values, and their formatting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from core.base.i18n import mark, tr
from gui.widgets.formats import NO_VALUE, percent

FEW: Final = 10
"""With fewer photos than this, a fraction says little."""
NOTHING: Final = mark("Nothing to compare yet.")


@dataclass(frozen=True, slots=True)
class Table:
    """A plot as text.

    Attributes:
        columns: the column titles; the first column holds the row titles.
        rows: the cells, one text for each column.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_tsv(self) -> str:
        """Tab-separated lines for spreadsheets; whitespace in cells is replaced, as the format has no quoting."""
        lines = (self.columns, *self.rows)
        return "".join("\t".join(" ".join(text.split()) for text in line) + "\n" for line in lines)


def share(fraction: float | None, total: int) -> str:
    """Format a fraction of a number of photos: of a few as a count, which does not look more certain than it is."""
    if fraction is None or not math.isfinite(fraction) or total >= FEW:
        return percent(fraction, 1)
    return tr("{count} of {total}", count=round(fraction * total), total=total)


def decimal(value: float | None) -> str:
    """Format a number with three decimals."""
    return NO_VALUE if value is None or not math.isfinite(value) else f"{value:.3f}"
