"""The results of evaluations and comparisons: light values that any process can hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.datasets.problems import Problem
from core.evaluation.multi_label_values import MultiLabelEvaluation
from core.prediction import Failure

_SIGNIFICANCE: Final = 0.05
"""The p value below which a difference is significant."""


@dataclass(frozen=True, slots=True)
class LabelledPrediction:
    """The prediction for a labelled image.

    Attributes:
        label: its true class.
        predicted: the predicted class.
        confidence: calibrated probability of the predicted class, 0..1.
        probability: calibrated probability of the true class, 0..1.
    """

    path: Path
    label: str
    predicted: str
    confidence: float
    probability: float

    @property
    def is_correct(self) -> bool:
        """Whether the prediction is the true class."""
        return self.label == self.predicted


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The accuracy of a model on some images.

    Attributes:
        images: their number, at least one.
        fraction: the fraction classified correctly, 0..1.
        interval: its Wilson 95% confidence interval.
    """

    images: int
    fraction: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """The metrics of one class.

    Attributes:
        precision: of the images predicted as this class, the fraction that belong to it; None if none was predicted.
        recall: of its images, the fraction that were predicted as this class; None if it has no images.
        f1: harmonic mean of both; None if it has no images and none was predicted.
        support: its number of images.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The images whose confidence is in (low, high]; at least one.

    Attributes:
        low: exclusive lower bound, 0..1.
        high: inclusive upper bound, 0..1.
        confidence: their mean confidence, 0..1.
        accuracy: the fraction of them classified correctly, 0..1; close to the confidence if well calibrated.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibration of probabilities at one temperature.

    Attributes:
        temperature: the divisor of the logits before softmax.
        log_loss: mean of -log of the true class's probability, in nats.
        ece: expected calibration error over the bins, 0..1.
        bins: the non-empty bins by ascending confidence: the data of a reliability diagram.
    """

    temperature: float
    log_loss: float
    ece: float
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True)
class OutOfSampleCalibration:
    """The calibration on images that the head was not trained on, at temperature 1 and at the model's own.

    It is cross-validated on the training images, or else on the validation and test images.
    """

    raw: Calibration
    calibrated: Calibration
    is_cross_validated: bool


@dataclass(frozen=True, slots=True)
class ConfusionPair:
    """A class whose images were predicted as another; `share` is the fraction of all its images, 0..1."""

    label: str
    predicted: str
    images: int
    share: float


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """A point of the risk-coverage curve (El-Yaniv and Wiener 2010, selective classification).

    Attributes:
        threshold: the calibrated confidence from which a prediction is accepted, 0..1.
        coverage: the fraction of images accepted, 0..1.
        risk: of those, the fraction misclassified, 0..1.
    """

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The evaluation of a model on labelled images.

    Attributes:
        classes: labels, in the order of the logits.
        accuracy: the fraction classified correctly, 0..1.
        interval: its Wilson 95% confidence interval.
        top_k: the fraction of images whose class is among the k most likely, for k = 1, 2, ... up to `TOP_K`.
        raw: calibration at temperature 1.
        calibrated: calibration at the model's own temperature.
        risk_coverage: by descending threshold, down to the one that accepts all; at most 100 points.
        out_of_sample: calibration on all images that the head was not trained on; None if not measured.
    """

    classes: tuple[str, ...]
    predictions: tuple[LabelledPrediction, ...]
    accuracy: float
    interval: tuple[float, float]
    per_class: tuple[ClassMetrics, ...]
    top_k: tuple[float, ...]
    raw: Calibration
    calibrated: Calibration
    risk_coverage: tuple[RiskCoverage, ...]
    out_of_sample: OutOfSampleCalibration | None = None

    @property
    def images(self) -> int:
        """The number of images."""
        return len(self.predictions)

    @property
    def paths(self) -> list[Path]:
        """The images."""
        return [one.path for one in self.predictions]

    @property
    def mistakes(self) -> tuple[LabelledPrediction, ...]:
        """The misclassified images, most confident first."""
        wrong = (one for one in self.predictions if not one.is_correct)
        return tuple(sorted(wrong, key=lambda one: -one.confidence))

    @property
    def confusion(self) -> tuple[tuple[int, ...], ...]:
        """The confusion matrix: images by true class (rows) and predicted class (columns)."""
        counts = Counter((one.label, one.predicted) for one in self.predictions)
        return tuple(tuple(counts[label, predicted] for predicted in self.classes) for label in self.classes)

    def most_confused(self, count: int) -> tuple[ConfusionPair, ...]:
        """The most frequent confusions, at most `count`, in descending order."""
        support = {one.label: one.support for one in self.per_class}
        place = {label: index for index, label in enumerate(self.classes)}
        pairs = Counter((one.label, one.predicted) for one in self.predictions if not one.is_correct)
        ordered = sorted(pairs.items(), key=lambda pair: (-pair[1], *map(place.__getitem__, pair[0])))
        return tuple(ConfusionPair(*names, images, images / support[names[0]]) for names, images in ordered[:count])


@dataclass(frozen=True, slots=True)
class FolderEvaluation:
    """The result of evaluating a model on a folder.

    Attributes:
        training_overlap: how many of these, or copies of them, the model was trained on; None if unknown.
        held_out: accuracy on the others; None if they are unknown, or there are none.
        failures: why the other images could not be read.
        problems: what was left out, and why.
        computed: how many images went through the backbone; the features of the others were cached.
    """

    evaluation: Evaluation | MultiLabelEvaluation
    training_overlap: int | None
    held_out: Accuracy | None
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]
    computed: int


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An image for which two models predict different classes, with their calibrated confidences, 0..1.

    Attributes:
        label: its class; None if unknown.
        margin: how far apart they are, 0..1. With a label: the difference of their probabilities for the true class.
            Without: how much higher each model's probability is for its own prediction than for the other's, on
            average. 0 if it was not measured.
        unknown_a: whether the first model calls the image unknown, so that its prediction is only the most likely one.
    """

    path: Path
    label: str | None
    prediction_a: str
    confidence_a: float
    prediction_b: str
    confidence_b: float
    margin: float = 0.0
    unknown_a: bool = False
    unknown_b: bool = False


@dataclass(frozen=True, slots=True)
class PredictionChange:
    """The number of images that the first model predicts as one class and the second as another."""

    prediction_a: str
    prediction_b: str
    images: int


@dataclass(frozen=True, slots=True)
class ClassRecalls:
    """The recall of each of two models for a class, 0..1, and its number of images, at least one."""

    label: str
    images: int
    recall_a: float
    recall_b: float


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """The accuracy of two models on the same labelled images.

    Attributes:
        only_a_correct: number of images that only the first model classified correctly.
        only_b_correct: number of images that only the second model classified correctly.
        p: p value of McNemar's exact test.
        classes: the classes that have images, in the first model's order.
    """

    a: Accuracy
    b: Accuracy
    only_a_correct: int
    only_b_correct: int
    p: float
    classes: tuple[ClassRecalls, ...]

    @property
    def could_be_chance(self) -> bool:
        """Whether the difference is not significant at the 5% level."""
        return self.p >= _SIGNIFICANCE


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing two models on the same images.

    Attributes:
        a: the first model's name, with its version if it is the user's own.
        images: how many could be read.
        computed: how many images went through a backbone; the features of the others were cached.
        disagreements: images with different predictions, largest margin first; perhaps only the first ones.
        changes: the pairs of different predictions of all images, most frequent first.
        labelled: the accuracy of both; None if the images are not labelled.
        training_overlap_a: how many of the labelled images, or copies of them, the first model was trained on, which
            makes its accuracy optimistic; None if unknown.
        problems: what was left out of a labelled folder, and why.
        notes: notes for the user, a sentence or two each.
    """

    a: str
    b: str
    images: int
    computed: int
    disagreements: tuple[Disagreement, ...]
    changes: tuple[PredictionChange, ...]
    failures: tuple[Failure, ...]
    labelled: PairedComparison | None = None
    training_overlap_a: int | None = None
    training_overlap_b: int | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def disagreement_count(self) -> int:
        """How many images have different predictions."""
        return sum(change.images for change in self.changes)


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """A new model compared with an older one on the test images that both were evaluated on.

    Attributes:
        version: its version; 0 for a built-in model, None for what fine-tuning started from.
        training_overlap: how many of the images it was trained on, which makes its accuracy optimistic; None if
            unknown.
        result: the accuracy of both; the older model is the first.
        log_loss: the older model's log loss on its test images in nats, calibrated.
        disagreements: images with different predictions, largest margin first; at most two hundred.
    """

    name: str
    version: int | None
    training_overlap: int | None
    result: PairedComparison
    log_loss: float
    disagreements: tuple[Disagreement, ...]
