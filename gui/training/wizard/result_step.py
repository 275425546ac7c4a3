"""Last step: the accuracy of the new model, compared with the one in use, and its mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr, tr_n
from core.datasets.labels import OverriddenImage
from core.evaluation.values import BaselineComparison, Evaluation
from core.training.values import TrainingResult
from gui.models.files import ExportPanel
from gui.tasks.idle_steps import run_when_idle
from gui.tasks.picture_client import PictureClient
from gui.tasks.task import Tasks
from gui.training.wizard.result_photos import ResultPhotos
from gui.widgets import theme
from gui.widgets.basic import ScrollColumn, button, label
from gui.widgets.formats import duration, percent
from gui.widgets.layouts import SPACE, TOP, Placed, fill, hbox, vbox
from gui.widgets.tiles import Tiles

if TYPE_CHECKING:
    from gui.plots.frame import PlotFrame
    from gui.plots.matrix import ConfusionMatrix

_PAUSE_MS: Final = 20
"""The pause between two steps of making plots, for layout, painting and events."""
_PLOT: Final = 480
"""The minimum width of a readable plot, in pixels."""
_MAX_PHOTOS: Final = 50
_MATRIX_CLASSES: Final = 200
"""With more classes, a confusion matrix is unreadable, and its size grows with the square."""


class ResultStep(QWidget):
    """Shows the result of a training.

    Attributes:
        use_wanted: use the new model from now on.
        again_wanted: train again; whether to repeat the training at once with the changed labels.
        noticed: a notice for the user.
        overridden: change labels: a mapping from path to class or LEFT_OUT.
        class_wanted: ask for the class of these photos; the photos, and the likely classes.
        undo_wanted: undo the last change.
        exported: a message about an export, and the file; None if it failed.
    """

    use_wanted = Signal()
    again_wanted = Signal(bool)
    noticed = Signal(object)
    overridden = Signal(object)
    class_wanted = Signal(object, object)
    undo_wanted = Signal()
    exported = Signal(str, object)

    def __init__(self, pictures: PictureClient, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self.result: TrainingResult | None = None
        self.use = button(tr("Use this model"), self.use_wanted.emit, kind="primary")
        self.again = button(tr("Train again"), self._train_again)
        self.export = button(tr("Export…"), self._export)
        self.undo = button(tr("Undo"), self.undo_wanted.emit, hint=tr("Undo your last change (Ctrl+Z)"))
        QShortcut(QKeySequence.StandardKey.Undo, self, self.undo.click)
        self.exporting = ExportPanel(tasks, self)
        self.exporting.exported.connect(self.exported)
        self._overrides = 0
        self._folder = Path()
        self.headline = label(kind="title", wrap=True)
        self.beside = label(wrap=True)
        self.photos: ResultPhotos | None = None
        self.matrix: ConfusionMatrix | None = None
        self._area = ScrollColumn(tr("Evaluation of the model"))
        buttons = (Placed(one, alignment=TOP) for one in (self.undo, self.export, self.again, self.use))
        head = hbox(fill(self.headline), *buttons)
        vbox(head, self.beside, self.exporting, fill(self._area), parent=self, spacing=theme.GRID)

    def show_result(self, result: TrainingResult, folder: Path) -> None:
        """Show a new model that was trained on the photos in this folder."""
        self.result, self._folder = result, folder
        self.show_overrides((), new=0, can_undo=False)
        self.headline.setText(_headline(result))
        self.beside.setText(_details_text(result))
        self.use.setEnabled(True)
        self.use.setText(tr("Use this model"))
        self._area.show_column(*self._make_details(result), SPACE).setSpacing(2 * theme.GRID)

    def show_in_use(self) -> None:
        """Show that the new model is the one in use."""
        self.use.setText(tr("In use"))
        self.use.setEnabled(False)

    def show_overrides(self, overridden: Sequence[OverriddenImage], *, new: int, can_undo: bool) -> None:
        """Show which labels were changed, and how many of the changes the model was not trained on yet."""
        self._overrides = new
        if new:
            text = tr_n("Train again with {count:,} change", "Train again with {count:,} changes", new)
            self.again.setText(text)
            self.again.setToolTip(tr("Repeat the training with your changes"))
        else:
            self.again.setText(tr("Train again"))
            self.again.setToolTip(tr("Choose how to train"))
        self.undo.setVisible(can_undo)
        if self.photos is not None:
            self.photos.show_overrides(overridden)

    def _train_again(self) -> None:
        self.again_wanted.emit(self._overrides > 0)

    def _export(self) -> None:
        if self.result is not None:
            self.exporting.open(f"{self.result.name}@{self.result.version}", self._folder)

    def show_whole(self, part: QWidget) -> None:
        """Scroll to a part of the page."""
        page = self._area.widget()
        if page is not None:
            self._area.verticalScrollBar().setValue(part.mapTo(page, part.rect().topLeft()).y())

    def _make_details(self, result: TrainingResult) -> Iterator[QWidget]:
        for note in result.notes:
            yield label(note, "muted", wrap=True)
        if result.evaluation is not None:
            yield self._make_photos(result.evaluation)
            yield self._make_plots(result.evaluation)
        yield label(_training_data_text(result), "muted", wrap=True)

    def _make_photos(self, evaluation: Evaluation) -> QWidget:
        photos = self.photos = ResultPhotos(self._pictures)
        photos.overridden.connect(self.overridden)
        photos.class_wanted.connect(self.class_wanted)
        if mistakes := evaluation.mistakes:
            photos.show_photos(tr("Mistakes, most confident first"), mistakes[:_MAX_PHOTOS])
        else:
            photos.show_photos(tr("No mistakes on the test photos"), evaluation.predictions[:_MAX_PHOTOS])
        return photos

    def _make_plots(self, evaluation: Evaluation) -> Tiles:
        """The plots, made one after the other: all at once they would block the event loop."""
        tiles = Tiles([], _PLOT)
        run_when_idle(tiles, self._fill(tiles, evaluation), _PAUSE_MS)
        return tiles

    def _fill(self, tiles: Tiles, evaluation: Evaluation) -> Iterator[object]:
        import gui.plots.matrix  # noqa: F401 - its import is slow and takes a turn of its own

        yield None
        for making in (self._make_matrix(evaluation), _make_bars(evaluation), _make_calibration(evaluation)):
            plot = next(making)
            plot.noticed.connect(self.noticed)
            yield None
            yield from making
            tiles.add_last(plot)
            yield None

    def _make_matrix(self, evaluation: Evaluation) -> Iterator[PlotFrame]:
        from gui.plots.matrix import ConfusionMatrix

        matrix, classes = ConfusionMatrix(), evaluation.classes
        yield matrix
        if len(classes) <= _MATRIX_CLASSES:
            matrix.show_counts(classes, evaluation.confusion)
        else:
            matrix.hide()
        matrix.cell_chosen.connect(lambda row, column: self._show_cell(classes[row], classes[column]))
        self.matrix = matrix
        yield matrix

    def _show_cell(self, label: str, predicted: str) -> None:
        """Show the photos of one cell of the confusion matrix."""
        if self.result is None or self.result.evaluation is None:
            return
        inside = [one for one in self.result.evaluation.predictions if (one.label, one.predicted) == (label, predicted)]
        if self.photos is not None:
            self.photos.show_photos(_cell_title(label, predicted, len(inside)), inside)
            self.show_whole(self.photos)


def _cell_title(label: str, predicted: str, photos: int) -> str:
    if label == predicted:
        return tr_n(
            "{count:,} photo of “{label}”, correct", "{count:,} photos of “{label}”, all correct", photos, label=label
        )
    return tr_n(
        "{count:,} photo of “{label}” predicted as “{predicted}”",
        "{count:,} photos of “{label}” predicted as “{predicted}”",
        photos,
        label=label,
        predicted=predicted,
    )


def _make_bars(evaluation: Evaluation) -> Iterator[PlotFrame]:
    from gui.plots.bars import ClassBars

    bars = ClassBars()
    yield bars
    bars.show_classes(evaluation.per_class)
    yield bars


def _make_calibration(evaluation: Evaluation) -> Iterator[PlotFrame]:
    from gui.plots.calibration import CalibrationPlot

    plot = CalibrationPlot()
    yield plot
    plot.show_calibration(evaluation.raw, evaluation.calibrated)
    yield plot


def _headline(result: TrainingResult) -> str:
    evaluation = result.evaluation
    if evaluation is None:
        return tr("“{name}” is ready", name=result.name)
    return tr_n(
        "{accuracy} correct on {count:,} test photo",
        "{accuracy} correct on {count:,} test photos",
        evaluation.images,
        accuracy=percent(evaluation.accuracy, 1),
    )


def _details_text(result: TrainingResult) -> str:
    evaluation = result.evaluation
    if evaluation is None:
        return tr("There were no test photos, so its accuracy is unknown.")
    low, high = evaluation.interval
    interval = tr("95% confidence interval: {low:.0%} to {high:.0%}.", low=low, high=high)
    return " ".join((interval, *_compared(result.baseline))) if result.baseline is not None else interval


def _compared(other: BaselineComparison) -> Iterator[str]:
    yield tr(
        "“{name}”, in use before, gets {accuracy} on the same photos: {fixed:,} fixed, {broken:,} broken.",
        name=other.name,
        accuracy=percent(other.result.a.fraction, 1),
        fixed=other.result.only_b_correct,
        broken=other.result.only_a_correct,
    )
    if other.result.could_be_chance:
        yield tr("The difference could be chance.")


def _training_data_text(result: TrainingResult) -> str:
    return tr(
        "Version {version} of “{name}”, trained in {duration}. Photos: {train:,} for training, {validation:,} for "
        "validation, {test:,} for testing. {summary}",
        version=result.version,
        name=result.name,
        duration=duration(result.seconds),
        train=result.subsets["train"],
        validation=result.subsets["validation"],
        test=result.subsets["test"],
        summary=result.card.summary,
    )
