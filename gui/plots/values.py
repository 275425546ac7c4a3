"""The data of plots as plain values, and their formatting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from core.base.i18n import mark
from gui.widgets.formats import NO_VALUE

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


def decimal(value: float | None) -> str:
    """Format a number with three decimals."""
    return NO_VALUE if value is None or not math.isfinite(value) else f"{value:.3f}"
