"""Fitting of the rules behind a prediction's evidence, on images that the head was not trained on.

Measured on 196 photos of 8 classes with the features of Xception and EfficientNet-Lite0 joined; AUROC with each class
left out in turn as unknown, and with half of the classes left out (12 draws), against the other classes out of fold:

| score as unknown | one class | four classes |
|---|---|---|
| best probability, calibrated | 0.930 | 0.899 |
| mean cosine to the five nearest training images | 0.903 | 0.950 |
| Mahalanobis distance to the nearest class, relative | 0.888 | |
| residual outside the first 60 principal components | 0.910 | |
| kernel density of directions (bandwidth 0.02) | 0.911 | 0.949 |
| kernel density and half as much of the log odds of the best probability | 0.944 | 0.958 |

With several classes per photo (147 photos, 10 classes, half of them made of two photos), each class left out in turn,
the mean AUROC is 0.844 by the best probability, 0.866 by the kernel density, and 0.892 by both.

The opinion of the thousand classes of ImageNet (entropy, best logit) is no better than chance, alone or added.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.card_rules import MAX_OUT_OF_SAMPLE, SCORE_DIGITS, OutOfSample, PredictionSets, UnknownRule
from core.engine.near_duplicates import normalize
from core.models.evidence import log_odds, similarity, unknown_scores
from core.models.feature_bank import FILE, MAX_IMAGES, FeatureBank, bank_bytes
from core.training.training_data import LabelledFeatures

REJECT_PERCENTILE: Final = 5
"""The percentage of images of the classes that may be taken for unknown."""
MIN_IMAGES: Final = 20
"""The fewest images from which a rule is fitted."""
COVERAGE: Final = 0.9
"""The coverage of prediction sets."""
_FOLDS: Final = 10
_BANDWIDTH: Final = 0.02
_CONFIDENCE_WEIGHT: Final = 0.5
"""The weight of the log odds, where similarity has 1, both in units of their standard deviations."""
_SAME_COSINE: Final = 0.85
"""Cosine of features from which two images show the same thing, as in `quick`."""
_LEAST_SPREADS: Final = 0.02, 0.2
"""The smallest standard deviations of similarity and log odds: images of one scene hardly differ."""
_MIN_PER_CLASS: Final = 5
"""Images per class that a bank must have room for."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Images of the classes that a head was not trained on.

    Attributes:
        features: [n, d].
        labels: their classes [n]; if an image may have several, 1 for each that it has, else 0 [n, classes].
        probabilities: the head's, calibrated, [n, classes].
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class FittedRule:
    """A rule for unknown images.

    Attributes:
        rule: the rule.
        bank: the file that it refers to.
        images: the SHA-256 of the training images in it.
        known_scores: the scores of the images that it was fitted to [n].
    """

    rule: UnknownRule
    bank: bytes
    images: tuple[str, ...]
    known_scores: NDArray[np.float32]


def fit_unknown_rule(fitted: LabelledFeatures, known: Known) -> FittedRule | None:
    """Fit the rule that takes `REJECT_PERCENTILE` percent of the images of the classes for unknown.

    If some images have none of the classes, a low probability of all does not make an image unknown: then the rule goes
    by the similarity alone.

    Args:
        fitted: the images that the installed head was fitted to.
        known: images of the classes; those among `fitted` are compared with the others that show something else.

    Returns:
        The rule; None if there are too few images, or too many classes to keep enough images of each.
    """
    classes = int(fitted.labels.max()) + 1 if fitted.labels.ndim == 1 else fitted.labels.shape[1]
    if len(known.labels) < MIN_IMAGES or classes * _MIN_PER_CLASS > MAX_IMAGES:
        return None
    bank = FeatureBank.of(fitted.features, fitted.labels, [one.sha256 for one in fitted.examples])
    cosines, confidence = _cosines_to_others(bank, fitted, known.features), known.probabilities.max(axis=1)
    near, sure = similarity(cosines, _BANDWIDTH), log_odds(confidence)
    spreads = [max(float(values.std()), least) for values, least in zip((near, sure), _LEAST_SPREADS, strict=True)]
    has_class = known.labels.ndim == 1 or bool(known.labels.any(axis=1).all())
    weights = 1 / spreads[0], _CONFIDENCE_WEIGHT / spreads[1] if has_class else 0.0
    known_for = weights[0] * near + weights[1] * sure
    bias = float(np.percentile(known_for, REJECT_PERCENTILE))
    data = bank_bytes(bank)
    rounded = (round(float(value), 5) for value in (bias, *weights))
    rule = UnknownRule(FILE, hashlib.sha256(data).hexdigest(), _BANDWIDTH, *rounded)
    return FittedRule(rule, data, bank.hashes, unknown_scores(rule, cosines, confidence))


def _cosines_to_others(
    bank: FeatureBank, fitted: LabelledFeatures, features: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The cosines of images to those of the bank, -1 for those that show the same thing, such as the image itself."""
    row_of = {example.sha256: row for row, example in enumerate(fitted.examples)}
    kept = fitted.features[[row_of[sha256] for sha256 in bank.hashes]]
    return np.where(normalize(features) @ normalize(kept).T >= _SAME_COSINE, -1, bank.cosines(features))


def fit_prediction_sets(known: Known) -> PredictionSets | None:
    """Fit sets that contain the class of `COVERAGE` of the images of every class, by split conformal prediction.

    The thresholds are those of Sadinle, Lei and Wasserman ("Least ambiguous set-valued classifiers with bounded error
    levels", JASA 2019), separately for each class. A class with too few images for its own has that of all images.

    Returns:
        The sets; None if there are too few images.
    """
    if len(known.labels) < MIN_IMAGES:
        return None
    own = known.probabilities[np.arange(len(known.labels)), known.labels]
    of_all = _threshold(own) or 0.0
    of_each = [_threshold(own[known.labels == label]) for label in range(known.probabilities.shape[1])]
    return PredictionSets(COVERAGE, tuple(of_all if one is None else one for one in of_each))


def _threshold(own: NDArray[np.float32]) -> float | None:
    """The probability that `COVERAGE` of further images reach, by those of n images; None if these are too few."""
    allowed = math.floor((len(own) + 1) * (1 - COVERAGE) + 1e-9)
    return None if not allowed else math.floor(float(np.sort(own)[allowed - 1]) * 1e6) / 1e6


def summarize(known: Known, fitted: FittedRule | None) -> OutOfSample | None:
    """What the head said of these images, or of a random sample of them; None if there are none."""
    confidence = known.probabilities.max(axis=1)
    scores = fitted.known_scores if fitted else 1 - confidence
    wrong = known.probabilities.argmax(axis=1) != known.labels
    rows = np.random.default_rng(0).permutation(len(confidence))[:MAX_OUT_OF_SAMPLE]
    rows = rows[np.argsort(-confidence[rows], kind="stable")]
    sure, unknown = (
        tuple(np.round(values[rows].astype(np.float64), SCORE_DIGITS).tolist()) for values in (confidence, scores)
    )
    return OutOfSample(sure, unknown, tuple(np.flatnonzero(wrong[rows]).tolist())) if len(rows) else None


def measured_sets(known: Known) -> tuple[float, float] | None:
    """The coverage of prediction sets and their mean size, on each of `_FOLDS` parts of the images by the others.

    Returns:
        Both; None if there are too few images.
    """
    part = np.random.default_rng(0).permutation(len(known.labels)) % _FOLDS
    covered = size = 0
    for number in range(_FOLDS):
        sets, rest = fit_prediction_sets(_select(known, part != number)), _select(known, part == number)
        if sets is None:
            return None
        inside = rest.probabilities >= np.asarray(sets.thresholds, np.float32)
        covered += int(inside[np.arange(len(rest.labels)), rest.labels].sum())
        size += int(inside.sum())
    return covered / len(part), size / len(part)


def _select(known: Known, rows: NDArray[np.bool_]) -> Known:
    return Known(known.features[rows], known.labels[rows], known.probabilities[rows])
