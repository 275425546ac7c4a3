"""A reliability diagram: accuracy over confidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from core.base.i18n import tr
from core.evaluation.values import Calibration, ReliabilityBin
from gui.plots.canvas import Canvas, Chart, ColorRole, Legend, Line, Scatter, ticks
from gui.plots.frame import PlotFrame
from gui.plots.values import NOTHING, Table
from gui.widgets import theme
from gui.widgets.formats import percent

_TOLERANCE: Final = 0.02
"""Difference of mean confidence and accuracy up to which a model counts as well calibrated."""
_QUARTERS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


class CalibrationPlot(PlotFrame):
    """Accuracy over confidence, before and after calibration; a perfectly calibrated model is on the diagonal."""

    def __init__(self) -> None:
        canvas = Canvas()
        canvas.setMinimumSize(320, 320)
        legend = Legend(
            [
                (tr("After calibration"), "dots", "plot_main"),
                (tr("Before calibration"), "squares", "plot_other"),
                (tr("Perfect"), "dashed", "muted"),
            ]
        )
        canvas.add_part(legend)
        canvas.grid.layout.setRowSpacing(1, theme.GRID)
        canvas.grid.addItem(legend, 2, 0, 1, 2)
        self._chart = Chart(canvas, 0, 0, bottom=tr("Confidence"), left=tr("Accuracy"))
        marks = ticks(_QUARTERS, ".0%")
        self._chart.show_range((-0.03, 1.03), (-0.03, 1.03), marks, marks)
        Line(canvas, self._chart, "muted", dashed=True, width=1).draw([0, 1], [0, 1])
        self._before = _Series(canvas, self._chart, "plot_other", "squares")
        self._after = _Series(canvas, self._chart, "plot_main", "dots")
        super().__init__(tr("Calibration"), canvas)
        self.show_result(tr(NOTHING), Table((), ()))

    def show_calibration(self, before: Calibration, after: Calibration, about: str) -> None:
        """Show the calibration before and after temperature scaling.

        Args:
            before: at temperature 1.
            after: at the model's own.
            about: which photos it was measured on, as a sentence.
        """
        self._before.draw(before.bins)
        self._after.draw(after.bins)
        names = [tr("Before {number}", number=number) for number, _ in enumerate(before.bins, start=1)]
        names += [tr("After {number}", number=number) for number, _ in enumerate(after.bins, start=1)]
        rows = tuple(_row(name, one) for name, one in zip(names, (*before.bins, *after.bins), strict=True))
        columns = tr("Bin"), tr("Confidence"), tr("Accuracy"), tr("Photos")
        self.show_result(_sentence(before, after, about), Table(columns, rows))


class _Series:
    """Markers connected by a line."""

    def __init__(self, canvas: Canvas, chart: Chart, role: ColorRole, style: Literal["dots", "squares"]) -> None:
        self._line = Line(canvas, chart, role)
        self._marks = Scatter(canvas, chart, role, style)

    def draw(self, bins: Sequence[ReliabilityBin]) -> None:
        places = [one.confidence for one in bins], [one.accuracy for one in bins]
        self._line.draw(*places)
        self._marks.draw(*places)


def _row(name: str, one: ReliabilityBin) -> tuple[str, ...]:
    return name, percent(one.confidence, 1), percent(one.accuracy, 1), f"{one.images:,}"


def _sentence(before: Calibration, after: Calibration, about: str) -> str:
    """The expected calibration error, whether the model is over- or underconfident, and on which photos."""
    total = sum(one.images for one in after.bins)
    if not total:
        return tr("No photos to compare.")
    surplus = sum(one.images * (one.confidence - one.accuracy) for one in after.bins) / total
    if surplus > _TOLERANCE:
        verdict = tr("The model is slightly overconfident.")
    elif surplus < -_TOLERANCE:
        verdict = tr("The model is slightly underconfident.")
    else:
        verdict = tr("The model is well calibrated.")
    error = tr(
        "Calibration error: {after} ({before} before calibration).",
        after=percent(after.ece, 1),
        before=percent(before.ece, 1),
    )
    return f"{verdict} {error} {about}"
