"""How long each recipe would take on this machine: what can be measured in some seconds is, and each answer says so."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.base.errors import FoveaError
from core.base.progress import CancelToken, Progress
from core.datasets.dataset import Example, read_dataset
from core.datasets.problems import pluralize
from core.datasets.split import split
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features
from core.models.library import Library
from core.services.timing_history import local_costs
from core.services.training_values import Forecast
from core.training.quick import FOLDS, check_weights
from core.training.recipe_defaults import DEFAULTS
from core.training.request import Recipe, TrainRequest
from core.training.trainer_program import find_program
from core.training.training_data import backbone_of, extractor_of

_MEASURED_S: Final = 3.0
"""How long the engine is watched; what it computes meanwhile is kept, so that no time is lost."""
_BATCH_SIZE: Final = 32
"""Images that it is given at once."""
_ASKED_AT_ONCE: Final = 500
_CHOSEN_FROM: Final = 1000
"""Images among which quick chooses its strength; `core.training.quick` has it so."""
_STEPS: Final = (750, 30)
"""Evaluations of the objective: choosing the strength, and fitting one head. Counted on 130 to 3,000 images."""
_MIN_STEP_S: Final = 1e-4
_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class _FeatureCost:
    """What the engine has to do before any recipe can begin.

    Attributes:
        seconds: how long that takes.
        image_s: how long one image takes; 0 where none was to be looked at.
        basis: where that is known from.
    """

    seconds: float
    image_s: float
    basis: str


@dataclass(frozen=True, slots=True)
class _Size:
    """How large a training is: images to learn from, validate and test with, features of each, and classes."""

    train: int
    validation: int
    test: int
    width: int
    classes: int

    @property
    def images(self) -> int:
        return self.train + self.validation + self.test


def forecast_recipes(request: TrainRequest, library: Library, *, token: CancelToken) -> tuple[Forecast, ...]:
    """How long each recipe would take, in the order of `Recipe`.

    Args:
        request: what is to be trained; its recipe does not matter.
        library: where the backbone is.
        token: looked at all the time.

    Raises:
        DatasetError: nothing can be learnt from the folder, or it cannot be divided as asked.
        ProviderError: the engine cannot be opened.
        ModelError: the backbone is missing or damaged.
        Cancelled: the token was cancelled; features computed so far are kept.
    """
    backbone = backbone_of(library)
    dataset = read_dataset(request.folder, report=_ignore_progress, token=token)
    divided = split(dataset, validation=request.validation, test=request.test, train=request.train, seed=request.seed)
    size = _Size(
        train=len(divided.train),
        validation=len(divided.validation),
        test=len(divided.test),
        width=backbone.card.feature_width,
        classes=len(dataset.classes),
    )
    used = np.concatenate([divided.train, divided.validation, divided.test])
    source = extractor_of(backbone, request.provider, request.precision)
    feature_cost = _feature_cost([dataset.examples[at] for at in used.tolist()], source, token)
    head_s = _head_s(size)
    return tuple(_forecast(replace(request, recipe=recipe), size, feature_cost, head_s) for recipe in Recipe)


def _ignore_progress(_: Progress) -> None:
    return None


# ---- the engine


def _feature_cost(images: Sequence[Example], source: FeatureExtractor, token: CancelToken) -> _FeatureCost:
    with FeatureStore() as store:
        missing = list(_missing(images, source, store))
        if not missing:
            return _FeatureCost(0.0, 0.0, f"The features of all {pluralize(len(images))} are kept from before.")
        engine = source.open()
        opened, done, elapsed = replace(source, open=lambda: engine), 0, 0.0
        while done < len(missing) and elapsed < _MEASURED_S:
            started = time.perf_counter()
            group = missing[done : done + _BATCH_SIZE]
            compute_features(group, opened, store, report=_ignore_progress, token=token)
            done, elapsed = done + len(group), elapsed + time.perf_counter() - started
    each, left = elapsed / done, len(missing) - done
    basis = f"{pluralize(left)} still to be looked at, {each * 1000:.0f} ms each, measured on {done:,} of them."
    opening_s = engine.opening_ms / 1000 if left else 0.0
    return _FeatureCost(opening_s + left * each, each, basis)


def _missing(images: Sequence[Example], extractor: FeatureExtractor, store: FeatureStore) -> Iterator[Example]:
    """The images without features, in an order in which any first ones stand for all."""
    without = []
    for start in range(0, len(images), _ASKED_AT_ONCE):
        some = images[start : start + _ASKED_AT_ONCE]
        kept = store.get(extractor.kind, [image.sha256 for image in some])
        without += [image for image in some if image.sha256 not in kept]
    yield from sorted(without, key=lambda image: image.sha256)


# ---- the head


def _head_s(size: _Size) -> float:
    """How long the recipe quick fits, by what one step of each size takes here."""
    choosing, fitting = _STEPS
    tried = min(size.train, _CHOSEN_FROM)
    heads = (size.train, size.images) if size.images > size.train else (size.train,)
    unseen = (min(size.images, _CHOSEN_FROM) * (FOLDS - 1) // FOLDS,) * FOLDS  # for predictions out of fold
    return _fit_s(tried, size, choosing) + sum(_fit_s(max(count, 1), size, fitting) for count in (*heads, *unseen))


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
    """How long the axes that the images span take, which grows with the square of their number."""
    some = min(count, _ROWS)
    images = np.random.default_rng(0).random((width, some))
    started = time.perf_counter()
    np.linalg.qr(images)
    return (time.perf_counter() - started) * (count / some) ** 2


# ---- the recipes


def _forecast(request: TrainRequest, size: _Size, feature_cost: _FeatureCost, head_s: float) -> Forecast:
    try:
        if request.recipe is not Recipe.DENSE:
            check_weights(size.train, size.width, size.classes)
        if request.recipe is not Recipe.QUICK:
            find_program()
    except FoveaError as error:
        return Forecast(request.recipe, None, error=error)
    if request.recipe is Recipe.QUICK:
        basis = f"{feature_cost.basis} Fitting the head was timed by its steps."
        return Forecast(request.recipe, feature_cost.seconds + head_s, basis)
    costs, seen_here = local_costs(request)
    defaults = DEFAULTS[request.recipe.value]
    epochs = defaults.epochs if request.epochs is None else request.epochs
    seconds = feature_cost.seconds + costs.start + costs.image * size.train * epochs + costs.end
    if request.recipe is Recipe.DENSE:
        seconds += costs.image * size.images * epochs  # the head that is installed learns from all images
    else:
        seconds += head_s + feature_cost.image_s * (
            size.validation + size.test
        )  # seen anew by the backbone that was trained
    known = "as the last such training here" if seen_here else "as one elsewhere, by how fast this machine computes"
    return Forecast(request.recipe, seconds, f"{feature_cost.basis} {pluralize(epochs, 'epoch')}, {known}.")
