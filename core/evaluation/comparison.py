"""How two models differ on the same images, whether or not anybody knows what is on them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError
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

Seen = TypeVar("Seen", EvaluationImage, HashedImage)

_NO_PHOTO: Final = "Choose photos, or a folder with photos in it or in its subfolders."
_SIGNIFICANCE: Final = 0.05
"""The p from which a difference passes for chance."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An image that two models name differently.

    Attributes:
        path: the image.
        label: its class; None where nobody knows.
        prediction_a: what the first model named it.
        confidence_a: how sure it was of that, 0..1, calibrated.
        prediction_b: what the second model named it.
        confidence_b: how sure it was of that, 0..1, calibrated.
        margin: how far apart they are, 0..1. With a label: how much more probability one of them left for the right
            class than the other. Without: how much more each has for its own answer than for the other's, on average.
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
    """Two models on the same images.

    Attributes:
        only_a_correct: how many images only the first named rightly.
        only_b_correct: how many images only the second named rightly.
        p: of McNemar's exact test; small where the difference is hardly chance.
        disagreements: images they name differently, those with the largest margin first.
    """

    only_a_correct: int
    only_b_correct: int
    p: float
    disagreements: tuple[Disagreement, ...]

    @property
    def could_be_chance(self) -> bool:
        """Whether two equally good models would differ as much in more than one of twenty such folders."""
        return self.p >= _SIGNIFICANCE


@dataclass(frozen=True, slots=True, eq=False)
class ComparedModel:
    """A model that is to be compared.

    Attributes:
        name: what the person calls it.
        card: its card.
        head: its head.
        source: what makes the features it reads.
        training_set: which images it learned from; None where nobody knows.
    """

    name: str
    card: ModelCard
    head: Head
    source: FeatureExtractor
    training_set: TrainingSet | None


def compared_model(model: InstalledModel, requested: ProviderPreference, precision: Precision) -> ComparedModel:
    """An installed model, called `name`, or `name@version` where it is the person's own.

    Raises:
        ModelError: its head is damaged.
    """
    name = model.name if model.is_builtin else f"{model.name}@{model.version}"
    source = feature_extractor(model, requested, precision)
    return ComparedModel(name, model.card, load_head(model), source, TrainingSet.of(model))


@dataclass(frozen=True, slots=True, eq=False)
class LabelledComparison:
    """What came of comparing two models by a folder.

    Attributes:
        a: how the first did on the images that could be read.
        b: how the second did on the same images.
        comparison: how they differ.
        training_overlap_a: how many of these images the first has learned from, or from copies; None where nobody
            knows.
        training_overlap_b: likewise of the second.
        failures: why the other images of the folder could not be read.
        problems: what of the folder was left out, and why.
        computed: how many images a backbone had to look at; features of the others were kept.
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
    """What came of comparing two models by images of which nobody says what is on them.

    Attributes:
        images: how many could be read.
        disagreements: those they name differently, those with the largest margin first.
        failures: why the others could not be read.
        computed: how many images a backbone had to look at; features of the others were kept.
    """

    images: int
    disagreements: tuple[Disagreement, ...]
    failures: tuple[Failure, ...]
    computed: int

    @property
    def agreed(self) -> int:
        """How many images both name alike."""
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
    """Compare two models by the images under a folder that are of a class of both; see `core.evaluation.images`.

    Each backbone looks at each image once at most; two heads that read the same features share them.

    Raises:
        DatasetError: there is no folder, no labelled image, none of a class of both, or none that can be read.
        ModelError: a backbone is damaged, or its answers are not numbers.
        ProviderError: an engine cannot be opened or failed under way.
        Cancelled: the token was cancelled.
    """
    classes, models = [a.card.classes, b.card.classes], f"both {a.name!r} and {b.name!r}"
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
    """How many of the images a model has learned from; None where nobody knows."""
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
    """Compare two models by images of which nobody says what is on them: where do their answers differ?

    The models may know different classes: one that only one of them knows has no probability for the other. Each
    backbone looks at each image once at most, as in `compare_by_folder`.

    Raises:
        DatasetError: there is no image, or none that can be read.
        ModelError: a backbone is damaged, or its answers are not numbers.
        ProviderError: an engine cannot be opened or failed under way.
        Cancelled: the token was cancelled.
    """
    summed, unread = hash_images(paths, report=report, token=token)
    images, features, failures, computed = _features(summed, a, b, store, report=report, token=token)
    if not images:
        first = next(iter((*unread, *failures)), None)
        what = "There is no photo to compare by." if first is None else f"No photo can be read. {first.message}"
        raise DatasetError(what, hint=_NO_PHOTO)
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
    """Compare two models by photos: by what is known to be on them where that is one folder whose labels both know.

    Raises:
        DatasetError: there is no such file or folder, no image, or none that can be read.
        ModelError: a backbone is damaged, or its answers are not numbers.
        ProviderError: an engine cannot be opened or failed under way.
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
    images: Sequence[Seen],
    a: ComparedModel,
    b: ComparedModel,
    store: FeatureStore,
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> tuple[list[Seen], tuple[NDArray[np.float32], NDArray[np.float32]], tuple[Failure, ...], int]:
    """The images that both can see with the features [n, d] of each, why the others cannot be, and the work it was."""
    tables = [compute_features(images, a.source, store, report=report, token=token)]
    if b.source.kind != a.source.kind:
        tables.append(compute_features(images, b.source, store, report=report, token=token))
    rows, *places = np.intersect1d(tables[0].rows, tables[-1].rows, assume_unique=True, return_indices=True)
    failures = {failure.path: failure for table in tables for failure in table.failures}
    features = tables[0].features[places[0]], tables[-1].features[places[1]]
    seen = [images[row] for row in rows.tolist()]
    return seen, features, tuple(failures.values()), sum(table.computed for table in tables)


@dataclass(frozen=True, slots=True, eq=False)
class _Outputs:
    """What a model says of n images: classes as it spells them, probabilities float64 [n, classes], calibrated."""

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]

    @classmethod
    def of(cls, model: ComparedModel, features: NDArray[np.float32]) -> _Outputs:
        """What a model says of images with features [n, d].

        Raises:
            ModelError: a logit is not a finite number.
        """
        logits = validate_logits(model.head.logits(features), np.zeros(len(features), np.int64))
        return cls(model.card.classes, temperature_scaled_softmax(logits, model.card.temperature))


def _disagreements(images: Sequence[HashedImage], a: _Outputs, b: _Outputs) -> Iterator[Disagreement]:
    """The images named differently, in their order; classes that are spelt alike but for case are the same."""
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
    """Two-sided p of McNemar's exact test (1947): could two models' differing successes [n] be chance?"""
    only_a, only_b = int((correct_a & ~correct_b).sum()), int((correct_b & ~correct_a).sum())
    count, term, tail = only_a + only_b, 1, 0
    for successes in range(min(only_a, only_b) + 1):
        tail += term
        term = term * (count - successes) // (successes + 1)
    return min(1.0, float(2 * tail / 2**count))


def compare(a: Evaluation, b: Evaluation) -> PairedComparison:
    """Two models on the same images; their classes may stand in another order, and be spelt in another case.

    Raises:
        ValueError: the images or their labels are not the same.
    """
    in_a = match_labels(b.classes, a.classes)
    spelt = [a.classes[in_a[label]] if label in in_a else label for label in b.classes]
    if a.paths != b.paths or [a.classes[at] for at in a.labels.tolist()] != [spelt[at] for at in b.labels.tolist()]:
        raise ValueError("the two models were not judged on the same images")
    correct_a, correct_b = a.predicted == a.labels, b.predicted == b.labels
    return PairedComparison(
        only_a_correct=int((correct_a & ~correct_b).sum()),
        only_b_correct=int((correct_b & ~correct_a).sum()),
        p=mcnemar(correct_a, correct_b),
        disagreements=tuple(sorted(_labelled_disagreements(a, b, spelt), key=lambda pair: -pair.margin)),
    )


def _labelled_disagreements(a: Evaluation, b: Evaluation, spelt: list[str]) -> Iterator[Disagreement]:
    """The images named differently, in their order; `spelt` are the second one's classes as the first spells them."""
    margins = np.abs(a.probability - b.probability)
    for row, path in enumerate(a.paths):
        predicted_a, predicted_b = a.classes[a.predicted[row]], spelt[b.predicted[row]]
        if predicted_a != predicted_b:
            confidence = float(a.confidence[row]), float(b.confidence[row])
            label = a.classes[a.labels[row]]
            yield Disagreement(path, label, predicted_a, confidence[0], predicted_b, confidence[1], float(margins[row]))
