"""What the user says a photo is: one value and one rule, wherever the label was given and wherever it is shown.

A label belongs to the content of a photo (SHA-256), not to its path: it survives moving and renaming, and copies share
it. A photo whose content has changed has no label, except that labels follow what Fovea itself writes into it. Labels
are given in the gallery and in the review of a job, for a prediction of a model, and in the training wizard, for a
photo of a folder's data set. `core.datasets.label_store` keeps one label per photo, model and data set, so that the
labels of one vocabulary never overwrite those of another.

**What a view shows** (`Scope.choose`). Among the labels of a photo, the most recent one that was given in this view
or that says a class the view knows. Elsewhere a photo may have been left out or called something that is no class
here: that is not forced on this view. The gallery and the review of one model are one view. In a data set, labels
given elsewhere change the class of its photos, but add no photo to it: only the wizard does. In a data set that was
built in the wizard, the folder of a photo is what the user chose, so that labels change nothing. In the results of a
job, labels given elsewhere are reviews, brought up to date when the job has run and when it is shown
(`core.jobs.shared_labels`); a photo that has changed keeps its review.

**What is learned.** `fovea train`, `evaluate` and the wizard apply what the view of their folder shows. Retraining
learns from the labels that were given for the model's own predictions, each as its most recent label says.

**What undo and removal do.** Undo restores exactly the labels that the photos had. Removing a label in a view removes
every label that the view would show, so that no older one appears in its place. Removed labels are deleted.

**Whether a label was learned** is not stored. A label records the fingerprints of the training data of the versions
trained on it, and each version records those of its predecessors (its lineage). So for any version in use, by whatever
way it was made, the labels outside its lineage are pending.

The window imports this module, so it imports nothing heavy.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from core.base.i18n import tr, tr_n
from core.card import ModelCard
from core.prediction import Prediction

TRAINED_CORRECTIONS: Final = "corrections"
"""The key of a card's `training` that records corrections, see `lineage`."""
LEFT_OUT: Final = ""
"""The label of a photo that is left out of its data set."""


class Source(StrEnum):
    """Where a label was given."""

    GALLERY = "gallery"
    REVIEW = "review"
    WIZARD = "wizard"


@dataclass(frozen=True, slots=True)
class Label:
    """A user's label for a photo: a correction or confirmation of a prediction, or the class of a data set's photo.

    Attributes:
        path: a file with the photo's content.
        label: its class, or what stands for several (`core.base.label_sets`); LEFT_OUT leaves it out of a data set.
        source: where the label was given.
        model: the name of the model that made the prediction; empty for a data set.
        folder: the data set, see `folder_key`; empty for a prediction.
        predicted: the class that the model predicted, or what stands for several.
        confidence: its confidence, 0..1.
        unknown: whether the model predicted “unknown” and `predicted` was only its best guess; None if not recorded,
            as by earlier versions of Fovea.
        created_at: when.
        trained_in: fingerprints of the training data of the versions trained on it; empty if there are none.
        sha256: of the content, in hexadecimal; empty as long as the file was not hashed.
        size: of the content in bytes; None if it was never seen.
    """

    path: Path
    label: str
    source: Source
    model: str = ""
    folder: str = ""
    predicted: str = ""
    confidence: float = 0.0
    unknown: bool | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    trained_in: tuple[str, ...] = ()
    sha256: str = field(default="", compare=False)
    size: int | None = field(default=None, compare=False)

    @classmethod
    def of(cls, prediction: Prediction, label: str, source: Source) -> Label:
        """The user's label for a prediction."""
        predicted, confidence = prediction.label, min(max(prediction.best.probability, 0.0), 1.0)
        return cls(prediction.path, label, source, prediction.model, "", predicted, confidence, prediction.is_guess)

    @property
    def is_confirmation(self) -> bool:
        """Whether the prediction was right; “unknown” never is, even if its best guess was."""
        return self.label == self.predicted and not self.unknown

    def is_ambiguous(self, unknown_below: float | None) -> bool:
        """Whether it may have been stored unintentionally, so that no model must be trained on it.

        In earlier versions of Fovea, Enter on “unknown” stored the best guess as confirmed. That cannot be
        distinguished from an explicit choice, but the user can choose again.

        Args:
            unknown_below: the confidence below which the model predicts “unknown”, see `ModelCard`.
        """
        if unknown_below is None or self.unknown is not None:
            return False
        return self.is_confirmation and self.confidence < unknown_below

    def is_pending(self, lineage: Collection[str]) -> bool:
        """Whether no version of that lineage was trained on it."""
        return not self.trained_in or not any(version in lineage for version in self.trained_in)


@dataclass(frozen=True, slots=True)
class Scope:
    """A view of labels: the predictions of a model, or a folder's data set.

    Attributes:
        model: the name of the model; empty for a data set.
        folder: the data set, see `folder_key`; empty for a model.
        classes: those that the view knows; empty to see only its own labels.
    """

    model: str = ""
    folder: str = ""
    classes: Collection[str] = ()

    def is_own(self, label: Label) -> bool:
        """Whether the label was given in this view."""
        return (label.model, label.folder) == (self.model, self.folder)

    def applies(self, label: Label) -> bool:
        """Whether the view can show the label."""
        return self.is_own(label) or label.label in self.classes

    def choose(self, labels: Iterable[Label]) -> Label | None:
        """The label that the view shows for a photo, of all labels that the photo has."""
        shown = filter(self.applies, labels)
        return max(shown, key=lambda one: (one.created_at, self.is_own(one)), default=None)


def shared_classes(card: ModelCard) -> tuple[str, ...]:
    """The classes of which labels given elsewhere apply to a model, see `Scope`.

    There are none for a multi-label model: that a photo is a cat does not say what else it shows.
    """
    return () if card.is_multi_label else card.classes


def folder_key(folder: Path) -> str:
    """What identifies the data set of a folder, by whatever links it is reached."""
    return hashlib.blake2b(os.fsencode(os.path.realpath(folder)), digest_size=16).hexdigest()


def ambiguous_text(count: int) -> str:
    """The message about that many ambiguous labels; empty if there are none."""
    if not count:
        return ""
    return tr_n(
        "{count:,} photo was left out: an earlier version of Fovea stored an unsure guess as confirmed. "
        "Choose its class again to include it.",
        "{count:,} photos were left out: an earlier version of Fovea stored unsure guesses as confirmed. "
        "Choose their classes again to include them.",
        count,
    )


def lineage(training: Mapping[str, Any]) -> tuple[str, ...]:
    """Fingerprints of the training data of a version and its predecessors, from its card's `training`."""
    recorded = training.get(TRAINED_CORRECTIONS)
    known = recorded.get("lineage") if isinstance(recorded, dict) else None
    return tuple(one for one in known if isinstance(one, str)) if isinstance(known, list) else ()


# ---- labels of a data set, as the wizard asks for and lists them


@dataclass(frozen=True, slots=True)
class OverriddenImage:
    """A file whose label was overridden.

    Attributes:
        path: the file.
        original: its class by the folder layout; empty if it has none.
        label: its class; None if it is left out.
    """

    path: Path
    original: str
    label: str | None


def summarize(overridden: Iterable[OverriddenImage]) -> str:
    """The number of corrected labels and excluded photos in a sentence; empty if there are none."""
    listed = list(overridden)
    excluded = sum(one.label is None for one in listed)
    corrected = len(listed) - excluded
    if corrected and excluded:
        labels = tr_n("{count:,} label", "{count:,} labels", corrected)
        photos = tr_n("{count:,} photo", "{count:,} photos", excluded)
        return tr("You corrected {labels} and excluded {photos}.", labels=labels, photos=photos)
    if corrected:
        return tr_n("You corrected {count:,} label.", "You corrected {count:,} labels.", corrected)
    return tr_n("You excluded {count:,} photo.", "You excluded {count:,} photos.", excluded) if excluded else ""
