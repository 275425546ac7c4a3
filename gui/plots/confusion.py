"""The data of a confusion matrix, and its description in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.base.i18n import tr, tr_n
from gui.plots.values import Table
from gui.widgets.formats import percent

MAX_SHOWN: Final = 50
"""Maximum number of classes shown; of more, the most confused ones."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Photos by label and prediction.

    Attributes:
        classes: the class names.
        counts: photos by row (label) and column (prediction).
        shown: indices of the classes to show.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    shown: tuple[int, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the shown classes."""
        return tuple(self.classes[index] for index in self.shown)

    @property
    def cells(self) -> tuple[tuple[int, ...], ...]:
        """Counts of the shown classes."""
        return tuple(tuple(self.counts[row][column] for column in self.shown) for row in self.shown)

    def cell_text(self, row: int, column: int) -> str:
        """A cell as a sentence."""
        count, total = self.counts[row][column], sum(self.counts[row])
        label, prediction = self.classes[row], self.classes[column]
        if not count:
            return tr("No photos of {label} were predicted as {prediction}.", label=label, prediction=prediction)
        return tr_n(
            "{count:,} photo of {label} was predicted as {prediction}, {fraction} of {total:,}.",
            "{count:,} photos of {label} were predicted as {prediction}, {fraction} of {total:,}.",
            count,
            label=label,
            prediction=prediction,
            fraction=percent(count / total, 1),
            total=total,
        )

    def summary(self) -> str:
        """The accuracy, and the most frequent confusion."""
        total = sum(map(sum, self.counts))
        if not total:
            return tr("No photos to compare.")
        correct = sum(row[index] for index, row in enumerate(self.counts))
        accuracy = tr_n(
            "{correct:,} of {count:,} photo is correct ({fraction}).",
            "{correct:,} of {count:,} photos are correct ({fraction}).",
            total,
            correct=correct,
            fraction=percent(correct / total, 1),
        )
        return " ".join((accuracy, *self._worst_confusion(), *self._hidden_classes()))

    def _worst_confusion(self) -> Iterator[str]:
        worst, row, column = max((_most_often(index, counts) for index, counts in enumerate(self.counts)))
        if worst:
            yield tr_n(
                "Most frequent error: {label} predicted as {prediction} ({count:,} photo).",
                "Most frequent error: {label} predicted as {prediction} ({count:,} photos).",
                worst,
                label=self.classes[row],
                prediction=self.classes[column],
            )

    def _hidden_classes(self) -> Iterator[str]:
        if len(self.shown) < len(self.classes):
            shown, total = len(self.shown), len(self.classes)
            yield tr("Showing the {shown} most confused of {total:,} classes.", shown=shown, total=total)

    def table(self) -> Table:
        """The shown cells as a table."""
        rows = zip(self.labels, self.cells, strict=True)
        return Table(
            (tr("Label"), *self.labels), tuple((label, *(f"{count:,}" for count in row)) for label, row in rows)
        )


def read_counts(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Confusion:
    """Validate counts and choose the classes to show.

    Raises:
        ValueError: the number of rows or columns differs from the number of classes.
    """
    if any(length != len(classes) for length in (len(counts), *map(len, counts))):
        raise ValueError(f"{len(classes)} classes, but {len(counts)} rows of {[*map(len, counts)]} columns")
    rows = tuple(tuple(row) for row in counts)
    predicted = [sum(column) for column in zip(*rows, strict=True)]
    errors = [sum(row) + predicted[index] - 2 * row[index] for index, row in enumerate(rows)]
    ranked = sorted(range(len(rows)), key=lambda index: -errors[index])
    return Confusion(tuple(classes), rows, tuple(sorted(ranked[:MAX_SHOWN])))


def _most_often(index: int, counts: Sequence[int]) -> tuple[int, int, int]:
    """The most frequent wrong prediction of a class: the count, the class, and the predicted class."""
    wrong = [*counts[:index], 0, *counts[index + 1 :]]
    return max(wrong), index, wrong.index(max(wrong))
