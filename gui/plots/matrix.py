"""A confusion matrix whose cells can be chosen by mouse and keyboard."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal

from core.base.i18n import tr
from gui.plots.cells import Cells
from gui.plots.confusion import Confusion, read_counts
from gui.plots.frame import PlotFrame
from gui.plots.values import NOTHING, Table


class ConfusionMatrix(PlotFrame):
    """Photos by label (row) and prediction (column).

    Attributes:
        cell_chosen: the row and column, as given to `show_counts`, of a cell chosen by mouse or keyboard.
    """

    cell_chosen = Signal(int, int)

    def __init__(self, *, title: str = "", rows: str = "", columns: str = "") -> None:
        """`rows` and `columns` name the two sides; label and prediction by default."""
        self._cells = Cells(rows or tr("Label"), columns or tr("Prediction"))
        super().__init__(title or tr("Confusion matrix"), self._cells)
        self._cells.chosen.connect(self.cell_chosen)
        self.show_result(tr(NOTHING), Table((), ()))

    def show_counts(self, classes: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        """Show the number of photos by label (row) and prediction (column).

        Of more than 50 classes, the most confused are shown.

        Raises:
            ValueError: the number of rows or columns differs from the number of classes.
        """
        self.show_confusion(read_counts(classes, counts))

    def show_confusion(self, confusion: Confusion) -> None:
        """Show counts with their own descriptions."""
        self._cells.show_confusion(confusion)
        self.show_result(confusion.summary(), confusion.table())
