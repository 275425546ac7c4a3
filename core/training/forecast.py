"""Forecasts how long each recipe would take on this machine, from measurements of a few seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.base.errors import FoveaError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, Progress
from core.card import ResizeMode
from core.datasets.labelled_image import LabelledImage
from core.datasets.split import split
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features
from core.models.library import Library
from core.models.values import InstalledBackbone
from core.training.backbones import requested_backbone
from core.training.extension import check_extension
from core.training.multi_label import check_labels
from core.training.quick import FOLDS, MAX_TRIED, check_weights
from core.training.recipe_defaults import DEFAULTS
from core.training.request import FitChoice, Recipe, TrainRequest
from core.training.timing_history import local_costs
from core.training.trainer_program import find_program
from core.training.training_data import extractor_of, read_labelled
from core.training.values import Forecast

_MEASURED_S: Final = 3.0
"""How long the engine is measured; the features it computes meanwhile are kept, so no time is lost."""
_BATCH_SIZE: Final = 32
"""Images per measurement."""
_ASKED_AT_ONCE: Final = 500
_STEPS: Final = (750, 30)
"""Evaluations of the objective to choose the regularisation, and to fit one head; counted on 130 to 3,000 images."""
_MIN_STEP_S: Final = 1e-4
_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class _FeatureCost:
    """The cost of the missing features, which every recipe needs first.

    Attributes:
        seconds: the total time.
        image_s: the time per image; 0 if no features were missing.
        basis: how that was measured, for the user.
    """

    seconds: float
    image_s: float
    basis: str


@dataclass(frozen=True, slots=True)
class _Size:
    """The size of a training: numbers of training, validation and test images, features per image, and classes."""

    train: int
    validation: int
    test: int
    width: int
    classes: int

    @property
    def images(self) -> int:
        return self.train + self.validation + self.test


def forecast_recipes(request: TrainRequest, library: Library, *, token: CancelToken) -> tuple[Forecast, ...]:
    """Forecast the duration of each recipe, in the order of `Recipe`.

    Args:
        request: what to train; its recipe does not matter.
        library: where the backbone is.
        token: cancels the measurement.

    Raises:
        DatasetError: no model can be trained with the folder, or it cannot be split as requested.
        ProviderError: the engine cannot be opened.
        ModelError: the backbone is missing or damaged.
        Cancelled: the token was cancelled; features computed so far are kept.
    """
    backbone = requested_backbone(replace(request, recipe=Recipe.QUICK), library)
    dataset = read_labelled(replace(request, hierarchy=None), report=_ignore_progress, token=token)
    divided = split(dataset, validation=request.validation, test=request.test, train=request.train, seed=request.seed)
    size = _Size(
        train=len(divided.train),
        validation=len(divided.validation),
        test=len(divided.test),
        width=backbone.card.feature_width,
        classes=len(dataset.classes),
    )
    used = np.concatenate([divided.train, divided.validation, divided.test])
    images, head_s = [dataset.examples[at] for at in used.tolist()], _head_s(size)
    feature_cost = _feature_cost(images, extractor_of(backbone, request.provider, request.precision), token)
    if request.fit is FitChoice.AUTO:
        feature_cost = _with_other_fits(feature_cost, images[: size.train], request, backbone, token)
        head_s *= 1 + len(ResizeMode)
    return tuple(_forecast(replace(request, recipe=recipe), size, feature_cost, head_s) for recipe in Recipe)


def _ignore_progress(_: Progress) -> None:
    return None


# ---- the engine


def _feature_cost(images: Sequence[LabelledImage], source: FeatureExtractor, token: CancelToken) -> _FeatureCost:
    with FeatureStore() as store:
        missing = list(_missing(images, source, store))
        if not missing:
            basis = tr_n(
                "The features of {count:,} photo are already computed.",
                "The features of all {count:,} photos are already computed.",
                len(images),
            )
            return _FeatureCost(0.0, 0.0, basis)
        engine = source.open()
        opened, done, elapsed = replace(source, open=lambda: engine), 0, 0.0
        while done < len(missing) and elapsed < _MEASURED_S:
            started = time.perf_counter()
            group = missing[done : done + _BATCH_SIZE]
            compute_features(group, opened, store, report=_ignore_progress, token=token)
            done, elapsed = done + len(group), elapsed + time.perf_counter() - started
    each, left = elapsed / done, len(missing) - done
    basis = _measured_text(left, done, each * 1000)
    opening_s = engine.opening_ms / 1000 if left else 0.0
    return _FeatureCost(opening_s + left * each, each, basis)


def _with_other_fits(
    cost: _FeatureCost,
    images: Sequence[LabelledImage],
    request: TrainRequest,
    backbone: InstalledBackbone,
    token: CancelToken,
) -> _FeatureCost:
    """The cost if training images, at most `MAX_TRIED`, are also made square in the other ways."""
    others = [backbone.with_fit(fit) for fit in ResizeMode if fit is not backbone.card.preprocessing.fit]
    sources = [extractor_of(one, request.provider, request.precision) for one in others]
    found = [_feature_cost(images[:MAX_TRIED], source, token) for source in sources]
    basis = tr("Two more ways of making photos square are tried.")
    return replace(cost, seconds=cost.seconds + sum(one.seconds for one in found), basis=f"{cost.basis} {basis}")


def _measured_text(left: int, done: int, each_ms: float) -> str:
    if not left:
        return tr_n(
            "The features of {count:,} photo were computed just now, in {each_ms:.0f} ms.",
            "The features of {count:,} photos were computed just now, {each_ms:.0f} ms each.",
            done,
            each_ms=each_ms,
        )
    return tr_n(
        "{count:,} photo left to process in {each_ms:.0f} ms, measured on {done:,} photos.",
        "{count:,} photos left to process, {each_ms:.0f} ms each, measured on {done:,} photos.",
        left,
        each_ms=each_ms,
        done=done,
    )


def _missing(
    images: Sequence[LabelledImage], extractor: FeatureExtractor, store: FeatureStore
) -> Iterator[LabelledImage]:
    """The images without features, shuffled by hash so that the first ones are representative."""
    without = []
    for start in range(0, len(images), _ASKED_AT_ONCE):
        some = images[start : start + _ASKED_AT_ONCE]
        kept = store.get(extractor.kind, [image.sha256 for image in some])
        without += [image for image in some if image.sha256 not in kept]
    yield from sorted(without, key=lambda image: image.sha256)


# ---- the head


def _head_s(size: _Size) -> float:
    """The fitting time of the recipe quick, from the measured time of one step of each size."""
    choosing, fitting = _STEPS
    tried = min(size.train, MAX_TRIED)
    heads = (size.train, size.images) if size.images > size.train else (size.train,)
    folds = (min(size.images, MAX_TRIED) * (FOLDS - 1) // FOLDS,) * FOLDS  # for out-of-fold predictions
    return _fit_s(tried, size, choosing) + sum(_fit_s(max(count, 1), size, fitting) for count in (*heads, *folds))


def _fit_s(count: int, size: _Size, steps: int) -> float:
    rows, axes = min(count, _ROWS), min(count, size.width)
    draw = np.random.default_rng(0)
    points, weights = draw.random((rows, axes)), draw.random((size.classes, axes))
    started = time.perf_counter()
    scores = points @ weights.T
    scores.T @ points
    step_s = max(_MIN_STEP_S, (time.perf_counter() - started) * count / rows)
    return steps * step_s + (_axes_s(count, size.width) if count < size.width else 0.0)


def _axes_s(count: int, width: int) -> float:
    """The time to orthogonalise the images' features, which grows with the square of their number."""
    some = min(count, _ROWS)
    images = np.random.default_rng(0).random((width, some))
    started = time.perf_counter()
    np.linalg.qr(images)
    return (time.perf_counter() - started) * (count / some) ** 2


# ---- the recipes


def _forecast(request: TrainRequest, size: _Size, feature_cost: _FeatureCost, head_s: float) -> Forecast:
    try:
        check_extension(request)
        check_labels(request)
        if request.recipe is not Recipe.DENSE:
            check_weights(size.train, size.width, size.classes)
        if request.recipe is not Recipe.QUICK:
            find_program()
    except FoveaError as error:
        return Forecast(request.recipe, None, error=error)
    if request.recipe is Recipe.QUICK:
        fitting = tr("The training itself is estimated from a few steps.")
        return Forecast(request.recipe, feature_cost.seconds + head_s, f"{feature_cost.basis} {fitting}")
    costs, is_measured_here = local_costs(request)
    defaults = DEFAULTS[request.recipe.value]
    epochs = defaults.epochs if request.epochs is None else request.epochs
    seconds = feature_cost.seconds + costs.start + costs.image * size.train * epochs + costs.end
    if request.recipe is Recipe.DENSE:
        seconds += costs.image * size.images * epochs  # the head that is installed learns from all images
    else:
        # the fine-tuned backbone computes the features of these again
        seconds += head_s + feature_cost.image_s * (size.validation + size.test)
    return Forecast(
        request.recipe, seconds, f"{feature_cost.basis} {_epochs_text(epochs, is_measured_here=is_measured_here)}"
    )


def _epochs_text(epochs: int, *, is_measured_here: bool) -> str:
    if is_measured_here:
        return tr_n(
            "{count} epoch, timed by the last such training on this computer.",
            "{count} epochs, timed by the last such training on this computer.",
            epochs,
        )
    return tr_n(
        "{count} epoch, estimated from the speed of this computer.",
        "{count} epochs, estimated from the speed of this computer.",
        epochs,
    )
