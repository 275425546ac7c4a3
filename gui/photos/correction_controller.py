"""Correcting predictions on the *Photos* page: with the class chooser, and so that it can be undone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr, tr_n
from core.base.label_sets import classes_of, label_text
from core.datasets.labels import Label, Source
from core.models.values import InstalledModel
from core.prediction import Prediction
from gui.session.correction_store import CorrectionStore
from gui.session.model_controller import ModelController
from gui.session.photos_model import Photo
from gui.session.undo import Step
from gui.tasks.notice import Notice
from gui.widgets.announcing import announce
from gui.widgets.class_chooser import ClassChooser
from gui.widgets.photo_panel import prediction_text

_LISTED = 3
"""How many different predictions are listed in the chooser."""


class CorrectionController(QObject):
    """Asks the user for the class of photos, and stores it.

    Attributes:
        noticed: a notice for the user.
        chooser: the class chooser, created on first use.
    """

    noticed = Signal(object)

    def __init__(
        self,
        models: ModelController,
        corrections: CorrectionStore,
        undo_stack: QUndoStack,
        page: QWidget,
    ) -> None:
        super().__init__(page)
        self._models, self._corrections, self._undo_stack, self._page = models, corrections, undo_stack, page
        self.chooser: ClassChooser | None = None
        self._photos: list[Photo] = []

    def choose_class(self, photos: Sequence[Photo], seen: QWidget) -> None:
        """Let the user choose the class of these photos; those without a prediction are skipped.

        Args:
            photos: the photos.
            seen: what shows them, and is not to be covered more than necessary.
        """
        self._photos = [photo for photo in photos if isinstance(photo.outcome, Prediction)]
        model = self._models.current
        if not self._photos or model is None:
            self.noticed.emit(Notice(tr("Select a classified photo first, then correct it.")))
            return
        if self.chooser is None:
            self.chooser = ClassChooser(self._page.window())
            self.chooser.chosen.connect(lambda name: self.label(self._photos, name))
        predictions = _predictions(self._photos)
        labels = [self._corrections.of(one.path, one.model) for one in predictions]
        only = predictions[0] if len(predictions) == 1 else None
        self.chooser.open(
            self._corrections.classes_of(model.card.name, model.card.classes),
            title=tr_n("What is in this photo?", "What is in these {count:,} photos?", len(predictions)),
            about=" ".join((_prediction_text(predictions, labels), *_limits(model))),
            likely=[score.label for score in only.scores] if only else [],
            current=labels[0].label if only and labels[0] else "",
            several=_chosen(predictions, labels),
            beside=seen,
        )

    def remove_corrections(self, photos: Sequence[Photo]) -> None:
        """Remove the user's labels of photos."""
        corrected = [one for one in _predictions(photos) if self._corrections.of(one.path, one.model) is not None]
        if corrected:
            text = tr_n("remove label", "remove {count:,} labels", len(corrected))
            self._change(text, corrected, {})

    def label(self, photos: Sequence[Photo], label: str) -> None:
        """Label photos with a class, or what stands for several; those without a prediction are skipped."""
        predictions = _predictions(photos)
        if not predictions:
            return
        name = label_text(label)
        text = tr_n("label “{label}”", "label “{label}” on {count:,} photos", len(predictions), label=name)
        self._change(text, predictions, {one.path: Label.of(one, label, Source.GALLERY) for one in predictions})
        count = len(predictions)
        announce(self._page, tr_n("Labelled “{label}”", "{count:,} photos labelled “{label}”", count, label=name))

    def _change(self, text: str, predictions: Iterable[Prediction], labels: Mapping[Path, Label]) -> None:
        """Label the photos of predictions, or remove their labels, so that it can be undone."""
        changes: dict[str, dict[Path, Label | None]] = defaultdict(dict)
        for one in predictions:
            changes[one.model][one.path] = labels.get(one.path)
        self._undo_stack.push(Step(text, partial(self._apply, changes)))

    def _apply(self, changes: Mapping[str, dict[Path, Label | None]]) -> Callable[[], object]:
        return partial(self._revert, changes, self._corrections.update(changes))

    def _revert(self, changes: Mapping[str, dict[Path, Label | None]], undo: Callable[[], object]) -> None:
        """Undo a change; to redo it gives the labels as they are now: learned, if a model has learned them since."""
        for model, own in changes.items():
            known = self._corrections.all(model)
            for path, label in own.items():
                now = known.get(path)
                if label and now and (now.label, now.created_at) == (label.label, label.created_at):
                    own[path] = now
        undo()


def _predictions(photos: Iterable[Photo]) -> list[Prediction]:
    return [photo.outcome for photo in photos if isinstance(photo.outcome, Prediction)]


def _chosen(predictions: Sequence[Prediction], labels: Sequence[Label | None]) -> tuple[str, ...] | None:
    """The classes that photos have so far, if they may have several; those of many photos are not looked at."""
    if any(one.labels is None for one in predictions):
        return None
    before = labels[0]
    return () if len(predictions) > 1 else classes_of(before.label if before else predictions[0].label)


def _limits(model: InstalledModel) -> Iterator[str]:
    """What the user should know before labelling photos for a model that cannot learn from it."""
    if not model.has_training_data:
        title = model.card.title
        yield tr("“{model}” can't be retrained, but a new model can keep its classes and add yours.", model=title)


def _prediction_text(predictions: Sequence[Prediction], labels: Sequence[Label | None]) -> str:
    """The predictions, and the label that the user gave before."""
    if len(predictions) == 1:
        (one,), before = predictions, labels[0]
        text = prediction_text(one)
        return text if before is None else " ".join((text, tr("Your label: {label}.", label=label_text(before.label))))
    counts = Counter(one.best.label if one.labels is None else one.answer for one in predictions).most_common()
    listed = ", ".join(f"{label} ({count:,})" for label, count in counts[:_LISTED])
    rest = len(counts) - _LISTED
    if rest <= 0:
        return tr("Predictions: {predictions}.", predictions=listed)
    return tr_n(
        "Predictions: {predictions} and {count:,} more.",
        "Predictions: {predictions} and {count:,} more.",
        rest,
        predictions=listed,
    )
