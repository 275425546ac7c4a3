"""Plots that compare two models: changed predictions, and the accuracy of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.base.i18n import tr, tr_n
from core.evaluation.values import ClassRecalls
from gui.plots.bars import MAX_SHOWN, Bar, ClassBars
from gui.plots.confusion import Confusion, read_counts
from gui.plots.matrix import ConfusionMatrix
from gui.plots.values import Table, share
from gui.widgets.formats import percent


@dataclass(frozen=True, slots=True)
class Changes(Confusion):
    """Photos by the prediction of one model (row) and of another (column)."""

    def cell_text(self, row: int, column: int) -> str:
        """A cell as a sentence."""
        count, before, after = self.counts[row][column], self.classes[row], self.classes[column]
        if not count:
            return tr("No photos were {before} before and {after} after.", before=before, after=after)
        return tr_n(
            "{count:,} photo was {before} before and {after} after.",
            "{count:,} photos were {before} before and {after} after.",
            count,
            before=before,
            after=after,
        )

    def summary(self) -> str:
        """The number of changed predictions, and the most frequent change."""
        pairs = [(count, row, column) for row, own in enumerate(self.counts) for column, count in enumerate(own)]
        total = sum(count for count, _, _ in pairs)
        if not total:
            return tr("No predictions changed.")
        count, row, column = max(pairs, key=lambda pair: pair[0])
        return tr_n(
            "{count:,} prediction changed, most often from {before} to {after} ({times:,}×).",
            "{count:,} predictions changed, most often from {before} to {after} ({times:,}×).",
            total,
            before=self.classes[row],
            after=self.classes[column],
            times=count,
        )

    def table(self) -> Table:
        """The changes, most frequent first."""
        found = [
            (count, before, now)
            for before, own in zip(self.classes, self.counts, strict=True)
            for now, count in zip(self.classes, own, strict=True)
            if count
        ]
        rows = tuple((before, now, f"{count:,}") for count, before, now in sorted(found, reverse=True))
        return Table((tr("Before"), tr("After"), tr("Photos")), rows)


class ChangesMatrix(ConfusionMatrix):
    """A matrix of changed predictions; see `ConfusionMatrix`."""

    def __init__(self) -> None:
        super().__init__(title=tr("Changed predictions"), rows=tr("Before"), columns=tr("After"))

    def show_changes(self, classes: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        """Show the number of photos by prediction before (row) and after (column).

        Raises:
            ValueError: the number of rows or columns differs from the number of classes.
        """
        read = read_counts(classes, counts)
        self.show_confusion(Changes(read.classes, read.counts, read.shown))


class ChangeBars(ClassBars):
    """The accuracy of each class before and after; the largest change comes first."""

    def __init__(self, before: str, after: str) -> None:
        super().__init__(title=tr("Classes before and after"), main=before, other=after)
        self._names = before, after

    def show_recalls(self, classes: Sequence[ClassRecalls]) -> None:
        """Show the recall of both models for each class."""
        found = sorted(classes, key=lambda one: (-abs(one.recall_b - one.recall_a), one.label))
        shown = found[:MAX_SHOWN]
        before = [Bar(one.recall_a, share(one.recall_a, one.images)) for one in shown]
        after = [Bar(one.recall_b, share(one.recall_b, one.images)) for one in shown]
        self._draw([(one.label, one.images) for one in shown], before, after)
        rows = tuple(
            (one.label, percent(one.recall_a, 1), percent(one.recall_b, 1), f"{one.images:,}") for one in found
        )
        self.show_result(_summary(found), Table((tr("Class"), *self._names, tr("Photos")), rows))


def _summary(found: Sequence[ClassRecalls]) -> str:
    changed = [one for one in found if one.recall_a != one.recall_b]
    if not changed:
        return tr("No class changed.")
    text = tr_n(
        "{count:,} of {total:,} classes changed. Largest change: {name}, from {before} to {after}.",
        "{count:,} of {total:,} classes changed. Largest change: {name}, from {before} to {after}.",
        len(changed),
        total=len(found),
        name=changed[0].label,
        before=percent(changed[0].recall_a, 1),
        after=percent(changed[0].recall_b, 1),
    )
    if len(found) <= MAX_SHOWN:
        return text
    return " ".join((text, tr("Showing the {shown} largest changes.", shown=MAX_SHOWN)))
