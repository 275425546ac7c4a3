"""Temperature and calibration error against scikit-learn and explicit definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn.metrics import log_loss as reference_log_loss

from core.base.errors import DatasetError, ModelError
from core.evaluation.calibration import BINS, calibration, fit_temperature, log_loss, temperature_scaled_softmax


def sample(
    count: int, classes: int, temperature: float, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits that are calibrated at exactly this temperature: labels are drawn from their probabilities."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 4, (count, classes)).astype(np.float32)
    draws = temperature_scaled_softmax(logits.astype(np.float64), temperature).cumsum(axis=1) < generator.random(
        (count, 1)
    )
    return logits, np.minimum(draws.sum(axis=1), classes - 1)


@st.composite
def logits_and_labels(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Any finite logits and any labels."""
    shape = draw(st.tuples(st.integers(1, 30), st.integers(2, 7)))
    logits = draw(arrays.arrays(np.float32, shape, elements=st.floats(-1000, 1000, width=32)))
    labels = draw(arrays.arrays(np.int64, shape[:1], elements=st.integers(0, shape[1] - 1)))
    return logits, labels


@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_the_true_temperature_is_recovered(temperature: float) -> None:
    logits, labels = sample(20_000, 8, temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.03)


@pytest.mark.parametrize("temperature", [0.3, 3.0])
def test_the_fitted_temperature_gives_calibrated_probabilities(temperature: float) -> None:
    logits, labels = sample(20_000, 8, temperature)
    assert calibration(logits, labels, 1.0).ece > 0.05
    assert calibration(logits, labels, fit_temperature(logits, labels)).ece < 0.015


@settings(max_examples=200, deadline=None)
@given(logits_and_labels())
def test_fitting_never_raises_the_log_loss(case: tuple[NDArray[np.float32], NDArray[np.int64]]) -> None:
    temperature = fit_temperature(*case)
    assert 0.0499 < temperature < 20.001
    assert log_loss(*case, temperature) <= log_loss(*case, 1.0)


@settings(max_examples=200, deadline=None)
@given(logits_and_labels(), st.floats(0.05, 20))
def test_the_calibration_error_is_a_fraction_and_bins_cover_all_images(
    case: tuple[NDArray[np.float32], NDArray[np.int64]], temperature: float
) -> None:
    found = calibration(*case, temperature)
    assert 0 <= found.ece <= 1
    assert sum(one.images for one in found.bins) == len(case[1])
    for one in found.bins:
        assert one.low < one.confidence <= one.high + 1e-12
        assert 0 <= one.accuracy <= 1


def test_many_correct_predictions_do_not_give_infinite_confidence() -> None:
    """With two classes and equal gaps the mean confidence must be (n + 1) / (n + 2): Platt's target."""
    logits = np.array([[1.0, 0.0]] * 30, np.float32)
    temperature = fit_temperature(logits, np.zeros(30, np.int64))
    assert temperature_scaled_softmax(logits.astype(np.float64), temperature)[0, 0] == pytest.approx(31 / 32, abs=1e-4)


def test_constant_logits_keep_temperature_one() -> None:
    assert fit_temperature(np.ones((4, 3), np.float32), np.array([0, 1, 2, 0])) == 1.0


def test_log_loss_is_scikit_learns() -> None:
    logits, labels = sample(500, 5, 2.0)
    probabilities = temperature_scaled_softmax(logits.astype(np.float64), 2.0)
    assert log_loss(logits, labels, 2.0) == pytest.approx(reference_log_loss(labels, probabilities), rel=1e-9)


def test_a_certain_mistake_costs_much_but_not_infinitely() -> None:
    logits = np.array([[0.0, 5000.0]], np.float32)
    assert log_loss(logits, np.array([0])) == pytest.approx(5000)


def test_the_calibration_error_is_its_definition() -> None:
    logits, labels = sample(2000, 4, 2.0)
    probabilities = temperature_scaled_softmax(logits.astype(np.float64), 1.0)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    expected = 0.0
    for number in range(BINS):
        inside = [i for i, sure in enumerate(confidence) if number / BINS < sure <= (number + 1) / BINS]
        if inside:
            expected += len(inside) / len(labels) * abs(right[inside].mean() - confidence[inside].mean())
    assert calibration(logits, labels, 1.0).ece == pytest.approx(expected, abs=1e-12)


def test_full_confidence_belongs_to_the_last_bin() -> None:
    (only,) = calibration(np.array([[1000.0, 0.0]], np.float32), np.array([0]), 1.0).bins
    assert (only.low, only.high, only.images, only.confidence, only.accuracy) == (14 / 15, 1.0, 1, 1.0, 1.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite_are_counted_and_rejected(bad: float) -> None:
    logits = np.zeros((3, 2), np.float32)
    logits[1, 1] = bad
    with pytest.raises(ModelError, match="output for 1 of 3 images is not a number"):
        fit_temperature(logits, np.zeros(3, np.int64))


def test_no_images_are_an_error() -> None:
    with pytest.raises(DatasetError, match="no images"):
        calibration(np.zeros((0, 2), np.float32), np.zeros(0, np.int64), 1.0)


@pytest.mark.parametrize(
    ("shape", "labels"), [((2, 3), [0]), ((2, 1), [0, 0]), ((2,), [0, 0]), ((1, 3), [3]), ((1, 3), [-1])]
)
def test_mismatched_shapes_are_rejected(shape: tuple[int, ...], labels: list[int]) -> None:
    with pytest.raises(ValueError, match="labels"):
        log_loss(np.zeros(shape, np.float32), np.array(labels))
