"""Evaluation of a model on a folder of labelled images; each goes through the backbone at most once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.card import ModelCard
from core.card_rules import NESTED
from core.datasets.labelled_image import LabelledImage
from core.datasets.multi_label import LabelsFrom
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features
from core.evaluation.images import match_labels, read_images, read_label_sets
from core.evaluation.intervals import accuracy_of
from core.evaluation.leakage import ContainsHash, TrainingSet
from core.evaluation.metrics import evaluate
from core.evaluation.multi_label import evaluate_label_sets
from core.evaluation.multi_label_values import MultiLabelEvaluation
from core.evaluation.values import Accuracy, Evaluation, FolderEvaluation
from core.models.heads import Head


def evaluate_folder(
    folder: Path,
    card: ModelCard,
    head: Head,
    extractor: FeatureExtractor,
    store: FeatureStore,
    *,
    training_set: TrainingSet | None = None,
    labels: LabelsFrom | None = None,
    report: ProgressCallback,
    token: CancelToken,
) -> FolderEvaluation:
    """Evaluate a model on the labelled images under a folder, as found by `core.evaluation.images`.

    The training set is None if unknown; `labels` says where the classes come from if the model is multi-label.

    Raises:
        DatasetError: there is no folder, no labelled image, none of a class of the model, or none that can be read.
        ModelError: the backbone is damaged, or its outputs are not numbers.
        ProviderError: the engine cannot be opened or failed while running.
    """
    named, nested = tr("“{name}”", name=card.name), card.training.get(NESTED) is True
    if labels:
        found = read_label_sets(folder, labels, card.classes, named, report=report, token=token)
    else:
        found = read_images(folder, [card.classes], named, nested=nested, report=report, token=token)
    table = compute_features(found.images, extractor, store, report=report, token=token)
    images = [found.images[row] for row in table.rows.tolist()]
    evaluate_all = _evaluate_label_sets if labels else evaluate_features
    evaluation = evaluate_all(images, table.features, card, head)
    training_overlap, held_out = None, None
    if training_set is not None:
        seen = training_set.find_seen(images, table.features, extractor, store, report=report, token=token)
        training_overlap, held_out = int(seen.sum()), _held_out(evaluation, seen)
    return FolderEvaluation(
        evaluation, training_overlap, held_out, (*found.failures, *table.failures), found.problems, table.computed
    )


def evaluate_features(
    images: Sequence[LabelledImage], features: NDArray[np.float32], card: ModelCard, head: Head
) -> Evaluation:
    """Evaluate a model on images with features [n, d], each of one of its classes, as
    `core.evaluation.metrics.evaluate`.
    """
    indexes = match_labels({image.label for image in images}, card.classes)
    return evaluate(
        head.logits(features),
        np.array([indexes[image.label] for image in images], np.int64),
        card.classes,
        temperature=card.temperature,
        paths=[image.path for image in images],
    )


def _evaluate_label_sets(
    images: Sequence[LabelledImage], features: NDArray[np.float32], card: ModelCard, head: Head
) -> MultiLabelEvaluation:
    indexes = match_labels({name for image in images for name in image.classes}, card.classes)
    labels = np.zeros((len(images), len(card.classes)), np.int64)
    for row, image in enumerate(images):
        labels[row, [indexes[name] for name in image.classes if name in indexes]] = 1
    return evaluate_label_sets(
        head.logits(features), labels, card.classes, card.thresholds, temperature=card.temperature,
        paths=[image.path for image in images],
    )  # fmt: skip


def find_training_images(images: Sequence[LabelledImage], contains: ContainsHash) -> NDArray[np.bool_]:
    """Which of n images a model was trained on, [n]."""
    return np.array([contains(image.sha256) for image in images], bool)


def _held_out(evaluation: Evaluation | MultiLabelEvaluation, seen: NDArray[np.bool_]) -> Accuracy | None:
    correct = [one.is_correct for one in evaluation.predictions]
    others = [one for one, is_seen in zip(correct, seen, strict=True) if not is_seen]
    return accuracy_of(sum(others), len(others)) if others else None
