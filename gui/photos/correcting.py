"""What correcting predictions on the *Photos* page changes, and what the class chooser says about them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from core.base.i18n import tr, tr_n
from core.base.label_sets import classes_of, label_text
from core.datasets.labels import Label, Source
from core.models.values import InstalledModel
from core.prediction import Prediction
from gui.session.photo_order import Photo
from gui.widgets.photo_panel import prediction_text

_LISTED = 3
"""How many different predictions are listed in the chooser."""


def label_changes(predictions: Iterable[Prediction], label: str | None) -> Mapping[str, Mapping[Path, Label | None]]:
    """The labels of the photos of predictions, by model."""
    changes: dict[str, dict[Path, Label | None]] = defaultdict(dict)
    for one in predictions:
        changes[one.model][one.path] = None if label is None else Label.of(one, label, Source.GALLERY)
    return changes


def predictions_of(photos: Iterable[Photo]) -> list[Prediction]:
    """The predictions of photos; those without one are left out."""
    return [photo.outcome for photo in photos if isinstance(photo.outcome, Prediction)]


def chosen_classes(predictions: Sequence[Prediction], label: Label | None) -> tuple[str, ...] | None:
    """The classes that photos have so far, if they may have several; those of many photos are not looked at."""
    if any(one.labels is None for one in predictions):
        return None
    return () if len(predictions) > 1 else classes_of(label.label if label else predictions[0].label)


def about_text(predictions: Sequence[Prediction], label: Label | None, model: InstalledModel) -> str:
    """What the chooser says: the predictions, the label that a single photo has, and whether the model can learn."""
    text = _prediction_text(predictions, label)
    if model.has_training_data:
        return text
    title = model.card.title
    limits = tr("“{model}” can't be retrained, but a new model can keep its classes and add yours.", model=title)
    return f"{text} {limits}"


def _prediction_text(predictions: Sequence[Prediction], label: Label | None) -> str:
    if len(predictions) == 1:
        (one,) = predictions
        text = prediction_text(one)
        return text if label is None else " ".join((text, tr("Your label: {label}.", label=label_text(label.label))))
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
