"""The recipe `quick`: class-balanced multinomial logistic regression by L-BFGS on standardized features, with the
regularization strength chosen by cross-validation. It takes seconds and gives a linear head.

The objective is that of scikit-learn's `LogisticRegression`, against which the tests check it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.engine.near_duplicates import normalize
from core.evaluation.calibration import fit_temperature, log_loss
from core.images.perceptual_hash import connected_components
from core.models.heads import LinearHead, PrototypeHead
from core.training.head_parameters import parameters_of, steepness
from core.training.penalised_loss import Arrays, Fit, minimise_loss
from core.training.request import HeadKind
from core.training.standardization import mean_std

Features: TypeAlias = NDArray[np.float32]
"""[n, d]."""
Labels: TypeAlias = NDArray[np.int64]
"""Class indexes [n]."""
Real: TypeAlias = NDArray[np.float64]

C_GRID: Final = (0.001, 0.01, 0.1, 1.0, 10.0)
"""The candidates for C, scikit-learn's inverse regularization strength."""
FOLDS: Final = 5
_DEFAULT_C: Final = 1.0
"""The C if there are too few images to choose one; scikit-learn's default."""
_REPEATS: Final = 3
_LARGE: Final = 600
"""Images from which one division into folds is enough; fewer are divided again up to `_REPEATS` times."""
MAX_TRIED: Final = 1000
"""The most images used for cross-validation; more hardly change its result, but take longer."""
_MAX_WEIGHTS: Final = 8_000_000
"""L-BFGS needs 30 numbers of 8 bytes per weight: 1.9 GB."""
_SMALL: Final = 2 * FOLDS
"""Images per class, if it has as many, that cross-validation needs; if that is too many, it uses fewer classes."""
_SCORES: Final = 2**19
"""Numbers exponentiated at once: 4 MB, which fit into a processor's cache."""
_DUPLICATE_COSINE: Final = 0.85
"""Cosine similarity of features from which two images count as showing the same thing."""
PRECISE: Final = (1e-6, 10_000)
ROUGH: Final = (1e-3, 300)
"""Gradient tolerance and most iterations of L-BFGS: for the head itself, and for heads that are only compared."""
_ABSENT_LOGIT: Final = -1e4
"""The bias of a class without training images."""


class FoldScore(NamedTuple):
    """The cross-validation score of one C.

    Attributes:
        errors: misclassified images, over all divisions into folds.
        log_loss: calibrated, in nats, mean over the divisions.
        images: held-out images, over all divisions.
    """

    errors: int
    log_loss: float
    images: int


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """The result of choosing C by cross-validation.

    Attributes:
        best_c: scikit-learn's C.
        scores: by C; empty if there were too few images to hold any out.
        images: the number of images used.
    """

    best_c: float
    scores: dict[float, FoldScore]
    images: int


def check_weights(images: int, width: int, classes: int) -> None:
    """Reject what `fit` would reject, before its features are computed.

    Args:
        images: the number of training images.
        width: the number of features.
        classes: the number of classes.

    Raises:
        DatasetError: the head would have too many weights to fit.
    """
    if min(images, width) * classes > _MAX_WEIGHTS:
        maximum = _MAX_WEIGHTS // min(images, width)
        what = tr_n(
            "The folder has {count:,} class. With this many images, the recipe quick supports at most {maximum:,}.",
            "The folder has {count:,} classes. With this many images, the recipe quick supports at most {maximum:,}.",
            classes,
            maximum=maximum,
        )
        hint = tr("Use the recipe dense, split the folder into several, or merge classes.")
        raise DatasetError(what, hint=hint)


def fit(
    features: Features, labels: Labels, c: float, *, balanced: bool = True, offset: Real | None = None,
    token: CancelToken | None = None,
) -> LinearHead:  # fmt: skip
    """Fit a logistic regression on standardized features, with the standardization folded into the weights.

    Args:
        features: of the training images.
        labels: their classes; each index from 0 to the highest occurs.
        c: scikit-learn's C.
        balanced: whether rare classes have the same weight as common ones.
        offset: added to the logit of the first class of each image [n]; not part of the head.
        token: checked frequently.

    Raises:
        DatasetError: the head would have too many weights to fit.
        Cancelled: the token was cancelled.
    """
    how = Fit(*PRECISE, token or CancelToken())
    weights, bias, mean, scale = _fit_standardized(features, labels, c, how, balanced=balanced, offset=offset)
    weights = (weights / scale).T
    return LinearHead(weights.astype(np.float32), (bias - mean @ weights).astype(np.float32))


def fit_prototypes(features: Features, labels: Labels, c: float, *, token: CancelToken | None = None) -> PrototypeHead:
    """Fit a point per class to standardized features, as `fit` does weights; see `core.training.head_parameters`."""
    how = Fit(*PRECISE, token or CancelToken(), HeadKind.PROTOTYPE)
    weights, _, mean, scale = _fit_standardized(features, labels, c, how)
    root = np.sqrt(steepness((features - mean) / scale))
    arrays = weights.T / (2 * root), root / scale, -mean * root / scale
    return PrototypeHead(*(array.astype(np.float32) for array in arrays))


def _fit_standardized(
    features: Features, labels: Labels, c: float, how: Fit, *, balanced: bool = True, offset: Real | None = None
) -> tuple[Real, Real, Real, Real]:
    """Weights [classes, d] and bias [classes] of a head on standardized features, and their mean and scale [d]."""
    classes = int(labels.max()) + 1
    check_weights(len(features), features.shape[1], classes)
    mean, scale = mean_std(features)
    points, axes = spanned((features - mean) / scale)
    weights, bias = solve(points, labels, classes, c, how, balanced=balanced, offset=offset)
    return (weights if axes is None else weights @ axes), bias, mean, scale


def cross_validate(
    features: Features,
    labels: Labels,
    *,
    seed: int,
    report: ProgressCallback,
    token: CancelToken,
    kind: HeadKind = HeadKind.LINEAR,
) -> CrossValidation:
    """Choose the C with the lowest log loss on held-out images; near-duplicates are held out together.

    Errors are too few for that: among 196 photos, they favoured no regularization at all (C = 1000).

    Raises:
        DatasetError: as for `fit`.
        Cancelled: the token was cancelled.
    """
    check_weights(len(features), features.shape[1], int(labels.max()) + 1)
    rows = sample(labels, seed)
    features, labels = features[rows], np.unique(labels[rows], return_inverse=True)[1]
    groups = near_duplicate_groups(features)
    divisions = divisions_of(groups, labels, seed)
    if not all(_learnable(folds, labels).any() for folds in divisions):
        return CrossValidation(_DEFAULT_C, {}, len(labels))
    mean, scale = mean_std(features)
    points, how = spanned((features - mean) / scale)[0], Fit(*ROUGH, token, kind)

    def held_out(folds: Labels, c: float) -> tuple[Real, Labels]:
        evaluated = _learnable(folds, labels)
        return _held_out(points, labels, folds, evaluated, c, how)[evaluated], labels[evaluated]

    return CrossValidation(*choose_c(divisions, held_out, report), len(labels))


def out_of_fold(
    features: Features, labels: Labels, c: float, *, most: int = MAX_TRIED, token: CancelToken,
    kind: HeadKind = HeadKind.LINEAR, groups: Labels | None = None,
) -> tuple[Labels, Features]:  # fmt: skip
    """Out-of-fold predictions by cross-validation, with near-duplicates in the same fold.

    The folds do not depend on a seed, so the result is the same for the same images. Few images are divided several
    times and their logits averaged, so that the result depends less on a single division.

    Args:
        features: of the images, [n, d].
        labels: their classes; each index from 0 to the highest occurs.
        c: scikit-learn's C.
        most: the most images that are used.
        token: checked frequently.
        kind: of the heads.
        groups: the group of each image [n], which stay together; None for `near_duplicate_groups`.

    Returns:
        The ascending indexes of at most `most` images and their logits; empty if there are too few images or too
        many classes.

    Raises:
        Cancelled: the token was cancelled.
    """
    classes, rows = int(labels.max()) + 1, sample(labels, 0, most)
    own, truth = features[rows], labels[rows]
    if len(np.unique(truth)) < classes:
        return rows[:0], np.empty((0, classes), np.float32)
    mean, scale = mean_std(own)
    points, how = spanned((own - mean) / scale)[0], Fit(*PRECISE, token, kind)
    sums, times = np.zeros((len(own), classes)), np.zeros(len(own))
    for folds in divisions_of(near_duplicate_groups(own) if groups is None else groups[rows], truth, 0):
        evaluated = _learnable(folds, truth)
        sums[evaluated] += _held_out(points, truth, folds, evaluated, c, how)[evaluated]
        times += evaluated
    found = times > 0
    return rows[found], (sums[found] / times[found, None]).astype(np.float32)


def near_duplicate_groups(features: Features) -> Labels:
    """A group number for each image: connected components of pairs with similar features."""
    directions = normalize(features)
    alike = np.argwhere(np.triu(directions @ directions.T >= _DUPLICATE_COSINE, 1))
    return np.unique(connected_components(len(features), alike.tolist()), return_inverse=True)[1]


def choose_c(
    divisions: Sequence[Labels], held_out: Callable[[Labels, float], tuple[Real, Labels]], report: ProgressCallback
) -> tuple[float, dict[float, FoldScore]]:
    """The C with the lowest log loss over all divisions of images into folds, and the score of each.

    Args:
        divisions: the fold of each image [n].
        held_out: returns the logits [m, classes] of images by heads that were fitted to the other folds, given the
            folds and C, and their classes [m].
        report: called for each fit.
    """
    clock = ProgressReporter(tr("tuning the regularization"), len(C_GRID) * len(divisions), report)
    scores = {}
    for c in C_GRID:
        found = []
        for folds in divisions:
            logits, truth = held_out(folds, c)
            wrong = int(np.sum(logits.argmax(axis=1) != truth))
            found.append((wrong, log_loss(logits, truth, fit_temperature(logits, truth)), len(truth)))
            clock.advance()
        errors, losses, images = (list(figures) for figures in zip(*found, strict=True))
        scores[c] = FoldScore(sum(errors), sum(losses) / len(losses), sum(images))
    return min(scores, key=lambda c: scores[c].log_loss), scores


def sample(labels: Labels, seed: int, most: int = MAX_TRIED) -> Labels:
    """The images to cross-validate with: all, or a random sample of no more classes than it can cover."""
    if len(labels) <= most:
        return np.arange(len(labels))
    draw, counts = np.random.default_rng(seed), np.minimum(np.bincount(labels), _SMALL)
    among = np.arange(len(labels))
    if counts.sum() > most:
        classes = draw.permutation(len(counts))
        among = np.flatnonzero(np.isin(labels, classes[counts[classes].cumsum() <= most]))
    return np.sort(draw.choice(among, min(len(among), most), replace=False))


def divisions_of(groups: Labels, labels: Labels, seed: int) -> list[Labels]:
    """Divisions of images into folds, several if there are few; `labels` are distributed evenly."""
    repeats = max(1, min(_REPEATS, _LARGE // len(labels)))
    return [assign_folds(groups, labels, seed + again) for again in range(repeats)]


def assign_folds(groups: Labels, labels: Labels, seed: int) -> Labels:
    """The fold of each image, 0 to FOLDS - 1: groups stay together, and each class is distributed evenly."""
    alone = np.bincount(groups)[groups] > len(groups) / FOLDS  # so large a group does not mean near-duplicates
    groups = np.where(alone, groups.max() + 1 + np.arange(len(groups)), groups)
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(len(first))
    rank = np.empty(len(first), np.int64)
    rank[np.lexsort((drawn, labels[first]))] = np.arange(len(first))
    return np.asarray(rank[group_of] % FOLDS, np.int64)


def _learnable(folds: Labels, labels: Labels) -> NDArray[np.bool_]:
    """Which images have a class that other folds have too, if those have at least two classes."""
    present = np.zeros((FOLDS, int(labels.max()) + 1), np.int64)
    np.add.at(present, (folds, labels), 1)
    elsewhere = (present.sum(axis=0) - present) > 0
    return np.asarray((elsewhere[folds, labels]) & (elsewhere.sum(axis=1) > 1)[folds])


def _held_out(points: Real, labels: Labels, folds: Labels, evaluated: NDArray[np.bool_], c: float, how: Fit) -> Real:
    """The logits [n, classes] of the images of each fold by a head fitted to the other folds."""
    logits = np.zeros((len(labels), int(labels.max()) + 1))
    for fold in np.unique(folds[evaluated]):
        held = folds == fold
        weights, bias = solve(points[~held], labels[~held], logits.shape[1], c, how)
        logits[held] = points[held] @ weights.T + bias
    return logits


def spanned(standard: Real) -> tuple[Real, Real | None]:
    """The images as points [n, a] in an orthonormal basis [a, d] of their span; None for the standard basis.

    With an L2 penalty, the optimal weights are in the span of the images.
    """
    if len(standard) >= standard.shape[1]:
        return standard, None
    axes = np.asarray(np.linalg.qr(standard.T)[0].T)
    return standard @ axes.T, axes


def solve(
    points: Real, labels: Labels, classes: int, c: float, how: Fit, *, balanced: bool = True,
    offset: Real | None = None,
) -> tuple[Real, Real]:  # fmt: skip
    """Fit weights [classes, a] and bias [classes] to points [n, a]; a class without any has a very low bias."""
    known, own = np.unique(labels, return_inverse=True)
    each = 1 / np.bincount(own) / len(known) if balanced else np.full(len(known), 1 / len(own))
    given = np.zeros(len(own)) if offset is None else offset
    images = points, own, given, each[own]
    solution = minimise_loss(parameters_of(how.kind, points, own), _loss, images, 1 / (c * len(own)), how)
    weights, bias = np.zeros((classes, points.shape[1])), np.full(classes, _ABSENT_LOGIT)
    weights[known], bias[known] = solution[:, :-1], solution[:, -1]
    return weights, bias


def _loss(solution: Real, block: Arrays) -> tuple[float, Real]:
    """The weighted log loss of a block of images, and its gradient [classes, a + 1]."""
    loss, gradient = 0.0, np.zeros_like(solution)
    rows = min(len(block[0]), max(1, _SCORES // len(solution)))
    buffer = np.empty((rows, len(solution)))  # allocating one per step would cost as much as the step
    for at in range(0, len(block[0]), rows):
        points, labels, offset, sample_weights = (part[at : at + rows] for part in block)
        each = np.arange(len(labels))
        scores = np.matmul(points, solution[:, :-1].T, out=buffer[: len(points)])
        scores += solution[:, -1]
        scores[:, 0] += offset
        scores -= scores.max(axis=1, keepdims=True)
        own = scores[each, labels]
        errors = np.exp(scores, out=scores)
        sums = errors.sum(axis=1)
        loss += float(sample_weights @ (np.log(sums) - own))
        errors *= (sample_weights / sums)[:, None]
        errors[each, labels] -= sample_weights
        gradient[:, :-1] += errors.T @ points
        gradient[:, -1] += errors.sum(axis=0)
    return loss, gradient
