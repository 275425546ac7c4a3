"""What changes when one model takes the place of another: which answers become which, and how each class fares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from gui.plots.bars import MAX_SHOWN, ClassBars
from gui.plots.confusion import Confusion, read_counts
from gui.plots.matrix import ConfusionMatrix
from gui.plots.values import Table, percent, photos


@dataclass(frozen=True, slots=True)
class Changes(Confusion):
    """Photos by what one model names them (row) and what another does (column)."""

    def cell_text(self, row: int, column: int) -> str:
        """One of the cells as a sentence."""
        count = self.counts[row][column]
        amount = photos(count) if count else "No photo"
        verb = "was" if count < 2 else "were"
        return f"{amount} {verb} {self.classes[row]} before and {self.classes[column]} after."

    def summary(self) -> str:
        """How many answers changed, and which change is the most frequent."""
        pairs = [(count, row, column) for row, own in enumerate(self.counts) for column, count in enumerate(own)]
        total = sum(count for count, _, _ in pairs)
        if not total:
            return "No answer changed."
        count, row, column = max(pairs, key=lambda pair: pair[0])
        maximum = f"most often {self.classes[row]} became {self.classes[column]} ({photos(count)})"
        return f"{photos(total)} changed; {maximum}."

    def table(self) -> Table:
        """The changes, the most frequent first."""
        found = [
            (count, before, now)
            for before, own in zip(self.classes, self.counts, strict=True)
            for now, count in zip(self.classes, own, strict=True)
            if count
        ]
        rows = tuple((before, now, f"{count:,}") for count, before, now in sorted(found, reverse=True))
        return Table(("Before", "After", "Photos"), rows)


class ChangesMatrix(ConfusionMatrix):
    """Which answers become which; see `ConfusionMatrix`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, title="Answers that change", rows="Before", columns="After")

    def show_changes(self, classes: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        """Show how many photos of each answer before (row) have which answer after (column).

        Raises:
            ValueError: there are not as many rows and columns as classes.
        """
        read = read_counts(classes, counts)
        self.show_confusion(Changes(read.classes, read.counts, read.shown))


class ChangeBars(ClassBars):
    """For each class, which share of its photos is named rightly before and after; what changed most comes first."""

    def __init__(self, before: str, after: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, title="Classes before and after", main=before, other=after)
        self._names = before, after

    def show_changes(
        self, classes: Sequence[str], before: Sequence[float], after: Sequence[float], support: Sequence[int]
    ) -> None:
        """Show the shares named rightly, 0..1, and how many photos each class has.

        Raises:
            ValueError: there are not as many figures as classes.
        """
        found = sorted(
            zip(classes, before, after, support, strict=True), key=lambda one: (-abs(one[2] - one[1]), one[0])
        )
        self._draw(found[:MAX_SHOWN])
        rows = tuple((name, percent(was), percent(now), f"{count:,}") for name, was, now, count in found)
        self.show_result(_summary(found), Table(("Class", *self._names, "Photos"), rows))


def _summary(found: Sequence[tuple[str, float, float, int]]) -> str:
    changed = [one for one in found if one[1] != one[2]]
    if not changed:
        return "No class fares otherwise than before."
    name, before, after, _ = changed[0]
    more = f" Drawn are the {MAX_SHOWN} that changed most." if len(found) > MAX_SHOWN else ""
    maximum = f"most {name}, from {percent(before)} to {percent(after)}"
    return f"{len(changed):,} of {len(found):,} classes changed; {maximum}.{more}"
