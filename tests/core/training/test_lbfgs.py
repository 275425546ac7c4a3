"""L-BFGS minimizes convex functions with about as many evaluations as SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from core.training.lbfgs import Function, Real, minimise


def _bowl(stretch: float, width: int = 30) -> tuple[Function, Real]:
    """A rotated quadratic with condition up to `stretch`, and its minimizer."""
    draw = np.random.default_rng(0)
    turn = np.linalg.qr(draw.normal(size=(width, width)))[0]
    steep = turn * np.geomspace(1, stretch, width) @ turn.T
    least = draw.normal(size=width)
    return lambda at: (float((at - least) @ steep @ (at - least)) / 2, steep @ (at - least)), least


def _logistic(at: Real) -> tuple[float, Real]:
    """The log loss of two inseparable classes with a weak penalty."""
    draw = np.random.default_rng(1)
    points, sides = draw.normal(size=(200, 20)), np.where(draw.random(200) < 0.5, -1.0, 1.0)
    margins = sides * (points @ at)
    slope = -(sides / (1 + np.exp(margins))) @ points / 200 + 1e-4 * at
    return float(np.mean(np.logaddexp(0, -margins)) + 5e-5 * at @ at), slope


@pytest.mark.parametrize("stretch", [1.0, 1e2, 1e4])
def test_the_minimum_of_a_quadratic_is_found(stretch: float) -> None:
    function, least = _bowl(stretch)
    found = minimise(function, np.zeros(30), gradient_tolerance=1e-8, max_steps=2000)
    assert np.allclose(found, least, atol=1e-6)


def test_the_result_and_the_number_of_evaluations_match_scipy() -> None:
    evaluations = 0

    def counted(at: Real) -> tuple[float, Real]:
        nonlocal evaluations
        evaluations += 1
        return _logistic(at)

    theirs = minimize(_logistic, np.zeros(20), jac=True, method="L-BFGS-B", options={"gtol": 1e-9, "ftol": 0})
    ours = minimise(counted, np.zeros(20), gradient_tolerance=1e-9, max_steps=1000)
    assert np.allclose(ours, theirs.x, atol=1e-6)
    assert evaluations < 2 * theirs.nfev


def test_it_stops_at_the_tolerance_and_at_the_maximum_of_steps() -> None:
    function, least = _bowl(1e4)
    assert np.array_equal(minimise(function, least, gradient_tolerance=1e-8, max_steps=10), least)
    assert np.array_equal(minimise(function, np.zeros(30), gradient_tolerance=1e-8, max_steps=0), np.zeros(30))
    rough = minimise(function, np.zeros(30), gradient_tolerance=1.0, max_steps=1000)
    assert 1e-3 < np.abs(function(rough)[1]).max() <= 1.0
    assert function(minimise(function, np.zeros(30), gradient_tolerance=0, max_steps=3))[0] < function(np.zeros(30))[0]


def test_it_stops_at_rounding_error() -> None:
    function, _ = _bowl(1e4)
    found = minimise(
        lambda at: (function(at)[0] + 1e9, function(at)[1]), np.zeros(30), gradient_tolerance=0, max_steps=10_000
    )
    assert function(found)[0] < 0.1 < function(np.zeros(30))[0]


def test_a_bad_first_step_is_shortened() -> None:
    """Beyond 1, the function overflows."""

    def wall(at: Real) -> tuple[float, Real]:
        with np.errstate(over="ignore"):
            return float(np.exp(1000 * at[0]) - at[0]), np.array([1000 * np.exp(1000 * at[0]) - 1])

    found = minimise(wall, np.array([-2.0]), gradient_tolerance=1e-6, max_steps=200)
    assert found[0] == pytest.approx(-np.log(1000) / 1000, abs=1e-6)
