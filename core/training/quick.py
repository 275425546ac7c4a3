"""The recipe `quick`: multinomial logistic regression by L-BFGS on standardised features, its strength chosen by
cross-validation, classes weighing the same however many images they have. It takes seconds and gives a linear head.

The objective is that of scikit-learn's `LogisticRegression`, to which the tests hold it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.evaluation.calibration import fit_temperature, log_loss
from core.images.perceptual_hash import connected_components
from core.models.heads import LinearHead
from core.training.lbfgs import minimise

Features: TypeAlias = NDArray[np.float32]
"""[n, d]."""
Labels: TypeAlias = NDArray[np.int64]
"""[n], 0 and up."""
Real: TypeAlias = NDArray[np.float64]

C_GRID: Final = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""scikit-learn's C among which is chosen; the larger, the closer a head follows its images."""
FOLDS: Final = 5
_DEFAULT_C: Final = 1.0
"""The strength where there are too few images to choose one; scikit-learn's default."""
_REPEATS: Final = 3
_LARGE: Final = 600
"""From so many images on, one division into folds tells enough; fewer are divided anew up to `_REPEATS` times."""
MAX_TRIED: Final = 1000
"""Images with which cross-validation is done; what comes of it hardly depends on their number, but the
time does."""
_MAX_WEIGHTS: Final = 8_000_000
"""L-BFGS keeps 30 numbers of 8 bytes for each weight: 1.9 GB."""
_SMALL: Final = 2 * FOLDS
"""Images of each class, where there are so many, among which the strength is chosen; else fewer classes are."""
_BLOCK: Final = 2**24
"""Multiplications that are worth a thread; fixed, so that every machine adds up the same numbers in the same order."""
_MAX_BLOCKS: Final = 8
_SCORES: Final = 2**19
"""Numbers at once, of each of which an exponential is taken: 4 MB, which stay in a processor's cache."""
_DUPLICATE_COSINE: Final = 0.85
"""Cosine of features from which two images count as showing the same thing."""
_PRECISE: Final = (1e-6, 10_000)
_ROUGH: Final = (1e-3, 300)
"""Tolerance and most iterations of L-BFGS: of the head itself, and of heads that are only compared."""
_CONSTANT: Final = 1e-6
"""A feature that differs by less than this share of its mean does not differ: that is rounding."""
_NO_CANCEL: Final = -1e4
"""The logit of a class that was not there to be learnt."""


class FoldScore(NamedTuple):
    """How heads of one strength did on images held out; the least is the best.

    Attributes:
        errors: how many images they named wrongly, over all divisions into folds.
        log_loss: mean over the divisions, calibrated, in nats.
        images: how many were held out, over all divisions.
    """

    errors: int
    log_loss: float
    images: int


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """How the strength was chosen.

    Attributes:
        best_c: scikit-learn's C.
        scores: of each strength; empty where there were too few images to hold any out.
        images: how many it was chosen with.
    """

    best_c: float
    scores: dict[float, FoldScore]
    images: int


class _Effort(NamedTuple):
    """How far a fit goes: the slope that may be left, the most steps, and who may call it off."""

    gradient_tolerance: float
    max_steps: int
    token: CancelToken


def check_weights(images: int, width: int, classes: int) -> None:
    """Refuse what `fit` would refuse, before features are computed for it.

    Args:
        images: how many there are to learn from.
        width: how many features each has.
        classes: how many there are.

    Raises:
        DatasetError: the head would have more weights than can be fitted.
    """
    if min(images, width) * classes > _MAX_WEIGHTS:
        maximum = _MAX_WEIGHTS // min(images, width)
        raise DatasetError(
            f"There are {classes:,} classes; the recipe quick learns at most {maximum:,} from so many images.",
            hint="Use the recipe dense, divide the folder into several, or put classes together.",
        )


def fit(
    features: Features, labels: Labels, c: float, *, balanced: bool = True, token: CancelToken | None = None
) -> LinearHead:
    """Logistic regression on standardised features, the standardising folded into the head's weights.

    Args:
        features: of the images to learn from.
        labels: their classes; each number from 0 to the highest is there.
        c: scikit-learn's C.
        balanced: whether rare classes weigh as much as common ones.
        token: looked at all the time.

    Raises:
        DatasetError: the head would have more weights than can be fitted.
        Cancelled: the token was cancelled.
    """
    classes, effort = int(labels.max()) + 1, _Effort(*_PRECISE, token or CancelToken())
    check_weights(len(features), features.shape[1], classes)
    mean, scale = mean_std(features)
    points, axes = _spanned((features - mean) / scale)
    weights, bias = _solve(points, labels, classes, c, effort, balanced=balanced)
    weights = ((weights if axes is None else weights @ axes) / scale).T
    return LinearHead(weights.astype(np.float32), (bias - mean @ weights).astype(np.float32))


def cross_validate(
    features: Features, labels: Labels, *, seed: int, report: ProgressCallback, token: CancelToken
) -> CrossValidation:
    """The strength that names most images held out rightly; among equals, that with the least log loss.

    What shows the same thing is held out together.

    Raises:
        DatasetError: as `fit`.
        Cancelled: the token was cancelled.
    """
    check_weights(len(features), features.shape[1], int(labels.max()) + 1)
    tried = _sample(labels, seed)
    features, labels = features[tried], np.unique(labels[tried], return_inverse=True)[1]
    groups = near_duplicate_groups(features)
    divisions = _divisions(groups, labels, seed)
    if not all(_learnable(folds, labels).any() for folds in divisions):
        return CrossValidation(_DEFAULT_C, {}, len(labels))
    trials = _score_all(features, labels, divisions, report, token)
    return CrossValidation(min(trials, key=trials.__getitem__), trials, len(labels))


def out_of_fold(features: Features, labels: Labels, c: float, *, token: CancelToken) -> tuple[Labels, Features]:
    """What heads say of images that they were not fitted to, by cross-validation with what looks alike in one fold.

    The folds do not depend on a seed, so that what is found by this is the same for the same images. Few images are
    divided several times, and the mean is taken: which of them meet in a fold decides less then.

    Args:
        features: of the images, [n, d].
        labels: their classes; each number from 0 to the highest is there.
        c: scikit-learn's C.
        token: looked at all the time.

    Returns:
        Which images, ascending, `MAX_TRIED` at most, and their logits; none where there are too few images or too
        many classes.

    Raises:
        Cancelled: the token was cancelled.
    """
    classes, rows = int(labels.max()) + 1, _sample(labels, 0)
    own, truth = features[rows], labels[rows]
    if len(np.unique(truth)) < classes:
        return rows[:0], np.empty((0, classes), np.float32)
    mean, scale = mean_std(own)
    points, effort = _spanned((own - mean) / scale)[0], _Effort(*_PRECISE, token)
    hashes, times = np.zeros((len(own), classes)), np.zeros(len(own))
    for folds in _divisions(near_duplicate_groups(own), truth, 0):
        evaluated = _learnable(folds, truth)
        hashes[evaluated] += _held_out(points, truth, folds, evaluated, c, effort)[evaluated]
        times += evaluated
    found = times > 0
    return rows[found], (hashes[found] / times[found, None]).astype(np.float32)


def near_duplicate_groups(features: Features) -> Labels:
    """A number for each image, the same for images that are linked by features too much alike."""
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    directions = features / np.maximum(norms, np.finfo(np.float32).tiny)
    alike = np.argwhere(np.triu(directions @ directions.T >= _DUPLICATE_COSINE, 1))
    return np.unique(connected_components(len(features), alike.tolist()), return_inverse=True)[1]


def _score_all(
    features: Features, labels: Labels, divisions: Sequence[Labels], report: ProgressCallback, token: CancelToken
) -> dict[float, FoldScore]:
    """How heads of each strength do, over all divisions of the images into folds."""
    mean, scale = mean_std(features)
    points, _ = _spanned((features - mean) / scale)
    effort = _Effort(*_ROUGH, token)
    clock = ProgressReporter("choosing the strength", len(C_GRID) * len(divisions), report)
    scores = {}
    for c in C_GRID:
        found = []
        for folds in divisions:
            found.append(_score_folds(points, labels, folds, c, effort))
            clock.advance()
        wrong, losses, images = (list(figures) for figures in zip(*found, strict=True))
        scores[c] = FoldScore(sum(wrong), sum(losses) / len(losses), sum(images))
    return scores


def _sample(labels: Labels, seed: int) -> Labels:
    """Which images the strength is chosen with: all, or as many drawn, of no more classes than can be told by them."""
    if len(labels) <= MAX_TRIED:
        return np.arange(len(labels))
    draw, counts = np.random.default_rng(seed), np.minimum(np.bincount(labels), _SMALL)
    among = np.arange(len(labels))
    if counts.sum() > MAX_TRIED:
        classes = draw.permutation(len(counts))
        among = np.flatnonzero(np.isin(labels, classes[counts[classes].cumsum() <= MAX_TRIED]))
    return np.sort(draw.choice(among, min(len(among), MAX_TRIED), replace=False))


def _divisions(groups: Labels, labels: Labels, seed: int) -> list[Labels]:
    """Divisions into folds: several where the images are few."""
    repeats = max(1, min(_REPEATS, _LARGE // len(labels)))
    return [_folds(groups, labels, seed + again) for again in range(repeats)]


def _folds(groups: Labels, labels: Labels, seed: int) -> Labels:
    """The fold of each image, 0 to FOLDS - 1: groups stay together, and each class is dealt out evenly."""
    alone = np.bincount(groups)[groups] > len(groups) / FOLDS  # so many alike say nothing about being the same
    groups = np.where(alone, groups.max() + 1 + np.arange(len(groups)), groups)
    _, first, group_of = np.unique(groups, return_index=True, return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(len(first))
    place = np.empty(len(first), np.int64)
    place[np.lexsort((drawn, labels[first]))] = np.arange(len(first))
    return np.asarray(place[group_of] % FOLDS, np.int64)


def _learnable(folds: Labels, labels: Labels) -> NDArray[np.bool_]:
    """Which images are of a class that other folds have too, where those have two classes at least."""
    present = np.zeros((FOLDS, int(labels.max()) + 1), np.int64)
    np.add.at(present, (folds, labels), 1)
    elsewhere = (present.sum(axis=0) - present) > 0
    return np.asarray((elsewhere[folds, labels]) & (elsewhere.sum(axis=1) > 1)[folds])


def _score_folds(points: Real, labels: Labels, folds: Labels, c: float, effort: _Effort) -> FoldScore:
    """How heads do on each fold that were fitted without it."""
    judged = _learnable(folds, labels)
    text, truth = _held_out(points, labels, folds, judged, c, effort)[judged], labels[judged]
    wrong = int(np.sum(text.argmax(axis=1) != truth))
    return FoldScore(wrong, log_loss(text, truth, fit_temperature(text, truth)), len(truth))


def _held_out(
    points: Real, labels: Labels, folds: Labels, evaluated: NDArray[np.bool_], c: float, effort: _Effort
) -> Real:
    """The logits [n, classes] of the images of each fold by a head that was fitted to the other folds."""
    logits = np.zeros((len(labels), int(labels.max()) + 1))
    for fold in np.unique(folds[evaluated]):
        held = folds == fold
        weights, bias = _solve(points[~held], labels[~held], logits.shape[1], c, effort)
        logits[held] = points[held] @ weights.T + bias
    return logits


def mean_std(features: Features) -> tuple[Real, Real]:
    """Mean and standard deviation [d]; 1 for the latter where a feature is the same in all images."""
    mean, scale = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    scale[scale <= _CONSTANT * np.abs(mean)] = 1.0
    return mean, scale


def _spanned(standard: Real) -> tuple[Real, Real | None]:
    """The images as points [n, a] on orthonormal axes [a, d] that hold the best weights; None for the features' own.

    With an L2 penalty the best weights lie in the span of the images.
    """
    if len(standard) >= standard.shape[1]:
        return standard, None
    axes = np.asarray(np.linalg.qr(standard.T)[0].T)
    return standard @ axes.T, axes


def _solve(
    points: Real, labels: Labels, classes: int, c: float, effort: _Effort, *, balanced: bool = True
) -> tuple[Real, Real]:
    """Weights [classes, a] and bias [classes] of the regression on points [n, a]."""
    known, own = np.unique(labels, return_inverse=True)
    each = 1 / np.bincount(own) / len(known) if balanced else np.full(len(known), 1 / len(own))
    solution = _minimise(points, own, each[own], 1 / (c * len(own)), effort)
    weights, bias = np.zeros((classes, points.shape[1])), np.full(classes, _NO_CANCEL)
    weights[known], bias[known] = solution[:, :-1], solution[:, -1]
    return weights, bias


def _minimise(points: Real, labels: Labels, sample_weights: Real, penalty: float, effort: _Effort) -> Real:
    """Weights and, as the last column, bias [classes, a + 1] with the least penalised log loss.

    Args:
        points: [n, a].
        labels: [n]; each class is there.
        sample_weights: of each image in the loss [n], with the sum 1.
        penalty: of half the sum of the weights' squares.
        effort: how far to go.
    """
    shape = (int(labels.max()) + 1, points.shape[1] + 1)
    rows = max(-(-len(labels) // _MAX_BLOCKS), _BLOCK // (shape[0] * shape[1]))
    blocks = [
        (points[at : at + rows], labels[at : at + rows], sample_weights[at : at + rows])
        for at in range(0, len(labels), rows)
    ]
    with ThreadPoolExecutor(min(len(blocks), os.cpu_count() or 1)) as pool:

        def objective(flat: Real) -> tuple[float, Real]:
            effort.token.check()
            solution, slope = flat.reshape(shape), np.zeros(shape)
            slope[:, :-1] = penalty * solution[:, :-1]
            loss = float(np.sum(solution * slope)) / 2
            for block_loss, block_slope in (pool.map if len(blocks) > 1 else map)(partial(_loss, solution), blocks):
                loss += block_loss
                slope += block_slope
            return loss, slope.ravel()

        start = np.zeros(shape[0] * shape[1])
        found = minimise(objective, start, gradient_tolerance=effort.gradient_tolerance, max_steps=effort.max_steps)
    return found.reshape(shape)


def _loss(solution: Real, block: tuple[Real, Labels, Real]) -> tuple[float, Real]:
    """The log loss of some images, each by its share, and its slope [classes, a + 1]."""
    loss, gradient = 0.0, np.zeros_like(solution)
    rows = min(len(block[0]), max(1, _SCORES // len(solution)))
    room = np.empty((rows, len(solution)))  # a new one for each step would cost as much as the step
    for at in range(0, len(block[0]), rows):
        points, labels, sample_weights = (part[at : at + rows] for part in block)
        each = np.arange(len(labels))
        scores = np.matmul(points, solution[:, :-1].T, out=room[: len(points)])
        scores += solution[:, -1]
        scores -= scores.max(axis=1, keepdims=True)
        own = scores[each, labels]
        errors = np.exp(scores, out=scores)
        hashes = errors.sum(axis=1)
        loss += float(sample_weights @ (np.log(hashes) - own))
        errors *= (sample_weights / hashes)[:, None]
        errors[each, labels] -= sample_weights
        gradient[:, :-1] += errors.T @ points
        gradient[:, -1] += errors.sum(axis=0)
    return loss, gradient
