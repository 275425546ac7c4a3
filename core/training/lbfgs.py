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

_ENOUGH: Final = 1e-4
"""The share of the decrease promised by the slope that a step must bring."""
_FLATTER: Final = 0.9
"""The share of the slope that may be left after a step."""
_MOST_TRIALS: Final = 50
_NO_DECREASE: Final = 64 * float(np.finfo(float).eps)
"""Relative to the value: beyond this, only rounding would be minimised."""


class _Place(NamedTuple):
    """A point with its value and slope."""

    point: Real
    value: float
    slope: Real


def minimise(function: Function, start: Real, *, slope_left: float, most_steps: int) -> Real:
    """The point of least value, as nearly as asked.

    Args:
        function: smooth and convex.
        start: where to begin, [n].
        slope_left: the largest slope in any direction of the axes that is good enough.
        most_steps: after so many, the point reached is good enough.
    """
    here, steps = _Place(start, *function(start)), deque[tuple[Real, Real]](maxlen=MEMORY)
    for _ in range(most_steps):
        if np.abs(here.slope).max() <= slope_left:
            break
        there = _step(
            function, here, _direction(here.slope, steps), 1.0 if steps else 1 / float(np.linalg.norm(here.slope))
        )
        if there is None:
            break
        steps.append((there.point - here.point, there.slope - here.slope))
        decrease, here = here.value - there.value, there
        if decrease <= _NO_DECREASE * max(abs(here.value), 1.0):
            break
    return here.point


def _direction(slope: Real, steps: deque[tuple[Real, Real]]) -> Real:
    """Down the slope, bent by the curvature that the last steps met."""
    downwards, shares = -slope, []
    for step, bend in reversed(steps):
        shares.append(step @ downwards / (step @ bend))
        downwards -= shares[-1] * bend
    if steps:
        step, bend = steps[-1]
        downwards *= step @ bend / (bend @ bend)
    for (step, bend), share in zip(steps, reversed(shares), strict=True):
        downwards += (share - bend @ downwards / (step @ bend)) * step
    return downwards


def _step(function: Function, here: _Place, direction: Real, length: float) -> _Place | None:
    """A place in that direction that is lower and flatter; None where rounding hides any."""
    promised = float(here.slope @ direction)
    low, high = 0.0, np.inf
    for _ in range(_MOST_TRIALS):
        point = here.point + length * direction
        there = _Place(point, *function(point))
        if not there.value <= here.value + _ENOUGH * length * promised:
            high = length
        elif there.slope @ direction < _FLATTER * promised:
            low = length
        else:
            return there
        length = 2 * low if high == np.inf else (low + high) / 2
    return None
