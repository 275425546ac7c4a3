"""Judge a model by a folder of labelled images, each of which the backbone sees once and, with kept features, never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.base.progress import CancelToken, Report
from core.card import ModelCard
from core.datasets.problems import Problem
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureSource, compute_features
from core.evaluation.images import JudgedImage, match_labels, read_images
from core.evaluation.leakage import Familiar, Knows
from core.evaluation.metrics import Evaluation, evaluate, wilson
from core.models.heads import Head
from core.prediction import Failure


@dataclass(frozen=True, slots=True)
class Unseen:
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
class Judgement:
    """What came of judging a model by a folder.

    Attributes:
        evaluation: how good it is on the images that could be read.
        learnt: how many of these it has learned from, or from copies of them; None where nobody knows.
        unseen: how good it is on the others; None where nobody knows which they are, or there are none.
        failures: why the other images of the folder could not be read.
        problems: what of the folder was left out, and why.
        computed: how many images the engine had to look at; features of the others were kept.
    """

    evaluation: Evaluation
    learnt: int | None
    unseen: Unseen | None
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]
    computed: int


def judge(
    folder: Path,
    card: ModelCard,
    head: Head,
    source: FeatureSource,
    store: FeatureStore,
    *,
    familiar: Familiar | None = None,
    report: Report,
    token: CancelToken,
) -> Judgement:
    """Judge a model by the labelled images under a folder, those that `core.evaluation.images` finds there.

    Args:
        folder: of labelled images.
        card: the model's.
        head: the model's.
        source: what makes the features it reads.
        store: keeps them.
        familiar: which images the model learned from; None where nobody knows.
        report: told of each stage.
        token: looked at before every image.

    Raises:
        DatasetError: there is no folder, no labelled image, none of a class of the model, or none that can be read.
        ModelError: the backbone is damaged, or its answers are not numbers.
        ProviderError: the engine cannot be opened or failed under way.
        Cancelled: the token was cancelled.
    """
    found = read_images(folder, [card.classes], repr(card.name), report=report, token=token)
    table = compute_features(found.images, source, store, report=report, token=token)
    images = [found.images[row] for row in table.rows.tolist()]
    evaluation = answer(images, table.features, card, head)
    learnt, unseen = None, None
    if familiar is not None:
        seen = familiar.among(images, table.features, source, store, report=report, token=token)
        learnt, unseen = int(seen.sum()), _unseen(evaluation, seen)
    return Judgement(evaluation, learnt, unseen, (*found.failures, *table.failures), found.problems, table.computed)


def answer(images: Sequence[JudgedImage], features: NDArray[np.float32], card: ModelCard, head: Head) -> Evaluation:
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


def learnt_among(images: Sequence[JudgedImage], knows: Knows) -> NDArray[np.bool_]:
    """Which of n images a model learnt from, [n]."""
    return np.array([knows(image.sha256) for image in images], bool)


def _unseen(evaluation: Evaluation, seen: NDArray[np.bool_]) -> Unseen | None:
    right = (evaluation.predicted == evaluation.labels)[~seen]
    if not len(right):
        return None
    return Unseen(len(right), float(right.mean()), wilson(int(right.sum()), len(right)))
