"""Last step: the accuracy of the new model, compared with the one in use, and its mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr, tr_n
from core.datasets.labels import OverriddenImage
from core.evaluation.values import BaselineComparison
from core.services.wording import card_wording
from core.training.outlook_text import outlook_lines
from core.training.values import TrainingResult
from gui.models.evaluation_view import EvaluationView, headline, interval
from gui.models.files import ExportPanel
from gui.tasks.picture_client import PictureClient
from gui.tasks.task import Tasks
from gui.widgets import theme
from gui.widgets.basic import button, label
from gui.widgets.formats import duration, percent
from gui.widgets.layouts import TOP, Placed, fill, hbox, vbox


class ResultStep(QWidget):
    """Shows the result of a training.

    Attributes:
        use_wanted: use the new model from now on.
        finished: the new model is in use, so the button that had the keyboard focus has nothing more to do.
        again_wanted: train again; whether to repeat the training at once with the changed labels.
        noticed: a notice for the user.
        overridden: change labels: a mapping from path to class or LEFT_OUT.
        class_wanted: ask for the class of these photos; the photos, and the likely classes.
        undo_wanted: undo the last change.
        exported: a message about an export, and the file; None if it failed.
    """

    use_wanted = Signal()
    finished = Signal()
    again_wanted = Signal(bool)
    noticed = Signal(object)
    overridden = Signal(object)
    class_wanted = Signal(object, object)
    undo_wanted = Signal()
    exported = Signal(str, object)

    def __init__(
        self, pictures: PictureClient, tasks: Tasks, title_of: Callable[[str], str], parent: QWidget | None = None
    ) -> None:
        """`title_of` is the title of a model, `name` or `name@version`."""
        super().__init__(parent)
        self._title_of = title_of
        self.result: TrainingResult | None = None
        self.use = button(tr("Use this model"), self.use_wanted.emit, kind="primary")
        self.again = button(tr("Train again"), self._train_again)
        self.export = button(tr("Export…"), self._export)
        self.undo = button(tr("Undo"), self.undo_wanted.emit, hint=tr("Undo your last change (Ctrl+Z)"))
        QShortcut(QKeySequence.StandardKey.Undo, self, self.undo.click)
        self.exporting = ExportPanel(tasks, title_of, self)
        self.exporting.exported.connect(self.exported)
        self._overrides = 0
        self._folder = Path()
        self.headline = label(kind="title", wrap=True)
        self.beside = label(wrap=True)
        self.view = EvaluationView(pictures, can_correct=True)
        self.view.noticed.connect(self.noticed)
        self.view.overridden.connect(self.overridden)
        self.view.class_wanted.connect(self.class_wanted)
        buttons = (Placed(one, alignment=TOP) for one in (self.undo, self.export, self.again, self.use))
        head = hbox(fill(self.headline), *buttons)
        vbox(head, self.beside, self.exporting, fill(self.view), parent=self, spacing=theme.GRID)

    def show_result(self, result: TrainingResult, folder: Path) -> None:
        """Show a new model that was trained on the photos in this folder."""
        self.result, self._folder = result, folder
        self.show_overrides((), frozenset(), new=0, can_undo=False)
        self.headline.setText(_headline(result))
        self.beside.setText(self._details_text(result))
        self.use.setEnabled(True)
        self.use.setText(tr("Use this model"))
        measured = result.evaluation or result.multi_label
        notes = result.notes if measured is not None else ()  # otherwise they are beside the headline
        advice = outlook_lines(result.outlook) if result.outlook is not None else ()
        reference, about = f"{result.name}@{result.version}", _training_data_text(result)
        self.view.show_evaluation(measured, notes, about, reference, result.suspects, advice, result.class_suspects)

    def _details_text(self, result: TrainingResult) -> str:
        measured = result.evaluation or result.multi_label
        if measured is None:
            return " ".join(result.notes)
        other = result.baseline
        compared = compared_text(other, self._title_of(other.name)) if other else ""
        return " ".join(filter(None, (interval(measured), _groups_text(result), compared)))

    def show_in_use(self) -> None:
        """Show that the new model is the one in use."""
        had_focus = self.use.hasFocus()
        self.use.setText(tr("In use"))
        self.use.setEnabled(False)
        if had_focus:
            self.finished.emit()

    def show_overrides(
        self, overridden: Sequence[OverriddenImage], confirmed: frozenset[Path], *, new: int, can_undo: bool
    ) -> None:
        """Show which labels were changed or confirmed, and how many changes the model was not trained on yet."""
        self._overrides = new
        if new:
            text = tr_n("Train again with {count:,} change", "Train again with {count:,} changes", new)
            self.again.setText(text)
            self.again.setToolTip(tr("Repeat the training with your changes"))
        else:
            self.again.setText(tr("Train again"))
            self.again.setToolTip(tr("Choose how to train"))
        self.undo.setVisible(can_undo)
        self.view.show_overrides(overridden, confirmed)

    def _train_again(self) -> None:
        self.again_wanted.emit(self._overrides > 0)

    def _export(self) -> None:
        if self.result is not None:
            card, reference = self.result.card, f"{self.result.name}@{self.result.version}"
            self.exporting.open(reference, self._folder, is_multi_label=card.is_multi_label)


def _headline(result: TrainingResult) -> str:
    measured = result.evaluation or result.multi_label
    return tr("“{name}” is ready", name=result.name) if measured is None else headline(measured)


def _groups_text(result: TrainingResult) -> str:
    """How many test photos get a class of the right group; empty without groups."""
    hierarchy, evaluation = result.card.hierarchy, result.evaluation
    if hierarchy is None or evaluation is None:
        return ""
    top = {name: path[0] for name, path in hierarchy.known.items()}
    right = sum(top.get(one.label) == top.get(one.predicted) for one in evaluation.predictions)
    share = percent(right / evaluation.images, 1)
    return tr("{share} get a class of the right group ({groups}).", share=share, groups=hierarchy.outline)


def compared_text(other: BaselineComparison, title: str) -> str:
    """How the model compares with the one in use before, which has this title, or why it is not compared."""
    if other.training_overlap:
        return tr(
            "Not compared with “{name}”, in use before: it was trained on {overlap:,} of these {count:,} photos.",
            name=title,
            overlap=other.training_overlap,
            count=other.result.a.images,
        )
    found = tr(
        "“{name}”, in use before, gets {accuracy} on the same photos: {fixed:,} fixed, {broken:,} broken.",
        name=title,
        accuracy=percent(other.result.a.fraction, 1),
        fixed=other.result.only_b_correct,
        broken=other.result.only_a_correct,
    )
    if other.result.only_a_correct + other.result.only_b_correct and other.result.could_be_chance:
        return f"{found} {tr('The difference could be chance.')}"
    return found


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
        summary=card_wording(result.card.summary),
    )
