"""The choice how a model makes images square: stretched, padded, or cropped to the centre.

A backbone has the way in which it was trained, whose features all its models share. Another is chosen only if it is
better beyond noise: if the log loss of heads of the recipe quick, by cross-validation on the training images, is lower
by more than twice the standard error of the mean difference. That is the one-standard-error rule of Breiman et al.
(1984, section 3.4.3), made stricter because two others are tried. All are compared on the same images, near-duplicates
held out together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.base.progress import CancelToken, ProgressCallback
from core.card import ResizeMode
from core.evaluation.calibration import Logits, fit_temperature, log_probabilities
from core.evaluation.multi_label import decisions
from core.training import multi_label, quick
from core.training.request import FitChoice, TrainRequest
from core.training.training_data import LabelledFeatures, TrainingData, compute, extractor_for, recomputed

FIT_CHOSEN: Final = "fit_chosen"
"""The key in a card's training: why images are made square as they are."""
FIT_LOSSES: Final = "fit_log_loss"
"""The key in a card's training: the log loss of each `ResizeMode`, if it was measured."""
_STANDARD_ERRORS: Final = 2.0
_FEWEST: Final = 20
"""With fewer images, a standard error means little."""

Losses = Mapping[ResizeMode, NDArray[np.float64]]
"""The log loss of each image [n], in nats, by how images are made square."""


@dataclass(frozen=True, slots=True)
class Better:
    """A way that is better than the backbone's own: its log loss is lower by `gain`, with this standard `error`."""

    fit: ResizeMode
    gain: float
    error: float


def choose_fit(
    data: TrainingData, request: TrainRequest, *, report: ProgressCallback, token: CancelToken
) -> TrainingData:
    """The training data with the features of the best way to make images square, if the user asks for it.

    Validation and test images do not count.

    Args:
        data: the training data, with images made square as the backbone was trained.
        request: the training request.
        report: called for each stage.
        token: checked frequently.

    Raises:
        ProviderError: the engine cannot be opened or failed while running.
        ModelError: the backbone is damaged.
        DatasetError: the head would have too many weights to fit.
        Cancelled: the token was cancelled; features computed so far are kept.
    """
    if request.fit is not FitChoice.AUTO:
        return data
    own = data.backbone.card.preprocessing.fit
    losses = measure_fits(data, request, report=report, token=token)
    found = better_fit(losses, own)
    if found:
        backbone = data.backbone.with_fit(found.fit)
        data = recomputed(data, request, backbone, report=report, token=token)
    return replace(data, fit_facts=_facts(losses, own, found))


def measure_fits(data: TrainingData, request: TrainRequest, *, report: ProgressCallback, token: CancelToken) -> Losses:
    """The log loss of training images by cross-validation, the same ones each time; empty if there are too few.

    At most `quick.MAX_TRIED` images are used. Arguments and errors are those of `choose_fit`.
    """
    chosen = data.train.select(quick.sample(data.train.compared, request.seed).tolist())
    groups, found = quick.near_duplicate_groups(chosen.features), {}
    for fit in ResizeMode:
        part, rows = _with_fit(data, chosen, fit, request, report, token)
        held_out, losses = _cross_validated(part, groups[rows], request, report, token)
        found[fit] = dict(zip(rows[held_out].tolist(), losses.tolist(), strict=True))
    common = sorted(set.intersection(*(set(each) for each in found.values())))
    if len(common) < _FEWEST:
        return {}
    return {fit: np.array([each[row] for row in common]) for fit, each in found.items()}


def _with_fit(
    data: TrainingData,
    images: LabelledFeatures,
    fit: ResizeMode,
    request: TrainRequest,
    report: ProgressCallback,
    token: CancelToken,
) -> tuple[LabelledFeatures, NDArray[np.int64]]:
    """The images that can be read, with features for a way to make them square, and their rows."""
    if fit is data.backbone.card.preprocessing.fit:
        return images, np.arange(len(images))
    source = extractor_for(request, data.backbone.with_fit(fit))
    table = compute(images.examples, source, report=report, token=token)
    return images.select(table.rows.tolist(), table.features), table.rows


def _cross_validated(
    images: LabelledFeatures,
    groups: NDArray[np.int64],
    request: TrainRequest,
    report: ProgressCallback,
    token: CancelToken,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The rows of images that could be held out, and their log losses; of several classes, their mean."""
    features, seed = images.features, request.seed
    if images.labels.ndim == 2:
        tried = multi_label.cross_validate(features, images.labels, seed=seed, report=report, token=token)
        rows, logits = multi_label.out_of_fold(features, images.labels, tried.best_c, token=token)
        losses = _log_losses(*decisions(logits, images.labels[rows]))
        return rows, losses.reshape(len(rows), -1).mean(axis=1)
    labels = np.unique(images.labels, return_inverse=True)[1]
    tried = quick.cross_validate(features, labels, seed=seed, report=report, token=token, kind=request.head)
    rows, logits = quick.out_of_fold(features, labels, tried.best_c, token=token, kind=request.head, groups=groups)
    return rows, _log_losses(logits, labels[rows])


def _log_losses(logits: Logits, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The log loss of each row [n] after temperature scaling, in nats."""
    if not len(labels):
        return np.empty(0)
    scores = logits.astype(np.float64)
    return -log_probabilities(scores, fit_temperature(logits, labels))[np.arange(len(labels)), labels]


def better_fit(losses: Losses, own: ResizeMode) -> Better | None:
    """The way with the lowest log loss, if it is better than the backbone's own beyond noise."""
    if not losses:
        return None
    best = min(losses, key=lambda fit: float(losses[fit].mean()))
    gains = losses[own] - losses[best]
    error = float(gains.std(ddof=1)) / math.sqrt(len(gains))
    gain = float(gains.mean())
    return Better(best, gain, error) if gain > _STANDARD_ERRORS * error else None


def _facts(losses: Losses, own: ResizeMode, found: Better | None) -> dict[str, Any]:
    """What was measured, for the card."""
    if not losses:
        return {FIT_CHOSEN: f"{own}, as the backbone was trained: too few training images for cross-validation"}
    means = {fit.value: round(float(each.mean()), 4) for fit, each in losses.items()}
    figures = ", ".join(f"{loss:.3f} {fit}" for fit, loss in means.items())
    measured = f"log loss {figures}, by {quick.FOLDS}-fold cross-validation on {len(losses[own]):,} training images"
    if found is None:
        chosen, why = f"{own}, as the backbone was trained", f"none is lower by {_STANDARD_ERRORS:g} standard errors"
    else:
        chosen, why = found.fit.value, f"{found.gain:.3f} lower than {own}, standard error {found.error:.3f}"
    return {FIT_CHOSEN: f"{chosen}: {measured}; {why}", FIT_LOSSES: means}
