"""The head of the model `everyday`: multinomial logistic regression on features, chosen and judged by cross-validation.

Photos of the same thing are kept in the same fold, or the judgement would flatter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse.csgraph import connected_components
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from core.library.heads import LinearHead, softmax

Features = NDArray[np.float32]
Labels = NDArray[np.int64]

_STRENGTHS: Final = (0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0)
_ALIKE: Final = 0.85
"""Cosine of features from which two photos count as showing the same thing."""

FOLDS: Final = 10
SPLITS: Final = 5
"""How many ways of dealing the photos into folds are averaged; one alone may be lucky."""

_INNER_FOLDS: Final = 5
_INNER_SPLITS: Final = 2
_WILSON_Z: Final = 1.959964
"""The normal quantile of a 95 % interval."""

_KNOWN_SHARE: Final = 5
"""Percentage of rightly named photos that may fall under the threshold of "none of my classes"."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What cross-validation chooses: scikit-learn's C, and whether rare classes weigh as much as common ones."""

    strength: float
    balanced: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """How good heads fitted in this way are on photos they were not fitted to.

    Attributes:
        accuracy: share of photos named rightly, the mean over all splits.
        interval: Wilson's 95 % interval of it, for as many photos as there are.
        groups: how many different things the photos show.
        temperature: what logits are divided by for honest probabilities (Guo et al. 2017, arXiv:1706.04599).
        log_loss: mean of -log of the calibrated probability of the right class.
        unknown_below: the confidence that 95 % of the rightly named photos reach.
    """

    accuracy: float
    interval: tuple[float, float]
    groups: int
    temperature: float
    log_loss: float
    unknown_below: float


def fit(features: Features, labels: Labels, setting: Setting) -> LinearHead:
    """Logistic regression on standardised features, the standardising folded into the head's weights."""
    scaler = StandardScaler().fit(features)
    standard = scaler.transform(features)
    # With an L2 penalty the best weights lie in the span of the photos: far fewer axes than features.
    axes = np.linalg.qr(standard.T)[0].T
    regression = LogisticRegression(
        C=setting.strength, class_weight="balanced" if setting.balanced else None, max_iter=10_000, tol=1e-6
    ).fit(standard @ axes.T, labels)
    weights = (regression.coef_ @ axes / scaler.scale_).T
    bias = regression.intercept_ - scaler.mean_ @ weights
    return LinearHead(weights.astype(np.float32), bias.astype(np.float32))


def choose(features: Features, labels: Labels, seed: int, folds: int = FOLDS, splits: int = SPLITS) -> Setting:
    """The setting that names most held-out photos rightly over all splits; among equals, the least log loss."""
    settings = [Setting(strength, balanced) for strength in _STRENGTHS for balanced in (False, True)]
    groups = things(features)

    def cost(setting: Setting) -> tuple[int, float]:
        wrong, loss = 0, 0.0
        for split in range(seed, seed + splits):
            logits = _held_out(features, labels, groups, split, folds, lambda *_: setting)
            wrong += int(np.sum(logits.argmax(axis=1) != labels))
            loss += _log_loss(logits, labels, _temperature(logits, labels))
        return wrong, loss

    return min(settings, key=cost)


def judge(features: Features, labels: Labels, seed: int) -> Judgement:
    """Judge the whole way of making a head, its choice of a setting included (nested cross-validation)."""
    groups = things(features)

    def chosen(x: Features, y: Labels) -> Setting:
        return choose(x, y, seed, _INNER_FOLDS, _INNER_SPLITS)

    splits = range(seed, seed + SPLITS)
    logits = np.concatenate([_held_out(features, labels, groups, split, FOLDS, chosen) for split in splits])
    wanted = np.tile(labels, SPLITS)
    temperature = _temperature(logits, wanted)
    probabilities = softmax(logits, temperature)
    right = probabilities.argmax(axis=1) == wanted
    return Judgement(
        accuracy=float(right.mean()),
        interval=_wilson(float(right.mean()), len(labels)),
        groups=len(set(groups.tolist())),
        temperature=temperature,
        log_loss=_log_loss(logits, wanted, temperature),
        unknown_below=float(np.percentile(probabilities.max(axis=1)[right], _KNOWN_SHARE)),
    )


def things(features: Features) -> Labels:
    """A number for each photo, the same for photos that are linked by features too much alike."""
    directions = features / np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(connected_components(directions @ directions.T >= _ALIKE, directed=False)[1], np.int64)


def _held_out(
    features: Features,
    labels: Labels,
    groups: Labels,
    seed: int,
    folds: int,
    setting: Callable[[Features, Labels], Setting],
) -> NDArray[np.float32]:
    """Logits of every photo by a head that was fitted without it; `setting` sees only what the head is fitted to."""
    logits = np.empty((len(labels), labels.max() + 1), np.float32)
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for fitted, held in split.split(features, labels, groups):
        x, y = features[fitted], labels[fitted]
        logits[held] = fit(x, y, setting(x, y)).logits(features[held])
    return logits


def _temperature(logits: NDArray[np.float32], labels: Labels) -> float:
    """The temperature with the least log loss, to four digits."""
    found = minimize_scalar(lambda power: _log_loss(logits, labels, math.exp(power)), bounds=(-3, 3), method="bounded")
    return round(math.exp(found.x), 4)


def _log_loss(logits: NDArray[np.float32], labels: Labels, temperature: float) -> float:
    right = softmax(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(right, 1e-12)).mean())


def _wilson(share: float, count: int) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share found in `count` trials."""
    z = _WILSON_Z
    middle = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return (middle - half) / scale, (middle + half) / scale
