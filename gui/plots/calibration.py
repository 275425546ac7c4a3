"""Whether the model is as often right as it is sure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from PySide6.QtWidgets import QWidget

from gui.plots.canvas import Canvas, Chart, ColorRole, Legend, Line, Scatter, ticks
from gui.plots.frame import PlotFrame
from gui.plots.values import NOTHING, ReliabilityBin, Table, percent
from gui.widgets import theme

_COLUMNS: Final = ("Bin", "Confidence", "Right", "Photos")
_EVEN: Final = 0.02
"""A mean confidence this close to the accuracy counts as even."""
_QUARTERS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


class CalibrationPlot(PlotFrame):
    """A reliability diagram: accuracy over confidence, before and after calibration; honest is the diagonal."""

    def __init__(self, parent: QWidget | None = None) -> None:
        canvas = Canvas()
        canvas.setMinimumSize(320, 320)
        key = Legend(
            [
                ("After calibration", "dots", "plot_main"),
                ("Before", "squares", "plot_other"),
                ("Honest", "dashed", "muted"),
            ]
        )
        canvas.add_part(key)
        canvas.grid.layout.setRowSpacing(1, theme.GRID)
        canvas.grid.addItem(key, 2, 0, 1, 2)
        self._chart = Chart(canvas, 0, 0, bottom="How sure the model was", left="How often it was right")
        marks = ticks(_QUARTERS, ".0%")
        self._chart.show_range((-0.03, 1.03), (-0.03, 1.03), marks, marks)
        Line(canvas, self._chart, "muted", dashed=True, width=1).draw([0, 1], [0, 1])
        self._before = _Series(canvas, self._chart, "plot_other", "squares")
        self._after = _Series(canvas, self._chart, "plot_main", "dots")
        super().__init__("Calibration", canvas, parent=parent)
        self.show_result(NOTHING, Table((), ()))

    def show_bins(
        self, before: Sequence[ReliabilityBin], after: Sequence[ReliabilityBin], ece_before: float, ece_after: float
    ) -> None:
        """Show how honest the model was before and after calibration.

        Args:
            before: the bins that hold photos, from unsure to sure.
            after: likewise; both may be empty.
            ece_before: expected calibration error, 0..1.
            ece_after: likewise.
        """
        self._before.draw(before)
        self._after.draw(after)
        rows = (*_rows("Before", before), *_rows("After", after))
        self.show_result(_sentence(after, ece_before, ece_after), Table(_COLUMNS, rows))


class _Series:
    """Points joined by a line."""

    def __init__(self, canvas: Canvas, chart: Chart, role: ColorRole, style: Literal["dots", "squares"]) -> None:
        self._line = Line(canvas, chart, role)
        self._marks = Scatter(canvas, chart, role, style)

    def draw(self, bins: Sequence[ReliabilityBin]) -> None:
        """Draw these bins."""
        places = [one.confidence for one in bins], [one.accuracy for one in bins]
        self._line.draw(*places)
        self._marks.draw(*places)


def _rows(when: str, bins: Sequence[ReliabilityBin]) -> Iterator[tuple[str, ...]]:
    for number, one in enumerate(bins, start=1):
        yield f"{when} {number}", percent(one.confidence), percent(one.accuracy), f"{one.images:,}"


def _sentence(after: Sequence[ReliabilityBin], ece_before: float, ece_after: float) -> str:
    """How far confidence and accuracy lie apart, and on which side most photos are."""
    total = sum(one.images for one in after)
    if not total:
        return "There is no photo to compare."
    surplus = sum(one.images * (one.confidence - one.accuracy) for one in after) / total
    lean = (
        "a little too sure" if surplus > _EVEN else "a little too modest" if surplus < -_EVEN else "honest on the whole"
    )
    return (
        f"Confidence and accuracy lie {100 * ece_after:.1f} percentage points apart on average, "
        f"{100 * ece_before:.1f} before calibration: the model is {lean}."
    )
