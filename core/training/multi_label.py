"""The recipe `quick` for images with none, one or several classes: a logistic regression for each class against all
other images, on standardized features, and a threshold for each.

The objective is that of scikit-learn's `LogisticRegression` on each column of labels. Rare classes have no more weight
than their images, so that the probabilities are those of the classes; how rare a class is, its threshold decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.datasets.stratification import strata
from core.evaluation.calibration import fit_temperature
from core.evaluation.multi_label import decisions
from core.evaluation.multi_label_values import ClassSuspect
from core.models.heads import LinearHead, sigmoid
from core.training import quick
from core.training.head_parameters import LinearParameters
from core.training.penalised_loss import Arrays, Fit, minimise_loss
from core.training.quick import MAX_TRIED, CrossValidation, Features, Labels, Real
from core.training.request import HeadKind, Recipe, TrainRequest
from core.training.standardization import mean_std

_MAX_OUT_OF_FOLD: Final = 5000
_MIN_POSITIVE: Final = 5
"""The fewest images of a class from which its threshold is chosen; with fewer, it is 0.5."""
_THRESHOLDS: Final = (0.05, 0.95)
"""The lowest and highest threshold."""


def check_labels(request: TrainRequest) -> None:
    """Check that a request for several classes per image has no settings that need exactly one.

    Raises:
        UsageError: it has.
    """
    if not request.labels.is_multi_label:
        return
    hint = tr("Use the recipe quick with its linear head, or dense.")
    if request.recipe is Recipe.FINE_TUNE or request.head is not HeadKind.LINEAR:
        what = tr("Models with several classes per image can't be fine-tuned, and have no prototype head.")
        raise UsageError(what, hint=hint)
    if request.keep_classes_of or request.nested or request.hierarchy:
        what = tr("Models with several classes per image can't keep a model's classes or have a hierarchy.")
        raise UsageError(what, hint=tr("Remove --keep-classes-of, --nested and --hierarchy."))


def fit(features: Features, labels: Labels, c: float, *, token: CancelToken | None = None) -> LinearHead:
    """Fit a logistic regression for each class, with the standardization folded into the weights.

    Args:
        features: of the training images.
        labels: 1 for each class that an image has, else 0, [n, classes].
        c: scikit-learn's C.
        token: checked frequently.

    Raises:
        DatasetError: the head would have too many weights to fit.
        Cancelled: the token was cancelled.
    """
    quick.check_weights(len(features), features.shape[1], labels.shape[1])
    mean, scale = mean_std(features)
    points, axes = quick.spanned((features - mean) / scale)
    weights, bias = _solve(points, labels, c, Fit(*quick.PRECISE, token or CancelToken()))
    weights = ((weights if axes is None else weights @ axes) / scale).T
    return LinearHead(weights.astype(np.float32), (bias - mean @ weights).astype(np.float32))


def cross_validate(
    features: Features, labels: Labels, *, seed: int, report: ProgressCallback, token: CancelToken
) -> CrossValidation:
    """Choose the C with the lowest log loss of decisions on held-out images; near-duplicates are held out together.

    Raises:
        DatasetError: as for `fit`.
        Cancelled: the token was cancelled.
    """
    quick.check_weights(len(features), features.shape[1], labels.shape[1])
    rows = _sample(len(labels), MAX_TRIED, seed)
    divided = _Divided(features[rows], labels[rows], seed)
    how = Fit(*quick.ROUGH, token)

    def held_out(folds: Labels, c: float) -> tuple[Real, Labels]:
        return decisions(divided.held_out(folds, c, how), divided.labels)

    return CrossValidation(*quick.choose_c(divided.divisions, held_out, report), len(rows))


def out_of_fold(features: Features, labels: Labels, c: float, *, token: CancelToken) -> tuple[Labels, Features]:
    """Out-of-fold predictions by cross-validation, as `core.training.quick.out_of_fold` makes them.

    Returns:
        The ascending indexes of at most `_MAX_OUT_OF_FOLD` images, and their logits.

    Raises:
        Cancelled: the token was cancelled.
    """
    rows = _sample(len(labels), _MAX_OUT_OF_FOLD, 0)
    divided = _Divided(features[rows], labels[rows], 0)
    how = Fit(*quick.PRECISE, token)
    logits = np.mean([divided.held_out(folds, c, how) for folds in divided.divisions], axis=0)
    return rows, logits.astype(np.float32)


def fit_thresholds(logits: Features, labels: Labels, temperature: float) -> tuple[float, ...]:
    """The threshold of each class with the highest F1 on images that the head was not trained on (SCut.1 of Fan and
    Lin, "A study on threshold selection for multi-label classification", 2007); between two of their probabilities, and
    0.5 for classes of few images.

    Args:
        logits: [n, classes].
        labels: 1 for each class that an image has, else 0, [n, classes].
        temperature: of the logits.
    """
    probabilities = sigmoid(logits, temperature)
    return tuple(
        _threshold(column, truth.astype(bool)) for column, truth in zip(probabilities.T, labels.T, strict=True)
    )


def find_class_suspects(
    paths: Sequence[Path], logits: Features, labels: Labels, classes: Sequence[str]
) -> tuple[ClassSuspect, ...]:
    """The classes that images are labelled with although the predictions say no, and the reverse, most suspect first.

    The ranking is by self-confidence (Northcutt, Jiang and Chuang, "Confident Learning", 2021), as log odds less those
    of the class in all images: that most images have no boat says nothing about one of them. With 14 of 1,470 labels
    of 147 photos exchanged (12 draws), its average precision is 0.79; that of self-confidence alone 0.60, and of the
    distance to the threshold 0.70.

    Args:
        paths: images [n].
        logits: of heads that were not trained on them, [n, classes].
        labels: 1 for each class that an image has, else 0, [n, classes].
        classes: the names of the classes.
    """
    temperature = fit_temperature(*decisions(logits, labels))
    probabilities = sigmoid(logits, temperature).astype(np.float64)
    predicted, given = probabilities >= fit_thresholds(logits, labels, temperature), labels.astype(bool)
    share = np.clip(given.mean(axis=0), 1e-6, 1 - 1e-6)
    gained = logits / temperature - np.log(share / (1 - share))
    rows, columns = np.nonzero(predicted != given)
    order = np.argsort(np.where(given, gained, -gained)[rows, columns], kind="stable")
    return tuple(
        ClassSuspect(paths[row], classes[column], bool(given[row, column]), float(probabilities[row, column]))
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True)
    )


def _threshold(probabilities: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    positive = int(truth.sum())
    if positive < _MIN_POSITIVE:
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    ranked, hits = probabilities[order].astype(np.float64), np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + positive)
    between = np.append(ranked[1:], 0.0)
    middles = np.clip((ranked + between) / 2, *_THRESHOLDS)
    f1[ranked == between] = -1  # images with equal probabilities are on the same side
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return round(float(min(middles[best], key=lambda one: abs(one - 0.5))), 4)


class _Divided:
    """Images divided into folds, each stratified by the rarest class of an image.

    Attributes:
        labels: 0 or 1 [n, classes].
        divisions: the fold of each image [n], several times if there are few images.
    """

    def __init__(self, features: Features, labels: Labels, seed: int) -> None:
        mean, scale = mean_std(features)
        self._points, self.labels = quick.spanned((features - mean) / scale)[0], labels
        rarest = np.array(strata([frozenset(np.flatnonzero(row).tolist()) for row in labels]), np.int64)
        self.divisions = quick.divisions_of(quick.near_duplicate_groups(features), rarest, seed)

    def held_out(self, folds: Labels, c: float, how: Fit) -> Real:
        """The logits [n, classes] of the images of each fold by heads that were fitted to the others."""
        logits = np.zeros(self.labels.shape)
        for fold in np.unique(folds):
            held = folds == fold
            weights, bias = _solve(self._points[~held], self.labels[~held], c, how)
            logits[held] = self._points[held] @ weights.T + bias
        return logits


def _sample(count: int, most: int, seed: int) -> Labels:
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def _solve(points: Real, labels: Labels, c: float, how: Fit) -> tuple[Real, Real]:
    """Fit weights [classes, a] and bias [classes] to points [n, a] with labels [n, classes]."""
    images = points, labels.astype(np.float64), np.full((len(points), 1), 1 / len(points))
    parameters = LinearParameters((labels.shape[1], points.shape[1] + 1))
    solution = minimise_loss(parameters, _loss, images, 1 / (c * len(points)), how)
    return solution[:, :-1], solution[:, -1]


def _loss(solution: Real, block: Arrays) -> tuple[float, Real]:
    """The weighted binary log loss of all classes of a block of images, and its gradient [classes, a + 1]."""
    points, labels, weights = block
    scores = points @ solution[:, :-1].T + solution[:, -1]
    powers = np.exp(-np.abs(scores))
    loss = float(np.sum(weights * (np.maximum(scores, 0) + np.log1p(powers) - labels * scores)))
    errors = weights * (np.where(scores >= 0, 1, powers) / (1 + powers) - labels)
    return loss, np.column_stack([errors.T @ points, errors.sum(axis=0)])
