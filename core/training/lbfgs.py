"""L-BFGS minimization of smooth convex functions.

J. Nocedal, S. Wright, "Numerical Optimization", 2006: algorithm 7.4 for the direction; the line search is a bisection
(A. Lewis, M. Overton, "Nonsmooth optimization via quasi-Newton methods", 2013, algorithm 2.6), which always terminates
for convex functions. SciPy's would do as well, but importing it takes longer than the minimization here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Real: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Real], tuple[float, Real]]
"""Takes a point [n]; returns its value and its gradient [n]."""

MEMORY: Final = 10
"""The number of past steps that approximate the curvature."""

_ARMIJO: Final = 1e-4
"""Sufficient decrease: the fraction of the decrease predicted by the gradient."""
_CURVATURE: Final = 0.9
"""Curvature condition: the largest fraction of the directional derivative that may remain."""
_MAX_TRIALS: Final = 50
_NO_DECREASE: Final = 64 * float(np.finfo(float).eps)
"""The relative decrease below which there is only rounding error."""


class _Iterate(NamedTuple):
    """A point with its value and gradient."""

    point: Real
    value: float
    gradient: Real


def minimise(function: Function, start: Real, *, gradient_tolerance: float, max_steps: int) -> Real:
    """Find an approximate minimizer.

    Args:
        function: smooth and convex.
        start: initial point, [n].
        gradient_tolerance: stop when no component of the gradient is larger in magnitude.
        max_steps: stop after this many steps.
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
    """The quasi-Newton direction by the two-loop recursion over past steps."""
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
    """A point in that direction that meets the Wolfe conditions; None if rounding errors prevent it."""
    predicted = float(current.gradient @ direction)
    low, high = 0.0, np.inf
    for _ in range(_MAX_TRIALS):
        point = current.point + length * direction
        candidate = _Iterate(point, *function(point))
        if not candidate.value <= current.value + _ARMIJO * length * predicted:
            high = length
        elif candidate.gradient @ direction < _CURVATURE * predicted:
            low = length
        else:
            return candidate
        length = 2 * low if high == np.inf else (low + high) / 2
    return None
