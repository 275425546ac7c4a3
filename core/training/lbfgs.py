"""L-BFGS: the least of a smooth convex function of many numbers.

J. Nocedal, S. Wright, "Numerical Optimization", 2006: algorithm 7.4 for the direction; the step is found by bisection
(A. Lewis, M. Overton, "Nonsmooth optimization via quasi-Newton methods", 2013, algorithm 2.6), which in a convex
function always ends. A library's would do as well, but importing SciPy's takes longer than what is minimised here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Real: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Real], tuple[float, Real]]
"""Takes a point [n]; gives its value and its slope [n]."""

MEMORY: Final = 10
"""Steps from which the curvature is taken."""

_ARMIJO: Final = 1e-4
"""The share of the decrease promised by the slope that a step must bring."""
_CURVATURE: Final = 0.9
"""The share of the slope that may be left after a step."""
_MAX_TRIALS: Final = 50
_NO_DECREASE: Final = 64 * float(np.finfo(float).eps)
"""Relative to the value: beyond this, only rounding would be minimised."""


class _Iterate(NamedTuple):
    """A point with its value and slope."""

    point: Real
    value: float
    gradient: Real


def minimise(function: Function, start: Real, *, gradient_tolerance: float, max_steps: int) -> Real:
    """The point of least value, as nearly as asked.

    Args:
        function: smooth and convex.
        start: where to begin, [n].
        gradient_tolerance: the largest slope in any direction of the axes that is good enough.
        max_steps: after so many, the point reached is good enough.
    """
    current, steps = _Iterate(start, *function(start)), deque[tuple[Real, Real]](maxlen=MEMORY)
    for _ in range(max_steps):
        if np.abs(current.gradient).max() <= gradient_tolerance:
            break
        candidate = _step(
            function,
            current,
            _direction(current.gradient, steps),
            1.0 if steps else 1 / float(np.linalg.norm(current.gradient)),
        )
        if candidate is None:
            break
        steps.append((candidate.point - current.point, candidate.gradient - current.gradient))
        decrease, current = current.value - candidate.value, candidate
        if decrease <= _NO_DECREASE * max(abs(current.value), 1.0):
            break
    return current.point


def _direction(gradient: Real, steps: deque[tuple[Real, Real]]) -> Real:
    """Down the slope, bent by the curvature that the last steps met."""
    downwards, coefficients = -gradient, []
    for step, bend in reversed(steps):
        coefficients.append(step @ downwards / (step @ bend))
        downwards -= coefficients[-1] * bend
    if steps:
        step, bend = steps[-1]
        downwards *= step @ bend / (bend @ bend)
    for (step, bend), coefficient in zip(steps, reversed(coefficients), strict=True):
        downwards += (coefficient - bend @ downwards / (step @ bend)) * step
    return downwards


def _step(function: Function, current: _Iterate, direction: Real, length: float) -> _Iterate | None:
    """A place in that direction that is lower and flatter; None where rounding hides any."""
    promised = float(current.gradient @ direction)
    low, high = 0.0, np.inf
    for _ in range(_MAX_TRIALS):
        point = current.point + length * direction
        candidate = _Iterate(point, *function(point))
        if not candidate.value <= current.value + _ARMIJO * length * promised:
            high = length
        elif candidate.gradient @ direction < _CURVATURE * promised:
            low = length
        else:
            return candidate
        length = 2 * low if high == np.inf else (low + high) / 2
    return None
