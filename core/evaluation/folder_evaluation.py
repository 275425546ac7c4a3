"""Judge a model by a folder of labelled images, each of which the backbone sees once and, with kept features, never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.base.progress import CancelToken, ProgressCallback
from core.card import ModelCard
from core.datasets.problems import Problem
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features
from core.evaluation.images import EvaluationImage, match_labels, read_images
from core.evaluation.leakage import ContainsHash, TrainingSet
from core.evaluation.metrics import Evaluation, evaluate, wilson
from core.models.heads import Head
from core.prediction import Failure


@dataclass(frozen=True, slots=True)
class HeldOutScore:
    """How good a model is on those images that it has not learnt from.

    Attributes:
        images: how many they are, at least one.
        accuracy: the share named rightly, 0..1.
        interval: Wilson's 95 % interval of it.
    """

    images: int
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class FolderEvaluation:
    """What came of judging a model by a folder.

    Attributes:
        evaluation: how good it is on the images that could be read.
        training_overlap: how many of these it has learned from, or from copies of them; None where nobody knows.
        held_out: how good it is on the others; None where nobody knows which they are, or there are none.
        failures: why the other images of the folder could not be read.
        problems: what of the folder was left out, and why.
        computed: how many images the engine had to look at; features of the others were kept.
    """

    evaluation: Evaluation
    training_overlap: int | None
    held_out: HeldOutScore | None
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]
    computed: int


def evaluate_folder(
    folder: Path,
    card: ModelCard,
    head: Head,
    extractor: FeatureExtractor,
    store: FeatureStore,
    *,
    training_set: TrainingSet | None = None,
    report: ProgressCallback,
    token: CancelToken,
) -> FolderEvaluation:
    """Judge a model by the labelled images under a folder, those that `core.evaluation.images` finds there.

    Args:
        folder: of labelled images.
        card: the model's.
        head: the model's.
        extractor: what makes the features it reads.
        store: keeps them.
        training_set: which images the model learned from; None where nobody knows.
        report: told of each stage.
        token: looked at before every image.

    Raises:
        DatasetError: there is no folder, no labelled image, none of a class of the model, or none that can be read.
        ModelError: the backbone is damaged, or its answers are not numbers.
        ProviderError: the engine cannot be opened or failed under way.
        Cancelled: the token was cancelled.
    """
    found = read_images(folder, [card.classes], repr(card.name), report=report, token=token)
    table = compute_features(found.images, extractor, store, report=report, token=token)
    images = [found.images[row] for row in table.rows.tolist()]
    evaluation = evaluate_features(images, table.features, card, head)
    training_overlap, held_out = None, None
    if training_set is not None:
        seen = training_set.find_seen(images, table.features, extractor, store, report=report, token=token)
        training_overlap, held_out = int(seen.sum()), _held_out(evaluation, seen)
    return FolderEvaluation(
        evaluation, training_overlap, held_out, (*found.failures, *table.failures), found.problems, table.computed
    )


def evaluate_features(
    images: Sequence[EvaluationImage], features: NDArray[np.float32], card: ModelCard, head: Head
) -> Evaluation:
    """How a model does on images with features [n, d], each of one of its classes.

    Raises:
        DatasetError: there is no image.
        ModelError: a logit is not a finite number.
    """
    indexes = match_labels({image.label for image in images}, card.classes)
    return evaluate(
        head.logits(features),
        np.array([indexes[image.label] for image in images], np.int64),
        card.classes,
        temperature=card.temperature,
        paths=[image.path for image in images],
    )


def find_training_images(images: Sequence[EvaluationImage], contains: ContainsHash) -> NDArray[np.bool_]:
    """Which of n images a model learnt from, [n]."""
    return np.array([contains(image.sha256) for image in images], bool)


def _held_out(evaluation: Evaluation, seen: NDArray[np.bool_]) -> HeldOutScore | None:
    correct = (evaluation.predicted == evaluation.labels)[~seen]
    if not len(correct):
        return None
    return HeldOutScore(len(correct), float(correct.mean()), wilson(int(correct.sum()), len(correct)))
