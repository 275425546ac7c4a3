"""From features to predictions: the head, and what tells how far its predictions can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.card import ModelCard
from core.engine.feature_cache import CropFeatures, ImageFeatures
from core.models.evidence import TrainingImages, evidence, is_unknown, labels_of
from core.models.heads import Head, class_probabilities, top_scores
from core.models.installed import load_head, load_training_images
from core.models.values import InstalledModel
from core.prediction import Crop, Failure, Outcome, Prediction, Score


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """What predictions need of a model besides its backbone.

    Attributes:
        model: the installed model.
        head: its head.
        training_images: its training images; None if it does not keep their features.
    """

    model: InstalledModel
    head: Head
    training_images: TrainingImages | None = None

    def predict(self, images: Sequence[ImageFeatures | Failure], top_k: int) -> list[Outcome]:
        """Predictions for images; failures stay in their places.

        Args:
            images: the images and their features; those with a crop around their subject are predicted from that,
                unless the model is multi-label.
            top_k: how many classes to report for each; of multi-label models at least those that it has.
        """
        if self.model.card.is_multi_label:  # a crop around one subject would lose the other classes
            images = [replace(one, crop=None) if isinstance(one, ImageFeatures) else one for one in images]
        known = [one for one in images if isinstance(one, ImageFeatures)]
        whole = iter(self._predict(known, top_k))
        cropped = iter(self._predict([replace(one, features=one.crop.features) for one in known if one.crop], top_k))
        return [one if isinstance(one, Failure) else _with_crop(next(whole), one.crop, cropped) for one in images]

    def _predict(self, images: Sequence[ImageFeatures], top_k: int) -> list[Prediction]:
        if not images:
            return []
        card, features = self.model.card, np.stack([image.features for image in images])
        rows = class_probabilities(card, self.head.logits(features))
        result = []
        for image, row, found in zip(images, rows, evidence(card, self.training_images, features, rows), strict=True):
            labels = labels_of(card, found, row)
            least = row[card.classes.index(labels[-1])] if labels else np.inf
            count = max(top_k, int(np.count_nonzero(row >= least)))
            scores = top_scores(row, card.classes, count, card.thresholds)
            if labels is not None:
                scores = _with_least_certain(scores, row, card)
            unknown = is_unknown(card, found, scores[0].probability) if labels is None else not labels
            origin = card.name, image.provider, image.timing, image.warnings, image.precision
            result.append(Prediction(image.path, scores, unknown, *origin, found, image.detections, labels=labels))
        return result


def _with_least_certain(scores: tuple[Score, ...], row: NDArray[np.float32], card: ModelCard) -> tuple[Score, ...]:
    """The most likely classes and, after them, the one whose probability is nearest to its threshold."""
    all_scores = top_scores(row, card.classes, len(row), card.thresholds)
    nearest = min(all_scores, key=lambda score: score.certainty)
    return scores if nearest in scores else (*scores, nearest)


def _with_crop(whole: Prediction, crop: CropFeatures | None, cropped: Iterator[Prediction]) -> Prediction:
    """The prediction from a crop, if there is one, which keeps what the model says about the whole image."""
    return replace(next(cropped), crop=Crop(crop.box, crop.subject, whole.scores, whole.unknown)) if crop else whole


def load_predictor(model: InstalledModel) -> Predictor:
    """Read the head of a model and the features of its training images.

    Raises:
        ModelError: a file is missing, damaged, or does not match.
    """
    return Predictor(model, load_head(model), load_training_images(model))
