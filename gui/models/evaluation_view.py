"""An evaluation on test photos: the mistakes, the confusion matrix, the classes and the calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr, tr_n
from core.datasets.labels import OverriddenImage
from core.evaluation.multi_label_values import ClassSuspect, MultiLabelEvaluation
from core.evaluation.values import Evaluation, LabelledPrediction
from gui.models.label_set_view import class_metrics, class_suspects_part, label_set_parts
from gui.models.result_photos import ResultPhotos
from gui.tasks.idle_steps import run_when_idle
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.basic import Panel, ScrollColumn, label
from gui.widgets.formats import percent
from gui.widgets.layouts import SPACE
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


class EvaluationView(ScrollColumn):
    """Shows an evaluation; a cell of the matrix shows its photos.

    Attributes:
        noticed: a notice for the user.
        overridden: change labels: a mapping from path to class or LEFT_OUT.
        class_wanted: ask for the class of these photos; the photos, and the likely classes.
        map_created: a map was created, whose questions are to be answered.
        photos: the photos; None before an evaluation was shown.
        suspects: the photos whose label may be wrong; None if there are none.
        matrix: the confusion matrix; None until it was made.
    """

    noticed = Signal(object)
    overridden = Signal(object)
    class_wanted = Signal(object, object)
    map_created = Signal(object)

    def __init__(self, pictures: PictureClient, *, can_correct: bool) -> None:
        """`can_correct` says whether wrong labels can be corrected."""
        super().__init__(tr("Evaluation of the model"))
        self._pictures, self._can_correct = pictures, can_correct
        self._model = ""
        self.photos: ResultPhotos | None = None
        self.suspects: ResultPhotos | None = None
        self.matrix: ConfusionMatrix | None = None

    def show_evaluation(
        self,
        evaluation: Evaluation | MultiLabelEvaluation | None,
        notes: Sequence[str],
        about: str,
        model: str,
        suspects: Sequence[LabelledPrediction] = (),
        advice: Sequence[str] = (),
        class_suspects: Sequence[ClassSuspect] = (),
    ) -> None:
        """Show an evaluation between notes and a description of the training.

        Args:
            evaluation: the evaluation; None if there were no test photos.
            notes: notes on it.
            about: a description of the training.
            model: the version, `name@version`.
            suspects: photos whose label may be wrong, the most likely ones first.
            advice: what more photos would do.
            class_suspects: instead of `suspects` if photos may have several classes, the classes that may be wrong.
        """
        self._model = model
        self.photos, self.suspects, self.matrix = None, None, None
        shown: list[QWidget] = [label(note, "muted", wrap=True) for note in notes]
        if advice:
            shown.append(_make_advice(advice))
        if isinstance(evaluation, MultiLabelEvaluation):
            shown += label_set_parts(evaluation, self._pictures)
        elif evaluation is not None:
            shown.append(self._make_photos(evaluation))
        if suspects:
            shown.append(self._make_suspects(suspects))
        if class_suspects:
            shown.append(class_suspects_part(class_suspects, self._pictures))
        if evaluation is not None:
            shown.append(self._make_plots(evaluation))
        self.show_column(*shown, label(about, "muted", wrap=True), SPACE).setSpacing(2 * theme.GRID)

    def show_overrides(self, overridden: Sequence[OverriddenImage], confirmed: frozenset[Path]) -> None:
        """Show which labels were changed or confirmed."""
        for photos in (self.photos, self.suspects):
            if photos is not None:
                photos.show_overrides(overridden, confirmed)

    def show_whole(self, part: QWidget) -> None:
        """Scroll to a part of the page."""
        page = self.widget()
        if page is not None:
            self.verticalScrollBar().setValue(part.mapTo(page, part.rect().topLeft()).y())

    def _make_photos(self, evaluation: Evaluation) -> QWidget:
        photos = self.photos = self._make_wall(tr("Test photos"))
        if mistakes := evaluation.mistakes:
            photos.show_photos(tr("Mistakes, most confident first"), mistakes[:_MAX_PHOTOS], self._model)
        else:
            photos.show_photos(tr("No mistakes on the test photos"), evaluation.predictions[:_MAX_PHOTOS], self._model)
        return photos

    def _make_suspects(self, suspects: Sequence[LabelledPrediction]) -> QWidget:
        photos = self.suspects = self._make_wall(tr("Photos that may have a wrong label"))
        title = tr_n(
            "{count:,} photo may have a wrong label",
            "{count:,} photos may have a wrong label, the most likely first",
            len(suspects),
        )
        photos.show_photos(title, suspects[:_MAX_PHOTOS], self._model)
        return photos

    def _make_wall(self, name: str) -> ResultPhotos:
        photos = ResultPhotos(self._pictures, name, can_correct=self._can_correct)
        photos.overridden.connect(self.overridden)
        photos.class_wanted.connect(self.class_wanted)
        photos.map_created.connect(self.map_created)
        return photos

    def _make_plots(self, evaluation: Evaluation | MultiLabelEvaluation) -> Tiles:
        """The plots, made one after the other: all at once they would block the event loop."""
        tiles = Tiles(_PLOT)
        run_when_idle(tiles, self._fill(tiles, evaluation), _PAUSE_MS)
        return tiles

    def _fill(self, tiles: Tiles, evaluation: Evaluation | MultiLabelEvaluation) -> Iterator[None]:
        import gui.plots.matrix  # noqa: F401 - its import is slow and takes a turn of its own

        yield
        for plot, show in self._plots(evaluation):
            plot.noticed.connect(self.noticed)
            yield
            show()
            tiles.add_last(plot)
            yield

    def _plots(self, evaluation: Evaluation | MultiLabelEvaluation) -> Iterator[tuple[PlotFrame, Callable[[], object]]]:
        """Each plot, with what shows the evaluation in it."""
        from gui.plots.bars import ClassBars
        from gui.plots.calibration import CalibrationPlot
        from gui.plots.matrix import ConfusionMatrix

        if isinstance(evaluation, MultiLabelEvaluation):
            bars = ClassBars()
            yield bars, partial(bars.show_classes, [class_metrics(one) for one in evaluation.per_class])
            return
        if len(evaluation.classes) <= _MATRIX_CLASSES:
            matrix = ConfusionMatrix()
            matrix.cell_chosen.connect(partial(self._show_cell, evaluation))
            yield matrix, partial(matrix.show_counts, evaluation.classes, evaluation.confusion)
            self.matrix = matrix
        bars = ClassBars()
        yield bars, partial(bars.show_classes, evaluation.per_class)
        calibration, measured = CalibrationPlot(), evaluation.out_of_sample or evaluation
        about = _calibration_text(evaluation)
        yield calibration, partial(calibration.show_calibration, measured.raw, measured.calibrated, about)

    def _show_cell(self, evaluation: Evaluation, row: int, column: int) -> None:
        """Show the photos of one cell of the confusion matrix."""
        cell = label, predicted = evaluation.classes[row], evaluation.classes[column]
        inside = [one for one in evaluation.predictions if (one.label, one.predicted) == cell]
        if self.photos is not None:
            self.photos.show_photos(_cell_title(label, predicted, len(inside)), inside, self._model)
            self.show_whole(self.photos)


def _make_advice(advice: Sequence[str]) -> Panel:
    panel = Panel(tr("What more photos would do"))
    for line in advice:
        panel.body.addWidget(label(line, wrap=True))
    return panel


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


def _calibration_text(evaluation: Evaluation) -> str:
    """Which photos the calibration was measured on."""
    measured = evaluation.out_of_sample
    if measured is None:
        return tr_n("Measured on {count:,} test photo.", "Measured on {count:,} test photos.", evaluation.images)
    count = sum(one.images for one in measured.raw.bins)
    if measured.is_cross_validated:
        return tr_n(
            "Measured by cross-validation on {count:,} photo, predicted by a model that wasn't trained on it.",
            "Measured by cross-validation on {count:,} photos, each predicted by a model that wasn't trained on it.",
            count,
        )
    return tr_n(
        "Measured on {count:,} photo for validation and testing.",
        "Measured on {count:,} photos for validation and testing.",
        count,
    )


def headline(evaluation: Evaluation | MultiLabelEvaluation) -> str:
    """The accuracy, as a sentence."""
    if isinstance(evaluation, MultiLabelEvaluation):
        return tr_n(
            "F1 {f1} on {count:,} test photo",
            "F1 {f1} on {count:,} test photos",
            evaluation.images,
            f1=percent(evaluation.micro_f1, 1),
        )
    return tr_n(
        "{accuracy} correct on {count:,} test photo",
        "{accuracy} correct on {count:,} test photos",
        evaluation.images,
        accuracy=percent(evaluation.accuracy, 1),
    )


def interval(evaluation: Evaluation | MultiLabelEvaluation) -> str:
    """How precisely the accuracy is known, as a sentence."""
    low, high = evaluation.interval
    if isinstance(evaluation, MultiLabelEvaluation):
        return tr(
            "{share} of the photos have exactly the right classes (95% confidence interval: {low:.0%} to {high:.0%}). "
            "Mean average precision: {precision}.",
            share=percent(evaluation.exact_match, 1),
            low=low,
            high=high,
            precision=percent(evaluation.mean_average_precision, 1),
        )
    return tr("95% confidence interval: {low:.0%} to {high:.0%}.", low=low, high=high)
