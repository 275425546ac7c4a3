"""The recipe of `everyday`'s head: folding, grouping, and figures checked against others' formulas."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from core.paths import shipped_models


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    """The script beside the models; they are data, so it is no package's module."""
    name = "linear_head"
    spec = importlib.util.spec_from_file_location(name, shipped_models() / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _photos(apart: float, count: int = 60, width: int = 90) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features of three classes whose means lie `apart` standard deviations from the middle, on uneven scales."""
    random = np.random.default_rng(4)
    labels = np.arange(count) % 3
    means = random.normal(0, 1, (3, width))
    means *= apart / np.linalg.norm(means, axis=1, keepdims=True)
    features = (means[labels] + random.normal(0, 1, (count, width))) * random.uniform(0.01, 5, width) + 3
    return features.astype(np.float32), labels


@pytest.mark.parametrize("balanced", [False, True])
def test_the_folded_head_answers_like_scaler_and_regression(recipe: ModuleType, balanced: bool) -> None:
    features, labels = _photos(2.0)
    labels[:20] = 0  # so that balance matters
    plain = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=0.1, class_weight="balanced" if balanced else None, max_iter=10_000, tol=1e-6),
    ).fit(features.astype(np.float64), labels)
    head = recipe.fit(features, labels, recipe.Setting(0.1, balanced))
    np.testing.assert_allclose(head.logits(features), plain.decision_function(features), atol=2e-3)


def test_photos_of_the_same_thing_are_linked_also_through_a_third(recipe: ModuleType) -> None:
    angles = np.deg2rad([0, 25, 50, 120])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    groups = recipe.things(features)
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_judging_sees_what_is_learnable_and_what_is_not(recipe: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "_STRENGTHS", (0.1,))
    monkeypatch.setattr(recipe, "SPLITS", 2)
    monkeypatch.setattr(recipe, "_INNER_SPLITS", 1)
    monkeypatch.setattr(recipe, "_ALIKE", 1.01)
    with threadpool_limits(1):  # matrices this small only wait for threads
        clear = recipe.judge(*_photos(12.0), seed=0)
        noise = recipe.judge(*_photos(0.0), seed=0)
    assert clear.accuracy > 0.95
    assert 0.15 < noise.accuracy < 0.55
    assert noise.temperature > 2 * clear.temperature
    assert noise.log_loss > 1 > clear.log_loss
    low, high = clear.interval
    assert 0.9 < low < clear.accuracy <= high + 1e-9  # rounding: all 60 may be right


def test_wilson_s_interval(recipe: ModuleType) -> None:
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    assert recipe._wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert recipe._wilson(0.0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
