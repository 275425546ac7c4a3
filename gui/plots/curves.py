"""Learning curves: loss and accuracy over the epochs, updated during training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from core.base.i18n import tr
from core.training.protocol import Epoch
from gui.plots.canvas import Canvas, Chart, Heading, Legend, Line, Scatter, round_ticks, ticks
from gui.plots.frame import PlotFrame
from gui.plots.values import Table, decimal
from gui.widgets import theme
from gui.widgets.formats import percent


class LearningCurves(PlotFrame):
    """Charts of training and validation loss and accuracy, with the best epoch marked.

    The best epoch is the one whose weights the trainer keeps: it has the highest validation accuracy and, among equals,
    the lowest validation loss. Without validation images none is marked.
    """

    def __init__(self) -> None:
        canvas = Canvas()
        canvas.setMinimumSize(480, 248)
        legend = Legend(
            [
                (tr("Validation"), "line", "plot_main"),
                (tr("Training"), "dashed", "plot_other"),
                (tr("Best epoch"), "ring", "plot_main"),
            ]
        )
        canvas.add_part(legend)
        self._loss = _Curves(canvas, 0, tr("Loss"))
        self._accuracy = _Curves(canvas, 2, tr("Accuracy"))
        canvas.grid.layout.setRowSpacing(2, theme.GRID)
        canvas.grid.addItem(legend, 3, 0, 1, 4)
        canvas.grid.layout.setColumnSpacing(1, 4 * theme.GRID)
        super().__init__(tr("Learning curves"), canvas)
        self._epochs: list[Epoch] = []
        self._planned = 0
        self.begin(0)

    def begin(self, epochs: int) -> None:
        """Clear the charts and prepare for a training of this many epochs; 0 if the number is unknown."""
        self._epochs, self._planned = [], epochs
        self._draw()
        self.show_result(tr("The curves appear after the first epoch."), Table(_columns(), ()))

    def add(self, epoch: Epoch) -> None:
        self._epochs.append(epoch)
        self._draw()
        rows = (*self.table.table.rows, _row(self._epochs[-1]))
        self.show_result(_sentence(self._epochs, _best(self._epochs)), Table(_columns(), rows))

    def _draw(self) -> None:
        epochs, best = self._epochs, _best(self._epochs)
        numbers = [epoch.number for epoch in epochs]
        across = (min([1, *numbers]), max([2, self._planned, *numbers]))
        number = None if best is None else best.number
        loss = ([epoch.validation_loss for epoch in epochs], [epoch.loss for epoch in epochs])
        accuracy = ([epoch.validation_accuracy for epoch in epochs], [epoch.accuracy for epoch in epochs])
        self._loss.draw(numbers, *loss, across, _loss_range(_finite(loss)), ".3g")
        self._loss.mark(number, None if best is None else best.validation_loss)
        self._accuracy.draw(numbers, *accuracy, across, _accuracy_range(_finite(accuracy)), ".0%")
        self._accuracy.mark(number, None if best is None else best.validation_accuracy)


class _Curves:
    """A chart with the validation and training curves, and a ring at the best epoch."""

    def __init__(self, canvas: Canvas, column: int, title: str) -> None:
        canvas.grid.addItem(Heading(canvas, title), 0, column, 1, 2)
        self._chart = Chart(canvas, 1, column, bottom=tr("Epoch"))
        self._upright = Line(canvas, self._chart, "muted", dashed=True, width=1)
        self._training = Line(canvas, self._chart, "plot_other", dashed=True)
        self._validation = Line(canvas, self._chart, "plot_main")
        self._ring = Scatter(canvas, self._chart, "plot_main", "ring")
        self._up = (0.0, 1.0)

    def draw(
        self,
        numbers: Sequence[int],
        validation: Iterable[float | None],
        training: Iterable[float | None],
        across: tuple[int, int],
        up: tuple[float, float],
        form: str,
    ) -> None:
        """Draw both curves over the epoch numbers; `form` is the format of the values on the left axis."""
        room = (across[1] - across[0]) * 0.03
        below = ticks(round_ticks(*across, 7, min_step=1), ".0f")
        beside = [tick for tick in round_ticks(*up) if tick <= 1 or "%" not in form]
        self._chart.show_range((across[0] - room, across[1] + room), up, below, ticks(beside, form))
        places = [float(number) for number in numbers]
        self._validation.draw(places, _gaps(validation))
        self._training.draw(places, _gaps(training))
        self._up = up

    def mark(self, number: int | None, value: float | None) -> None:
        """Put the ring at this epoch; None removes it."""
        at = [] if number is None else [float(number)]
        self._upright.draw(at * 2, self._up if at else [])
        self._ring.draw(*((at, [value]) if value is not None and math.isfinite(value) else ([], [])))


def _gaps(values: Iterable[float | None]) -> list[float]:
    return [math.nan if value is None or not math.isfinite(value) else value for value in values]


def _finite(curves: Iterable[Iterable[float | None]]) -> list[float]:
    return [value for curve in curves for value in _gaps(curve) if not math.isnan(value)]


def _loss_range(values: Sequence[float]) -> tuple[float, float]:
    """A range that starts at zero, so that half the height is half the loss."""
    return 0.0, max([*values, 0.01]) * 1.06


def _accuracy_range(values: Sequence[float]) -> tuple[float, float]:
    """The upper part that contains the curves, at least a fifth of the whole range, with room for a ring at 100%."""
    low = max(-0.02, math.floor(min([*values, 0.8]) * 10) / 10 - 0.02)
    return low, 1 + (1 - low) * 0.045


def _best(epochs: Iterable[Epoch]) -> Epoch | None:
    """The epoch that the trainer keeps; see `core.trainer.loop.run_epochs`."""
    known = [epoch for epoch in epochs if epoch.validation_accuracy is not None]
    return max(known, key=_sort_key, default=None)


def _sort_key(epoch: Epoch) -> tuple[float, float]:
    return epoch.validation_accuracy or 0.0, -(epoch.validation_loss or 0.0)


def _columns() -> tuple[str, ...]:
    training = tr("Training loss"), tr("Training accuracy")
    return tr("Epoch"), *training, tr("Validation loss"), tr("Validation accuracy")


def _row(epoch: Epoch) -> tuple[str, ...]:
    return (
        str(epoch.number),
        decimal(epoch.loss),
        percent(epoch.accuracy, 1),
        decimal(epoch.validation_loss),
        percent(epoch.validation_accuracy, 1),
    )


def _sentence(epochs: Sequence[Epoch], best: Epoch | None) -> str:
    last = epochs[-1]
    if best is None:
        return tr("Epoch {epoch}: training accuracy {accuracy}.", epoch=last.number, accuracy=percent(last.accuracy, 1))
    accuracy = percent(last.validation_accuracy, 1)
    if best is last:
        return tr(
            "Epoch {epoch}: validation accuracy {accuracy}, the best so far.", epoch=last.number, accuracy=accuracy
        )
    return tr(
        "Epoch {epoch}: validation accuracy {accuracy}. Best so far: epoch {best} with {best_accuracy}.",
        epoch=last.number,
        accuracy=accuracy,
        best=best.number,
        best_accuracy=percent(best.validation_accuracy, 1),
    )
