"""What users should know about a version that was retrained."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from core.base.i18n import tr, tr_n
from core.card import ModelCard
from core.datasets.labelled_image import LabelledImage
from core.datasets.labels import ambiguous_text
from core.datasets.problems import format_names
from core.datasets.subsets import Subset
from core.training.training_data import TrainingData


def retraining_notes(
    old: ModelCard, ambiguous: int, corrected: Mapping[str, LabelledImage], photos: Container[Path], data: TrainingData
) -> Iterator[str]:
    """Yield what users should know about a version that was retrained.

    Args:
        old: the card of the version that was corrected.
        ambiguous: the number of ambiguous corrections, which were not used.
        corrected: the corrected images that were used, by SHA-256.
        photos: their files.
        data: the training data.
    """
    if ambiguous:
        yield ambiguous_text(ambiguous)
    if held_out := sum(one.sha256 in corrected and one.subset != Subset.TRAIN for one in data.training_examples()):
        yield tr_n(
            "{count:,} photo you labelled is a validation or test photo. It has your label and keeps its role, so "
            "that both versions can be compared.",
            "{count:,} photos you labelled are validation or test photos. They have your labels and keep their role, "
            "so that both versions can be compared.",
            held_out,
        )
    yield from _class_notes(old.classes, data.dataset.classes)
    recipe = str(old.training.get("recipe", "")).partition(":")[0]
    if recipe and recipe != "quick":
        yield tr(
            "The previous version was trained with the recipe {recipe}, this one with the recipe quick on the same "
            "backbone. Compare their accuracy before you keep it.",
            recipe=recipe,
        )
    if lost := sum(failure.path not in photos for failure in data.failures):
        yield tr_n(
            "{count:,} earlier training photo was left out because it couldn't be found.",
            "{count:,} earlier training photos were left out because they couldn't be found.",
            lost,
        )


def _class_notes(before: Sequence[str], now: Sequence[str]) -> Iterator[str]:
    if added := [one for one in now if one not in before]:
        yield tr_n(
            "New class: {names}. A few dozen photos make a class reliable; correct more predictions to add some.",
            "New classes: {names}. A few dozen photos make a class reliable; correct more predictions to add some.",
            len(added),
            names=format_names(added),
        )
    if removed := [one for one in before if one not in now]:
        yield tr_n(
            "Removed class {names}: it has no training photos left.",
            "Removed classes {names}: they have no training photos left.",
            len(removed),
            names=format_names(removed),
        )
