"""Last step: how good the new model is, beside the one in use, and on which photos it errs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from core.datasets.label_overrides import OverriddenImage
from core.services.training_values import (
    BaselineComparison,
    EvaluationSummary,
    ReliabilityBin,
    TrainingSummary,
)
from gui.models.files import ExportPanel
from gui.plots.values import ReliabilityBin as Bin
from gui.tasks.idle_steps import run_when_idle
from gui.tasks.picture_client import PictureClient
from gui.tasks.task import Tasks
from gui.training.wizard.result_photos import ResultPhotos
from gui.widgets import theme
from gui.widgets.basic import label
from gui.widgets.durations import duration
from gui.widgets.tiles import Tiles

if TYPE_CHECKING:
    from gui.plots.frame import PlotFrame
    from gui.plots.matrix import ConfusionMatrix

_PAUSE_MS: Final = 20
"""Between two steps of making plots, in which what was made is laid out and painted, and events are heard."""
_PLOT: Final = 480
"""How wide a plot must be to be read, in pixels."""


class ResultStep(QWidget):
    """Shows what came of a training.

    Attributes:
        use_wanted: the person wants the new model from now on.
        again_wanted: they want to train again; whether at once, in the same way, with the labels that were put right.
        noticed: something they should read.
        overridden: something is decided about photos: a mapping from path to amendment.
        class_wanted: these photos belong in a class that is to be chosen; the likely ones.
        undo_wanted: what was decided last is to be taken back.
        exported: what came of an export, and the file where it was written, else None.
    """

    use_wanted = Signal()
    again_wanted = Signal(bool)
    noticed = Signal(str)
    overridden = Signal(object)
    class_wanted = Signal(object, object)
    undo_wanted = Signal()
    exported = Signal(str, object)

    def __init__(self, pictures: PictureClient, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self.facts: TrainingSummary | None = None
        self.use = QPushButton("Use this model")
        self.use.setProperty("kind", "primary")
        self.use.clicked.connect(self.use_wanted)
        self.again = QPushButton("Train again")
        self.again.clicked.connect(self._train_again)
        self.export = QPushButton("Export…")
        self.export.clicked.connect(self._export)
        self.undo = QPushButton("Undo")
        self.undo.setToolTip("Take back what you decided last (Ctrl+Z)")
        self.undo.clicked.connect(self.undo_wanted)
        QShortcut(QKeySequence.StandardKey.Undo, self, self.undo.click)
        self.exporting = ExportPanel(tasks, self)
        self.exporting.exported.connect(self.exported)
        self._overrides = 0
        self._folder = Path()
        self.headline = label(kind="title", wrap=True)
        self.beside = label(wrap=True)
        self.photos: ResultPhotos | None = None
        self.matrix: ConfusionMatrix | None = None
        self._area = QScrollArea()
        self._area.setAccessibleName("How good the model is")
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        head = QHBoxLayout()
        head.addWidget(self.headline, 1)
        for button in (self.undo, self.export, self.again, self.use):
            head.addWidget(button, alignment=Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        column.addWidget(self.beside)
        column.addWidget(self.exporting)
        column.addWidget(self._area, 1)

    def show_result(self, facts: TrainingSummary, folder: Path) -> None:
        """Show a new model, and what it learnt from."""
        self.facts, self._folder = facts, folder
        self.show_overrides((), new=0, can_undo=False)
        self.headline.setText(_headline(facts))
        self.beside.setText(_details_text(facts))
        self.use.setEnabled(True)
        self.use.setText("Use this model")
        self._area.setWidget(self._make_details(facts))

    def show_in_use(self) -> None:
        """Show that the new model is the one in use."""
        self.use.setText("In use")
        self.use.setEnabled(False)

    def show_overrides(self, overridden: Sequence[OverriddenImage], *, new: int, can_undo: bool) -> None:
        """Show which labels were put right, and how many of them the model has not learnt from yet."""
        self._overrides = new
        self.again.setText(f"Train again with {new:,} change{'' if new == 1 else 's'}" if new else "Train again")
        self.again.setToolTip("Repeats the training with what you decided" if new else "Choose how to train")
        self.undo.setVisible(can_undo)
        if self.photos is not None:
            self.photos.show_overrides(overridden)

    def _train_again(self) -> None:
        self.again_wanted.emit(self._overrides > 0)

    def end(self) -> None:
        """End what runs beside the window."""
        self.exporting.cancel()

    def _export(self) -> None:
        if self.facts is not None:
            self.exporting.open(f"{self.facts.name}@{self.facts.version}", self._folder)

    def show_whole(self, part: QWidget) -> None:
        """Scroll to a part of the page."""
        page = self._area.widget()
        if page is not None:
            self._area.verticalScrollBar().setValue(part.mapTo(page, part.rect().topLeft()).y())

    def _make_details(self, facts: TrainingSummary) -> QWidget:
        page = QWidget()
        page.setObjectName("inspector")
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, theme.GRID, 0)
        column.setSpacing(2 * theme.GRID)
        for note in facts.notes:
            column.addWidget(label(note, "muted", wrap=True))
        if facts.evaluation is not None:
            column.addWidget(self._make_photos(facts.evaluation))
            column.addWidget(self._make_plots(facts, facts.evaluation))
        column.addWidget(label(_training_data_text(facts), "muted", wrap=True))
        column.addStretch()
        return page

    def _make_photos(self, evaluation: EvaluationSummary) -> QWidget:
        photos = self.photos = ResultPhotos(self._pictures)
        photos.overridden.connect(self.overridden)
        photos.class_wanted.connect(self.class_wanted)
        if evaluation.misclassified:
            photos.show_photos("Where it errs, surest first", evaluation.misclassified)
        else:
            photos.show_photos("It named every test photo rightly", evaluation.tested[:50])
        return photos

    def _make_plots(self, facts: TrainingSummary, evaluation: EvaluationSummary) -> Tiles:
        """The plots, one after the other: all at once they would hold the event loop up."""
        tiles = Tiles([], _PLOT)
        run_when_idle(tiles, self._fill(tiles, facts.classes, evaluation), _PAUSE_MS)
        return tiles

    def _fill(self, tiles: Tiles, classes: Sequence[str], evaluation: EvaluationSummary) -> Iterator[object]:
        import gui.plots.matrix  # noqa: F401 - what draws takes a while to be imported: a turn of its own

        yield None
        matrix, bars = self._make_matrix(classes, evaluation), _make_bars(classes, evaluation)
        for making in (matrix, bars, _make_calibration(evaluation)):
            plot = next(making)
            plot.noticed.connect(self.noticed)
            yield None
            yield from making
            tiles.add_last(plot)
            yield None

    def _make_matrix(self, classes: Sequence[str], evaluation: EvaluationSummary) -> Iterator[PlotFrame]:
        from gui.plots.matrix import ConfusionMatrix

        matrix = ConfusionMatrix()
        yield matrix
        if evaluation.confusion:
            matrix.show_counts(classes, evaluation.confusion)
        else:
            matrix.hide()
        matrix.cell_chosen.connect(lambda row, column: self._show_cell(classes[row], classes[column]))
        self.matrix = matrix
        yield matrix

    def _show_cell(self, label: str, predicted: str) -> None:
        """Show the photos of one cell of the matrix."""
        if self.facts is None or self.facts.evaluation is None:
            return
        inside = [one for one in self.facts.evaluation.tested if (one.label, one.predicted) == (label, predicted)]
        photos = "1 photo" if len(inside) == 1 else f"{len(inside):,} photos"
        what = f"{photos} of {label}, rightly named" if label == predicted else f"{photos} of {label} named {predicted}"
        if self.photos is not None:
            self.photos.show_photos(what, inside)
            self.show_whole(self.photos)


def _make_bars(classes: Sequence[str], evaluation: EvaluationSummary) -> Iterator[PlotFrame]:
    from gui.plots.bars import ClassBars

    bars, scores = ClassBars(), evaluation.per_class
    yield bars
    shares = [one.precision for one in scores], [one.recall for one in scores], [one.support for one in scores]
    bars.show_classes(classes, *shares)
    yield bars


def _make_calibration(evaluation: EvaluationSummary) -> Iterator[PlotFrame]:
    from gui.plots.calibration import CalibrationPlot

    plot = CalibrationPlot()
    yield plot
    before, after = _bins(evaluation.reliability_before), _bins(evaluation.reliability)
    plot.show_bins(before, after, evaluation.ece_before, evaluation.ece)
    yield plot


def _bins(bins: Sequence[ReliabilityBin]) -> list[Bin]:
    return [Bin(one.confidence, one.accuracy, one.images) for one in bins]


def _headline(facts: TrainingSummary) -> str:
    evaluation = facts.evaluation
    if evaluation is None:
        return f"{facts.name} is ready"
    return f"{evaluation.accuracy:.1%} of {evaluation.images:,} photos it had not seen are named rightly"


def _details_text(facts: TrainingSummary) -> str:
    evaluation = facts.evaluation
    if evaluation is None:
        return "There were no photos left to judge it by."
    low, high = evaluation.interval
    own = f"With so many photos, that means {low:.0%} to {high:.0%}."
    return f"{own} {_compared(facts.baseline)}" if facts.baseline is not None else own


def _compared(other: BaselineComparison) -> str:
    won, lost = other.only_now_right, other.only_before_right
    chance = " The difference could be chance." if other.could_be_chance else ""
    return (
        f"“{other.name}”, in use before, names {other.accuracy_before:.1%} of the same rightly: "
        f"{won:,} got better, {lost:,} worse.{chance}"
    )


def _training_data_text(facts: TrainingSummary) -> str:
    parts = ", ".join(f"{count:,} {part}" for part, count in facts.subsets.items())
    result = f"made in {duration(facts.seconds)} from {parts} photos"
    return f"Version {facts.version} of “{facts.name}”, {result}. {facts.summary}"
