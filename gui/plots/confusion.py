"""What a confusion matrix says, in words and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gui.plots.values import Table, percent, photos

MAX_SHOWN: Final = 50
"""Classes that are shown; of more, those that are confused most."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Photos by what they are labelled and what the model said.

    Attributes:
        classes: their names.
        counts: photos, by row (what they are labelled) and column (what the model said).
        shown: the classes to show, as indices.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    shown: tuple[int, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes that are shown."""
        return tuple(self.classes[index] for index in self.shown)

    @property
    def cells(self) -> tuple[tuple[int, ...], ...]:
        """Counts of the classes that are shown."""
        return tuple(tuple(self.counts[row][column] for column in self.shown) for row in self.shown)

    def cell_text(self, row: int, column: int) -> str:
        """One of the cells as a sentence."""
        count, total = self.counts[row][column], sum(self.counts[row])
        amount = f"{photos(count)} of {self.classes[row]} {'was' if count == 1 else 'were'}"
        text = f"{amount if count else f'No photo of {self.classes[row]} was'} called {self.classes[column]}"
        return f"{text}, {percent(count / total)} of {total:,}." if count else f"{text}."

    def summary(self) -> str:
        """How many are named rightly, and what is confused most."""
        total = sum(map(sum, self.counts))
        if not total:
            return "There is no photo to compare."
        correct = sum(row[index] for index, row in enumerate(self.counts))
        text = f"{correct:,} of {photos(total)} ({percent(correct / total)}) were named as they are labelled"
        worst, row, column = max((_most_often(index, counts) for index, counts in enumerate(self.counts)))
        if worst:
            text += f"; most often {self.classes[row]} was called {self.classes[column]} ({photos(worst)})"
        if len(self.shown) == len(self.classes):
            return f"{text}."
        return f"{text}. Shown are the {len(self.shown)} classes confused most, of {len(self.classes):,}."

    def table(self) -> Table:
        """The cells that are shown."""
        rows = zip(self.labels, self.cells, strict=True)
        return Table(
            ("Labelled", *self.labels), tuple((label, *(f"{count:,}" for count in row)) for label, row in rows)
        )


def read_counts(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Confusion:
    """The confusion of so many classes.

    Raises:
        ValueError: there are not as many rows and columns as classes.
    """
    if any(length != len(classes) for length in (len(counts), *map(len, counts))):
        raise ValueError(f"{len(classes)} classes, but {len(counts)} rows of {[*map(len, counts)]} columns")
    rows = tuple(tuple(row) for row in counts)
    predicted = [sum(column) for column in zip(*rows, strict=True)]
    errors = [sum(row) + predicted[index] - 2 * row[index] for index, row in enumerate(rows)]
    ranked = sorted(range(len(rows)), key=lambda index: -errors[index])
    return Confusion(tuple(classes), rows, tuple(sorted(ranked[:MAX_SHOWN])))


def _most_often(index: int, counts: Sequence[int]) -> tuple[int, int, int]:
    """The most photos of a class that were called another: how many, the class, the other."""
    wrong = [*counts[:index], 0, *counts[index + 1 :]]
    return max(wrong), index, wrong.index(max(wrong))
