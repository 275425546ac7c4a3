"""The learning curve of a head: what accuracy more photos would give, and what each class lacks.

Heads are trained on parts of the photos and tried on held-out ones. Four errors cannot tell whether the error goes on
falling or levels off, so what is expected is the mean of two laws for the error with n photos: an inverse power law,
a * n ** -b, and one that levels off, a / n + c (Cortes et al., "Learning curves: asymptotic values and rate of
convergence", NIPS 1993). The law is that of all classes together, as a class alone has too few photos for one. The
interval comes from the posterior of today's error, and from both laws for other samples of the same photos (bootstrap).
`tests/benchmarks/learning_curve.py` measures how good that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.datasets.values import FEW_IMAGES
from core.training import quick
from core.training.penalised_loss import Fit
from core.training.quick import Features, Labels, Real
from core.training.standardization import mean_std
from core.training.values import ClassOutlook, ExpectedGain, Outlook

PARTS: Final = (0.25, 0.4, 0.63, 1.0)
"""The parts of the training photos of each class that heads are trained on."""
MIN_IMAGES: Final = 40
MAX_IMAGES: Final = 600
"""The photos from which the curve is measured; of more, it would take long and say that little is to be gained."""
MORE: Final = 20
"""How many more photos the gain is stated for."""
_DRAWS: Final = 200
_COVERAGE: Final = (2.5, 97.5)
"""Percentiles between which 90% of accuracies measured later were; the true law is neither of the two."""
_MIN_CONFUSED: Final = 0.15, 2
"""The share and number of a class's photos predicted as another from which that is said."""


def outlook(
    features: Features, labels: Labels, classes: Sequence[str], c: float, *, report: ProgressCallback,
    token: CancelToken,
) -> Outlook | None:  # fmt: skip
    """What more photos would give, and what each class lacks.

    Args:
        features: of all photos, [n, d].
        labels: their classes [n]; each index from 0 to the highest occurs.
        classes: the labels of the classes.
        c: scikit-learn's C of the head.
        report: called with the progress.
        token: checked frequently.

    Returns:
        The outlook; None if there are too few photos to tell, or more than `MAX_IMAGES`.

    Raises:
        Cancelled: the token was cancelled.
    """
    if not MIN_IMAGES <= len(labels) <= MAX_IMAGES or len(classes) * quick.FOLDS > len(labels):
        return None
    groups = quick.near_duplicate_groups(features)
    predicted = held_out_predictions(features, labels, groups, c, report=report, token=token)
    wrong = (predicted != labels).astype(np.float64)
    whole = expected_gain("", wrong, np.arange(len(labels)), MORE * len(classes))
    return Outlook(whole, tuple(_class_outlooks(wrong, predicted[-1], labels, groups, classes)))


def held_out_predictions(
    features: Features, labels: Labels, groups: Labels, c: float, *, report: ProgressCallback, token: CancelToken
) -> Labels:
    """The classes of all photos by heads that were trained on each part of the other folds, [parts, n]."""
    mean, scale = mean_std(features)
    points, how = quick.spanned((features - mean) / scale)[0], Fit(*quick.ROUGH, token)
    folds, classes = quick.assign_folds(groups, labels, 0), int(labels.max()) + 1
    clock = ProgressReporter(tr("measuring the learning curve"), len(PARTS) * quick.FOLDS, report)
    predicted = np.zeros((len(PARTS), len(labels)), np.int64)
    for fold in range(quick.FOLDS):
        held, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        for row, part in enumerate(PARTS):
            some = _part_of_each(rest, labels, part)
            weights, bias = quick.solve(points[some], labels[some], classes, c, how)
            predicted[row, held] = (points[held] @ weights.T + bias).argmax(axis=1)
            clock.advance()
    return predicted


def expected_gain(label: str, wrong: Real, own: NDArray[np.int64], more: int) -> ExpectedGain:
    """What accuracy more photos would give.

    Args:
        label: the class; empty for all.
        wrong: whether each photo is misclassified by a head trained on each part of the others, [parts, n], 0 or 1.
        own: the photos of the class.
        more: how many more photos.
    """
    growth = (len(own) + more) / len(own)
    draw, mistakes = np.random.default_rng(0), wrong[-1, own].sum()
    errors = draw.beta(mistakes + 0.5, len(own) - mistakes + 0.5, _DRAWS)  # the Jeffreys posterior
    samples = draw.integers(0, wrong.shape[1], (_DRAWS, wrong.shape[1]))
    left = np.array([remaining(wrong[:, rows].mean(axis=1), growth) for rows in samples])
    found, now = 1 - errors[:, np.newaxis] * left, float(wrong[-1, own].mean())
    low, high = np.percentile(found, _COVERAGE)
    expected = 1 - now * float(np.mean(remaining(wrong.mean(axis=1), growth)))
    return ExpectedGain(label, len(own), more, 1 - now, expected, float(min(low, expected)), float(max(high, expected)))


def remaining(errors: Real, growth: float) -> tuple[float, float]:
    """The fractions of today's error that are left with `growth` times as many photos, by a power law and by one that
    levels off, from the errors by heads trained on each part.
    """
    falling, floor = levelling(errors)
    today = falling + floor
    return growth ** -exponent(errors), (falling / growth + floor) / today if today > 0 else 1.0


def levelling(errors: Real) -> tuple[float, float]:
    """The a and c of a / part + c through the errors by heads trained on each part, both at least 0."""
    parts = np.array(PARTS)
    basis, weights = np.stack([1 / parts, np.ones(len(parts))], axis=1), np.sqrt(parts)
    falling, floor = np.linalg.lstsq(basis * weights[:, np.newaxis], errors * weights, rcond=None)[0]
    if falling < 0:
        return 0.0, float(np.average(errors, weights=parts))
    if floor < 0:
        return float(errors.sum() / (1 / parts).sum()), 0.0
    return float(falling), float(floor)


def exponent(errors: Real) -> float:
    """The b of the power law through the errors by heads trained on each part, 0..1."""
    heights = np.log(np.maximum(errors, 1e-3))
    return float(np.clip(-np.polyfit(np.log(PARTS), heights, 1, w=np.sqrt(PARTS))[0], 0, 1))


def _part_of_each(rows: Labels, labels: Labels, part: float) -> Labels:
    """This part of the rows of each class, drawn at random; smaller parts are within larger ones."""
    drawn = np.random.default_rng(0).permutation(rows)
    own = (drawn[labels[drawn] == label] for label in np.unique(labels[rows]))
    return np.concatenate([some[: max(1, round(part * len(some)))] for some in own])


def _class_outlooks(
    wrong: Real, predicted: Labels, labels: Labels, groups: Labels, classes: Sequence[str]
) -> Iterator[ClassOutlook]:
    for index, label in enumerate(classes):
        own = np.flatnonzero(labels == index)
        gain = expected_gain(label, wrong, own, MORE) if len(own) >= FEW_IMAGES else None
        others = np.bincount(predicted[own], minlength=len(classes))
        others[index] = 0
        other, share = int(others.argmax()), float(others.max() / len(own))
        is_confused = share >= _MIN_CONFUSED[0] and others.max() >= _MIN_CONFUSED[1]
        is_alike = 2 * len(np.unique(groups[own])) <= len(own)
        yield ClassOutlook(label, len(own), gain, classes[other] if is_confused else "", share, is_alike)
