"""The results of evaluations on images that have none, one or several classes: light values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LabelSetPrediction:
    """The predicted classes of a labelled image.

    Attributes:
        path: the image.
        labels: its true classes, in the order of the model's.
        predicted: the predicted classes, in the same order.
        error: how far the most wrong probability of a class is from the truth, 0..1.
    """

    path: Path
    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    error: float

    @property
    def is_correct(self) -> bool:
        """Whether exactly the true classes are predicted."""
        return self.labels == self.predicted

    @property
    def missed(self) -> tuple[str, ...]:
        """The true classes that are not predicted."""
        return tuple(label for label in self.labels if label not in self.predicted)

    @property
    def added(self) -> tuple[str, ...]:
        """The predicted classes that are not true."""
        return tuple(label for label in self.predicted if label not in self.labels)


@dataclass(frozen=True, slots=True)
class ClassSuspect:
    """A class that an image is labelled with and probably does not have, or the reverse.

    Attributes:
        path: the image.
        label: the class.
        is_given: whether the image is labelled with it.
        probability: that it has the class, by a model that was not trained on it, 0..1.
    """

    path: Path
    label: str
    is_given: bool
    probability: float


@dataclass(frozen=True, slots=True)
class MultiLabelClass:
    """The metrics of one class.

    Attributes:
        label: the class.
        threshold: the probability from which an image has it, 0..1.
        precision: of the images predicted to have it, the fraction that do; None if none was.
        recall: of the images that have it, the fraction that were predicted to; None if none has it.
        f1: harmonic mean of both; None if no image has it and none was predicted to.
        average_precision: the area under precision over recall at all thresholds, 0..1; None if no image has it.
        support: the number of images that have it.
    """

    label: str
    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None
    support: int


@dataclass(frozen=True, slots=True)
class MultiLabelEvaluation:
    """The evaluation of a multi-label model on labelled images.

    Attributes:
        classes: labels, in the order of the logits.
        predictions: for each image.
        per_class: metrics of each class, in order.
        mean_average_precision: mean over the classes that images have, 0..1; None if no image has any.
        micro_f1: F1 over all decisions whether an image has a class, 0..1; None if no image has any and none was
            predicted.
        macro_f1: mean F1 of the classes that have one, 0..1; None likewise.
        hamming_loss: the fraction of these decisions that are wrong, 0..1.
        exact_match: the fraction of images with exactly the true classes, 0..1.
        interval: its Wilson 95% confidence interval.
        log_loss: mean of the decisions, in nats, at the model's own temperature.
        ece: expected calibration error of the decisions, 0..1.
        temperature: the divisor of the logits before the sigmoid.
    """

    classes: tuple[str, ...]
    predictions: tuple[LabelSetPrediction, ...]
    per_class: tuple[MultiLabelClass, ...]
    mean_average_precision: float | None
    micro_f1: float | None
    macro_f1: float | None
    hamming_loss: float
    exact_match: float
    interval: tuple[float, float]
    log_loss: float
    ece: float
    temperature: float

    @property
    def images(self) -> int:
        """The number of images."""
        return len(self.predictions)

    @property
    def paths(self) -> list[Path]:
        """The images."""
        return [one.path for one in self.predictions]

    @property
    def mistakes(self) -> tuple[LabelSetPrediction, ...]:
        """The images with wrong predictions, those with the most wrong probability first."""
        wrong = (one for one in self.predictions if not one.is_correct)
        return tuple(sorted(wrong, key=lambda one: -one.error))
