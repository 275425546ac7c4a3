"""Activation statistics of a network, and quantization ranges."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine import golden
from core.exporting.activation_observer import ActivationObserver, observe_activations
from core.models import joined
from tests import tiny

IMAGES = golden.golden_inputs(tiny.SIZE)


def _rounded(numbers: np.ndarray, low: float, high: float) -> np.ndarray:
    step = (high - low) / 255
    return np.clip(np.round((numbers - low) / step), 0, 255) * step + low


def _error(numbers: np.ndarray, low: float, high: float) -> float:
    return float((np.abs(_rounded(numbers, low, high) - numbers) ** 1.5).mean())


def _best(numbers: np.ndarray) -> tuple[float, float]:
    """The range of values observed in several images, each small enough to be sampled completely."""
    ranges = ActivationObserver()
    for image in np.array_split(numbers.astype(np.float32), max(1, len(numbers) // 1000)):
        ranges.update("it", image)
    return ranges.stats().ranges["it"]


def test_every_tensor_around_the_operators_is_observed() -> None:
    model = tiny.backbone_proto()
    before = joined.serialise(model)
    observed = observe_activations(model, IMAGES, ("Conv", "Relu"))
    assert set(observed.ranges) == {"planes", "convolved", "feature_map"}
    assert set(observed.means) == {"planes"}
    np.testing.assert_allclose(observed.means["planes"], IMAGES.mean(axis=(0, 1, 2)), rtol=1e-6)
    assert joined.serialise(model) == before
    assert observe_activations(model, IMAGES, ("Conv", "Relu")).ranges == observed.ranges


def test_ranges_include_zero_and_the_values() -> None:
    draw = np.random.default_rng(0)
    low, high = _best(draw.uniform(2, 3, 10_000))
    assert low == 0.0
    assert high == pytest.approx(3, abs=0.01)
    low, high = _best(draw.uniform(-3, -2, 10_000))
    assert high == 0.0
    assert low == pytest.approx(-3, abs=0.01)


def test_a_tensor_of_zeros_has_a_range() -> None:
    assert _best(np.zeros(100)) == (0.0, 0.0)


def test_rare_outliers_are_clipped() -> None:
    numbers = np.random.default_rng(0).normal(0, 1, 200_000)
    numbers[:2] = 500
    low, high = _best(numbers)
    assert low > -6
    assert high < 50
    assert _error(numbers, low, high) < 0.5 * _error(numbers, float(numbers.min()), 500)


def test_frequent_outliers_are_included() -> None:
    numbers = np.random.default_rng(0).normal(0, 1, 20_000)
    numbers[::500] = 50
    assert _best(numbers)[1] == pytest.approx(50)


def test_the_range_is_nearly_optimal() -> None:
    """Compared with all other candidate ends, by the actual rounding loss."""
    numbers = np.random.default_rng(1).laplace(0, 1, 100_000)
    low, high = _best(numbers)
    ends = [part * float(np.abs(numbers).max()) for part in np.linspace(0.05, 1, 60)]
    assert _error(numbers, low, high) < 1.1 * min(_error(numbers, -end, end) for end in ends)


def test_the_values_of_all_images_are_combined() -> None:
    ranges = ActivationObserver()
    for number in range(1, 5):
        ranges.update("it", np.full((1, 8), number, np.float32))
    low, high = ranges.stats().ranges["it"]
    assert low == 0.0
    assert high == pytest.approx(4, rel=0.1)
