"""Comparison of two models on the same images, with or without labels."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError, ModelError
from core.base.i18n import mark, tr, tr_n
from core.base.progress import CancelToken, ProgressCallback
from core.base.providers import Precision, ProviderPreference
from core.card import ModelCard
from core.card_rules import NESTED
from core.datasets.labelled_image import LabelledImage
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features
from core.evaluation.calibration import temperature_scaled_softmax, validate_logits
from core.evaluation.folder_evaluation import evaluate_features
from core.evaluation.images import hash_images, match_labels, read_images
from core.evaluation.intervals import accuracy_of
from core.evaluation.leakage import TrainingSet
from core.evaluation.sources import feature_extractor
from core.evaluation.values import (
    BaselineComparison,
    ClassRecalls,
    Comparison,
    Disagreement,
    Evaluation,
    LabelledPrediction,
    PairedComparison,
    PredictionChange,
)
from core.images.listing import find_images
from core.models.evidence import unknown_images
from core.models.feature_bank import FeatureBank
from core.models.heads import Head, class_probabilities
from core.models.installed import load_bank, load_head
from core.models.values import InstalledModel
from core.prediction import Failure

_MAX_DISAGREEMENTS: Final = 200
"""The most that a comparison with a baseline lists."""
Pair: TypeAlias = tuple[LabelledPrediction, LabelledPrediction]
"""The predictions of two models for one image."""

_NO_PHOTO: Final = mark("Choose photos, or a folder that contains photos.")


@dataclass(frozen=True, slots=True, eq=False)
class ComparedModel:
    """A model to compare.

    Attributes:
        source: the extractor of its features.
        training_set: the images it was trained on; None if unknown.
        bank: their features, if it recognises unknown images by them.
    """

    name: str
    card: ModelCard
    head: Head
    source: FeatureExtractor
    training_set: TrainingSet | None
    bank: FeatureBank | None = None

    def calls_unknown(self, features: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which images with features [n, d] it calls unknown, [n]."""
        probabilities = class_probabilities(self.card, self.head.logits(features))
        return unknown_images(self.card, self.bank, features, probabilities)

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities [n, classes] of images with features [n, d]; ModelError if one is not finite."""
        logits = validate_logits(self.head.logits(features), np.zeros(len(features), np.int64))
        return temperature_scaled_softmax(logits, self.card.temperature)


def compared_model(model: InstalledModel, requested: ProviderPreference, precision: Precision) -> ComparedModel:
    """Prepare an installed model, named `name`, or `name@version` for the user's own models.

    Raises ModelError if its head is damaged, or it does not give an image exactly one class.
    """
    if model.card.is_multi_label:
        what = tr("“{title}” finds several classes per photo, so it can't be compared.", title=model.card.title)
        raise ModelError(what, hint=tr("Choose models that give every photo exactly one class."))
    name = model.name if model.is_builtin else f"{model.name}@{model.version}"
    source = feature_extractor(model, requested, precision)
    return ComparedModel(name, model.card, load_head(model), source, TrainingSet.of(model), load_bank(model))


def compare_by_folder(
    folder: Path,
    a: ComparedModel,
    b: ComparedModel,
    store: FeatureStore,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> Comparison:
    """Compare two models on the images under a folder whose class both know; see `core.evaluation.images`.

    Each image goes through each backbone at most once; heads that read the same features share them.

    Raises:
        DatasetError: there is no folder, no labelled image, none of a class of both, or none that can be read.
        ModelError: a backbone is damaged, or its outputs are not numbers.
        ProviderError: an engine cannot be opened or failed while running.
    """
    classes, models = [a.card.classes, b.card.classes], tr("both “{a}” and “{b}”", a=a.name, b=b.name)
    nested = any(one.card.training.get(NESTED) is True for one in (a, b))
    found = read_images(folder, classes, models, nested=nested, report=report, token=token)
    images, features, failures, computed = _features(found.images, a, b, store, report=report, token=token)
    evaluation_a = evaluate_features(images, features[0], a.card, a.head)
    evaluation_b = evaluate_features(images, features[1], b.card, b.head)
    disagreements = _with_unknown(find_disagreements(evaluation_a, evaluation_b), images, (a, b), features)
    return Comparison(
        a.name,
        b.name,
        len(images),
        computed,
        disagreements,
        _changes(disagreements),
        failures=(*found.failures, *failures),
        labelled=compare(evaluation_a, evaluation_b),
        training_overlap_a=_training_overlap(a, images, features[0], store, report, token),
        training_overlap_b=_training_overlap(b, images, features[1], store, report, token),
        problems=found.problems,
    )


def _with_unknown(
    found: Sequence[Disagreement],
    images: Sequence[LabelledImage],
    models: tuple[ComparedModel, ComparedModel],
    features: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> tuple[Disagreement, ...]:
    places = {image.path: place for place, image in enumerate(images)}
    rows = [places[one.path] for one in found]
    unknown = [model.calls_unknown(table[rows]).tolist() for model, table in zip(models, features, strict=True)]
    marked = zip(found, *unknown, strict=True)
    return tuple(replace(one, unknown_a=by_a, unknown_b=by_b) for one, by_a, by_b in marked)


def _changes(disagreements: Sequence[Disagreement]) -> tuple[PredictionChange, ...]:
    counts = Counter((one.prediction_a, one.prediction_b) for one in disagreements)
    return tuple(PredictionChange(*names, images) for names, images in counts.most_common())


def _training_overlap(
    model: ComparedModel,
    images: Sequence[LabelledImage],
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
) -> Comparison:
    """Compare the predictions of two models on unlabelled images, with the errors of `compare_by_folder`.

    The models may have different classes; a class that a model lacks has probability 0. Each image goes through each
    backbone at most once, as in `compare_by_folder`.
    """
    summed, unread = hash_images([LabelledImage(path) for path in paths], report=report, token=token)
    images, features, failures, computed = _features(summed, a, b, store, report=report, token=token)
    if not images:
        first = next(iter((*unread, *failures)), None)
        if first is None:
            raise DatasetError(tr("No photos found."), hint=tr(_NO_PHOTO))
        what = tr("None of the photos could be read. {reason}", reason=first.message)
        raise DatasetError(what, hint=tr(_NO_PHOTO))
    pairs = _disagreements(images, a, b, features)
    ordered = _with_unknown(sorted(pairs, key=lambda pair: -pair.margin), images, (a, b), features)
    return Comparison(
        a.name,
        b.name,
        len(images),
        computed,
        ordered,
        _changes(ordered),
        failures=(*unread, *failures),
        notes=tuple(_class_notes(a.card.classes, b.card.classes)),
    )


def _class_notes(a: Sequence[str], b: Sequence[str]) -> Iterator[str]:
    shared = len(match_labels(a, b))
    if not shared:
        yield tr("The two models have no classes in common, so their predictions always differ.")
    elif shared < max(len(a), len(b)):
        yield tr_n(
            "The two models have {count:,} class in common. Predictions of other classes always differ.",
            "The two models have {count:,} classes in common. Predictions of other classes always differ.",
            shared,
        )


def compare_by_paths(
    paths: Sequence[Path],
    a: ComparedModel,
    b: ComparedModel,
    store: FeatureStore,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> Comparison:
    """Compare two models on files and folders; a single folder with labels that both models know counts as labelled.

    Errors are those of `compare_by_folder`.
    """
    if len(paths) == 1 and not os.path.isfile(paths[0]):  # noqa: PTH113 - Path.is_file raises for names that are too long
        try:
            return compare_by_folder(paths[0], a, b, store, report=report, token=token)
        except DatasetError:
            if not os.path.isdir(paths[0]):  # noqa: PTH112 - Path.is_dir raises, too
                raise
    unread: list[Failure] = []
    images = list(
        find_images(paths, recursive=True, on_error=lambda path, reason: unread.append(Failure.of(path, reason)))
    )
    found = compare_by_images(images, a, b, store, report=report, token=token)
    return replace(found, failures=(*unread, *found.failures))


def _features(
    images: Sequence[LabelledImage],
    a: ComparedModel,
    b: ComparedModel,
    store: FeatureStore,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> tuple[list[LabelledImage], tuple[NDArray[np.float32], NDArray[np.float32]], tuple[Failure, ...], int]:
    """The images that both can read with the features [n, d] of each, the failures, and how many were computed."""
    tables = [compute_features(images, a.source, store, report=report, token=token)]
    if b.source.kind != a.source.kind:
        tables.append(compute_features(images, b.source, store, report=report, token=token))
    rows, *indexes = np.intersect1d(tables[0].rows, tables[-1].rows, assume_unique=True, return_indices=True)
    failures = {failure.path: failure for table in tables for failure in table.failures}
    features = tables[0].features[indexes[0]], tables[-1].features[indexes[1]]
    readable = [images[row] for row in rows.tolist()]
    return readable, features, tuple(failures.values()), sum(table.computed for table in tables)


def _disagreements(
    images: Sequence[LabelledImage], a: ComparedModel, b: ComparedModel, features: Sequence[NDArray[np.float32]]
) -> Iterator[Disagreement]:
    """The images with different predictions, in order; classes that differ only in case are the same."""
    classes_a, classes_b = a.card.classes, b.card.classes
    in_b = match_labels(classes_a, classes_b)
    to_b = np.array([in_b.get(label, -1) for label in classes_a])
    to_a = np.full(len(classes_b), -1)
    to_a[to_b[to_b >= 0]] = np.nonzero(to_b >= 0)[0]
    found_a, found_b = a.probabilities(features[0]), b.probabilities(features[1])
    predicted_a, predicted_b = found_a.argmax(axis=1), found_b.argmax(axis=1)
    for row in np.nonzero(to_b[predicted_a] != predicted_b)[0].tolist():
        confidence_a, confidence_b = found_a[row, predicted_a[row]], found_b[row, predicted_b[row]]
        less_b = found_b[row, to_b[predicted_a[row]]] if to_b[predicted_a[row]] >= 0 else 0.0
        less_a = found_a[row, to_a[predicted_b[row]]] if to_a[predicted_b[row]] >= 0 else 0.0
        margin = float(confidence_a - less_a + confidence_b - less_b) / 2
        own, other = classes_a[predicted_a[row]], classes_b[predicted_b[row]]
        yield Disagreement(images[row].path, None, own, float(confidence_a), other, float(confidence_b), margin)


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided p value of McNemar's exact test (1947) for images that only one of two models classifies correctly."""
    count, term, tail = only_a + only_b, 1, 0
    for successes in range(min(only_a, only_b) + 1):
        tail += term
        term = term * (count - successes) // (successes + 1)
    return min(1.0, float(2 * tail / 2**count))


def compare(a: Evaluation, b: Evaluation) -> PairedComparison:
    """Compare two evaluations on the images of both; their classes may differ in order and case.

    Raises ValueError if the two have no images in common, or other labels for them.
    """
    pairs = _paired(a, b)
    correct_a, correct_b = sum(one.is_correct for one, _ in pairs), sum(other.is_correct for _, other in pairs)
    both = sum(one.is_correct and other.is_correct for one, other in pairs)
    return PairedComparison(
        a=accuracy_of(correct_a, len(pairs)),
        b=accuracy_of(correct_b, len(pairs)),
        only_a_correct=correct_a - both,
        only_b_correct=correct_b - both,
        p=mcnemar(correct_a - both, correct_b - both),
        classes=_recalls(a.classes, pairs),
    )


def find_disagreements(a: Evaluation, b: Evaluation) -> tuple[Disagreement, ...]:
    """The images of both evaluations with different predictions, largest margin first.

    Raises ValueError as `compare`.
    """
    found = (
        Disagreement(
            one.path, one.label, one.predicted, one.confidence, other.predicted, other.confidence,
            abs(one.probability - other.probability),
        )
        for one, other in _paired(a, b)
        if one.predicted != other.predicted
    )  # fmt: skip
    return tuple(sorted(found, key=lambda pair: -pair.margin))


def compare_with_baseline(
    name: str, version: int | None, before: Evaluation, now: Evaluation, *, training_overlap: int | None
) -> BaselineComparison:
    """Compare a new model with an older one; the arguments are as in `BaselineComparison`."""
    changed = find_disagreements(before, now)[:_MAX_DISAGREEMENTS]
    return BaselineComparison(
        name, version, training_overlap, compare(before, now), before.calibrated.log_loss, changed
    )


def _paired(a: Evaluation, b: Evaluation) -> list[Pair]:
    """The predictions for the images of both, in order; the second's classes are spelt as the first's."""
    in_a = match_labels(b.classes, a.classes)
    spelt = {label: a.classes[in_a[label]] if label in in_a else label for label in b.classes}
    others = {one.path: one for one in b.predictions}
    pairs = [
        (one, replace(other, label=spelt[other.label], predicted=spelt[other.predicted]))
        for one in a.predictions
        if (other := others.get(one.path)) is not None
    ]
    if not pairs or any(one.label != other.label for one, other in pairs):
        raise ValueError("the two models were not evaluated on the same images")
    return pairs


def _recalls(classes: Sequence[str], pairs: Sequence[Pair]) -> tuple[ClassRecalls, ...]:
    images = Counter(one.label for one, _ in pairs)
    found = [Counter(pair[at].label for pair in pairs if pair[at].is_correct) for at in (0, 1)]
    return tuple(
        ClassRecalls(label, images[label], *(correct[label] / images[label] for correct in found))
        for label in classes
        if images[label]
    )
