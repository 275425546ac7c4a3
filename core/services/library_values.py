"""Comparisons of models, as light values that cross the pipe to the window."""

from __future__ import annotations

from dataclasses import dataclass

from core.services.training_values import ChangedImage, UnreadImage


@dataclass(frozen=True, slots=True)
class PredictionChange:
    """The number of photos that the first model predicts as `before` and the second as `now`."""

    before: str
    now: str
    images: int


@dataclass(frozen=True, slots=True)
class ClassChange:
    """The recall of each model for a class, 0..1, and the number of its photos."""

    name: str
    images: int
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class LabelledSummary:
    """Two models on labelled photos.

    Attributes:
        accuracy_a: the accuracy of the first, 0..1.
        interval_a: its Wilson 95% confidence interval.
        accuracy_b: the accuracy of the second, 0..1.
        interval_b: its Wilson 95% confidence interval.
        broke: the number of photos that only the first classifies correctly.
        fixed: the number of photos that only the second classifies correctly.
        p: the p-value of McNemar's exact test.
        could_be_chance: whether the difference is not significant.
        training_overlap_a: how many of the photos the first was trained on, which makes its accuracy optimistic; None
            if unknown.
        training_overlap_b: the same for the second.
        classes: the classes that have photos, in the first model's order.
    """

    accuracy_a: float
    interval_a: tuple[float, float]
    accuracy_b: float
    interval_b: tuple[float, float]
    broke: int
    fixed: int
    p: float
    could_be_chance: bool
    training_overlap_a: int | None
    training_overlap_b: int | None
    classes: tuple[ClassChange, ...]


@dataclass(frozen=True, slots=True)
class ComparisonSummary:
    """Two models on the same photos.

    Attributes:
        a: the first model's name, with its version if it is the user's own.
        b: the second model's.
        images: the number of photos that could be read.
        disagreements: photos with different predictions, largest margin first, at most some thousands.
        disagreement_count: the total number of these.
        changes: the pairs of different predictions, most frequent first.
        labelled: the evaluation of both; None if the photos are not labelled.
        unread: photos that could not be read, at most some hundreds.
        unread_count: the total number of these.
        notes: notes for the user, a sentence or two each.
        computed: the number of photos whose features were computed.
        seconds: the duration.
    """

    a: str
    b: str
    images: int
    disagreements: tuple[ChangedImage, ...]
    disagreement_count: int
    changes: tuple[PredictionChange, ...]
    labelled: LabelledSummary | None
    unread: tuple[UnreadImage, ...]
    unread_count: int
    notes: tuple[str, ...]
    computed: int
    seconds: float
