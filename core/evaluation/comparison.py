"""Comparison of two models on the same images, with or without labels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError
from core.base.i18n import mark, tr
from core.base.progress import CancelToken, ProgressCallback
from core.base.providers import Precision, ProviderPreference
from core.card import ModelCard
from core.datasets.problems import Problem
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features
from core.evaluation.calibration import temperature_scaled_softmax, validate_logits
from core.evaluation.folder_evaluation import evaluate_features
from core.evaluation.images import EvaluationImage, HashedImage, hash_images, match_labels, read_images
from core.evaluation.leakage import TrainingSet
from core.evaluation.metrics import Evaluation
from core.evaluation.sources import feature_extractor
from core.images.listing import find_images
from core.models.heads import Head
from core.models.installed import InstalledModel, load_head
from core.prediction import Failure

AnyImage = TypeVar("AnyImage", EvaluationImage, HashedImage)

_NO_PHOTO: Final = mark("Choose photos, or a folder that contains photos.")
_SIGNIFICANCE: Final = 0.05
"""The p value below which a difference is significant."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An image for which two models predict different classes.

    Attributes:
        path: the image.
        label: its class; None if unknown.
        prediction_a: the class predicted by the first model.
        confidence_a: its calibrated confidence, 0..1.
        prediction_b: the class predicted by the second model.
        confidence_b: its calibrated confidence, 0..1.
        margin: how far apart they are, 0..1. With a label: the difference of their probabilities for the true class.
            Without: how much higher each model's probability is for its own prediction than for the other's, on
            average.
    """

    path: Path
    label: str | None
    prediction_a: str
    confidence_a: float
    prediction_b: str
    confidence_b: float
    margin: float


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Two models compared on the same labelled images.

    Attributes:
        only_a_correct: number of images that only the first model classified correctly.
        only_b_correct: number of images that only the second model classified correctly.
        p: p value of McNemar's exact test.
        disagreements: images with different predictions, largest margin first.
    """

    only_a_correct: int
    only_b_correct: int
    p: float
    disagreements: tuple[Disagreement, ...]

    @property
    def could_be_chance(self) -> bool:
        """Whether the difference is not significant at the 5% level."""
        return self.p >= _SIGNIFICANCE


@dataclass(frozen=True, slots=True, eq=False)
class ComparedModel:
    """A model to compare.

    Attributes:
        name: its name for the user.
        card: its card.
        head: its head.
        source: the extractor of its features.
        training_set: the images it was trained on; None if unknown.
    """

    name: str
    card: ModelCard
    head: Head
    source: FeatureExtractor
    training_set: TrainingSet | None


def compared_model(model: InstalledModel, requested: ProviderPreference, precision: Precision) -> ComparedModel:
    """Prepare an installed model, named `name`, or `name@version` for the user's own models.

    Raises:
        ModelError: its head is damaged.
    """
    name = model.name if model.is_builtin else f"{model.name}@{model.version}"
    source = feature_extractor(model, requested, precision)
    return ComparedModel(name, model.card, load_head(model), source, TrainingSet.of(model))


@dataclass(frozen=True, slots=True, eq=False)
class LabelledComparison:
    """The result of comparing two models on a labelled folder.

    Attributes:
        a: evaluation of the first model on the images that could be read.
        b: evaluation of the second model on the same images.
        comparison: how they differ.
        training_overlap_a: how many of these images, or copies of them, the first model was trained on; None if
            unknown.
        training_overlap_b: the same for the second model.
        failures: why the other images could not be read.
        problems: what was left out, and why.
        computed: how many images went through a backbone; the features of the others were cached.
    """

    a: Evaluation
    b: Evaluation
    comparison: PairedComparison
    training_overlap_a: int | None
    training_overlap_b: int | None
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]
    computed: int


@dataclass(frozen=True, slots=True, eq=False)
class UnlabelledComparison:
    """The result of comparing two models on unlabelled images.

    Attributes:
        images: how many could be read.
        disagreements: images with different predictions, largest margin first.
        failures: why the others could not be read.
        computed: how many images went through a backbone; the features of the others were cached.
    """

    images: int
    disagreements: tuple[Disagreement, ...]
    failures: tuple[Failure, ...]
    computed: int

    @property
    def agreed(self) -> int:
        """How many images both models classify alike."""
        return self.images - len(self.disagreements)


def compare_by_folder(
    folder: Path,
    a: ComparedModel,
    b: ComparedModel,
    store: FeatureStore,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> LabelledComparison:
    """Compare two models on the images under a folder whose class both know; see `core.evaluation.images`.

    Each image goes through each backbone at most once; heads that read the same features share them.

    Raises:
        DatasetError: there is no folder, no labelled image, none of a class of both, or none that can be read.
        ModelError: a backbone is damaged, or its outputs are not numbers.
        ProviderError: an engine cannot be opened or failed while running.
        Cancelled: the token was cancelled.
    """
    classes, models = [a.card.classes, b.card.classes], tr("both “{a}” and “{b}”", a=a.name, b=b.name)
    found = read_images(folder, classes, models, report=report, token=token)
    images, features, failures, computed = _features(found.images, a, b, store, report=report, token=token)
    evaluation_a, evaluation_b = (
        evaluate_features(images, features[0], a.card, a.head),
        evaluate_features(images, features[1], b.card, b.head),
    )
    return LabelledComparison(
        evaluation_a,
        evaluation_b,
        compare(evaluation_a, evaluation_b),
        training_overlap_a=_training_overlap(a, images, features[0], store, report, token),
        training_overlap_b=_training_overlap(b, images, features[1], store, report, token),
        failures=(*found.failures, *failures),
        problems=found.problems,
        computed=computed,
    )


def _training_overlap(
    model: ComparedModel,
    images: Sequence[EvaluationImage],
    features: NDArray[np.float32],
    store: FeatureStore,
    report: ProgressCallback,
    token: CancelToken,
) -> int | None:
    """How many of the images a model was trained on; None if unknown."""
    if model.training_set is None:
        return None
    return int(model.training_set.find_seen(images, features, model.source, store, report=report, token=token).sum())


def compare_by_images(
    paths: Sequence[Path],
    a: ComparedModel,
    b: ComparedModel,
    store: FeatureStore,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> UnlabelledComparison:
    """Compare the predictions of two models on unlabelled images.

    The models may have different classes; a class that a model lacks has probability 0. Each image goes through each
    backbone at most once, as in `compare_by_folder`.

    Raises:
        DatasetError: there is no image, or none that can be read.
        ModelError: a backbone is damaged, or its outputs are not numbers.
        ProviderError: an engine cannot be opened or failed while running.
        Cancelled: the token was cancelled.
    """
    summed, unread = hash_images(paths, report=report, token=token)
    images, features, failures, computed = _features(summed, a, b, store, report=report, token=token)
    if not images:
        first = next(iter((*unread, *failures)), None)
        if first is None:
            raise DatasetError(tr("No photos found."), hint=tr(_NO_PHOTO))
        what = tr("None of the photos could be read. {reason}", reason=first.message)
        raise DatasetError(what, hint=tr(_NO_PHOTO))
    pairs = _disagreements(images, _Outputs.of(a, features[0]), _Outputs.of(b, features[1]))
    ordered = tuple(sorted(pairs, key=lambda pair: -pair.margin))
    return UnlabelledComparison(len(images), ordered, (*unread, *failures), computed)


def compare_by_paths(
    paths: Sequence[Path],
    a: ComparedModel,
    b: ComparedModel,
    store: FeatureStore,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> LabelledComparison | UnlabelledComparison:
    """Compare two models on files and folders; a single folder with labels that both models know counts as labelled.

    Raises:
        DatasetError: there is no such file or folder, no image, or none that can be read.
        ModelError: a backbone is damaged, or its outputs are not numbers.
        ProviderError: an engine cannot be opened or failed while running.
        Cancelled: the token was cancelled.
    """
    if len(paths) == 1 and not os.path.isfile(paths[0]):  # noqa: PTH113 - Path.is_file raises for names that are too long
        try:
            return compare_by_folder(paths[0], a, b, store, report=report, token=token)
        except DatasetError:
            if not os.path.isdir(paths[0]):  # noqa: PTH112 - likewise
                raise
    unread: list[Failure] = []
    images = list(
        find_images(paths, recursive=True, on_error=lambda path, reason: unread.append(Failure.of(path, reason)))
    )
    found = compare_by_images(images, a, b, store, report=report, token=token)
    return replace(found, failures=(*unread, *found.failures))


def _features(
    images: Sequence[AnyImage],
    a: ComparedModel,
    b: ComparedModel,
    store: FeatureStore,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> tuple[list[AnyImage], tuple[NDArray[np.float32], NDArray[np.float32]], tuple[Failure, ...], int]:
    """The images that both can read with the features [n, d] of each, the failures, and how many were computed."""
    tables = [compute_features(images, a.source, store, report=report, token=token)]
    if b.source.kind != a.source.kind:
        tables.append(compute_features(images, b.source, store, report=report, token=token))
    rows, *indexes = np.intersect1d(tables[0].rows, tables[-1].rows, assume_unique=True, return_indices=True)
    failures = {failure.path: failure for table in tables for failure in table.failures}
    features = tables[0].features[indexes[0]], tables[-1].features[indexes[1]]
    readable = [images[row] for row in rows.tolist()]
    return readable, features, tuple(failures.values()), sum(table.computed for table in tables)


@dataclass(frozen=True, slots=True, eq=False)
class _Outputs:
    """A model's predictions for n images: its classes, and calibrated probabilities float64 [n, classes]."""

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]

    @classmethod
    def of(cls, model: ComparedModel, features: NDArray[np.float32]) -> _Outputs:
        """Predict images with features [n, d].

        Raises:
            ModelError: a logit is not finite.
        """
        logits = validate_logits(model.head.logits(features), np.zeros(len(features), np.int64))
        return cls(model.card.classes, temperature_scaled_softmax(logits, model.card.temperature))


def _disagreements(images: Sequence[HashedImage], a: _Outputs, b: _Outputs) -> Iterator[Disagreement]:
    """The images with different predictions, in order; classes that differ only in case are the same."""
    in_b = match_labels(a.classes, b.classes)
    to_b = np.array([in_b.get(label, -1) for label in a.classes])
    to_a = np.full(len(b.classes), -1)
    to_a[to_b[to_b >= 0]] = np.nonzero(to_b >= 0)[0]
    predicted_a, predicted_b = a.probabilities.argmax(axis=1), b.probabilities.argmax(axis=1)
    for row in np.nonzero(to_b[predicted_a] != predicted_b)[0].tolist():
        confidence_a, confidence_b = a.probabilities[row, predicted_a[row]], b.probabilities[row, predicted_b[row]]
        less_b = b.probabilities[row, to_b[predicted_a[row]]] if to_b[predicted_a[row]] >= 0 else 0.0
        less_a = a.probabilities[row, to_a[predicted_b[row]]] if to_a[predicted_b[row]] >= 0 else 0.0
        margin = float(confidence_a - less_a + confidence_b - less_b) / 2
        own, other = a.classes[predicted_a[row]], b.classes[predicted_b[row]]
        yield Disagreement(images[row].path, None, own, float(confidence_a), other, float(confidence_b), margin)


def mcnemar(correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_]) -> float:
    """Two-sided p value of McNemar's exact test (1947) for the correct predictions [n] of two models."""
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    count, term, tail = only_a + only_b, 1, 0
    for successes in range(min(only_a, only_b) + 1):
        tail += term
        term = term * (count - successes) // (successes + 1)
    return min(1.0, float(2 * tail / 2**count))


def compare(a: Evaluation, b: Evaluation) -> PairedComparison:
    """Compare two evaluations on the same images; their classes may differ in order and case.

    Raises:
        ValueError: the images or their labels are not the same.
    """
    in_a = match_labels(b.classes, a.classes)
    spelt = [a.classes[in_a[label]] if label in in_a else label for label in b.classes]
    if a.paths != b.paths or [a.classes[at] for at in a.labels.tolist()] != [spelt[at] for at in b.labels.tolist()]:
        raise ValueError("the two models were not evaluated on the same images")
    correct_a, correct_b = a.predicted == a.labels, b.predicted == b.labels
    return PairedComparison(
        only_a_correct=int((correct_a & ~correct_b).sum()),
        only_b_correct=int((correct_b & ~correct_a).sum()),
        p=mcnemar(correct_a, correct_b),
        disagreements=tuple(sorted(_labelled_disagreements(a, b, spelt), key=lambda pair: -pair.margin)),
    )


def _labelled_disagreements(a: Evaluation, b: Evaluation, spelt: list[str]) -> Iterator[Disagreement]:
    """The images with different predictions, in order; `spelt` are the second model's classes in the first's case."""
    margins = np.abs(a.probability - b.probability)
    for row, path in enumerate(a.paths):
        predicted_a, predicted_b = a.classes[a.predicted[row]], spelt[b.predicted[row]]
        if predicted_a != predicted_b:
            confidence = float(a.confidence[row]), float(b.confidence[row])
            label = a.classes[a.labels[row]]
            yield Disagreement(path, label, predicted_a, confidence[0], predicted_b, confidence[1], float(margins[row]))
