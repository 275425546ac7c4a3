"""Minimization of a penalized loss that is a sum over images, in threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.progress import CancelToken
from core.training.head_parameters import Parameters
from core.training.lbfgs import minimise
from core.training.request import HeadKind

Real: TypeAlias = NDArray[np.float64]
Arrays: TypeAlias = tuple[NDArray[Any], ...]
"""What is known of the images, each array with a row for each image; the first has their points [n, a]."""
Loss: TypeAlias = Callable[[Real, Arrays], tuple[float, Real]]
"""Takes weights with the bias as the last column [classes, a + 1], and some images; returns the sum of their losses and
its gradient [classes, a + 1]."""

_BLOCK: Final = 2**24
"""Multiplications per thread; fixed, so that every machine adds the same numbers in the same order."""
_MAX_BLOCKS: Final = 8


class Fit(NamedTuple):
    """What is fitted, and when it stops: at this gradient tolerance, after so many steps, or when cancelled."""

    gradient_tolerance: float
    max_steps: int
    token: CancelToken
    kind: HeadKind = HeadKind.LINEAR


def minimise_loss(parameters: Parameters, loss_of: Loss, images: Arrays, penalty: float, how: Fit) -> Real:
    """Minimize a penalized loss over weights and, as the last column, bias [classes, a + 1].

    Args:
        parameters: what is optimized.
        loss_of: the loss.
        images: the images.
        penalty: factor of the penalty.
        how: when to stop; the token is checked before each step.

    Raises:
        Cancelled: the token was cancelled.
    """
    shape, count = parameters.start.shape, len(images[0])
    rows = max(-(-count // _MAX_BLOCKS), _BLOCK // (shape[0] * (images[0].shape[1] + 1)))
    blocks = [tuple(part[at : at + rows] for part in images) for at in range(0, count, rows)]
    with ThreadPoolExecutor(min(len(blocks), os.cpu_count() or 1)) as pool:

        def objective(flat: Real) -> tuple[float, Real]:
            how.token.check()
            values, loss = flat.reshape(shape), 0.0
            solution = parameters.linear(values)
            gradient = np.zeros(solution.shape)
            for block_loss, block_gradient in (pool.map if len(blocks) > 1 else map)(
                partial(loss_of, solution), blocks
            ):
                loss += block_loss
                gradient += block_gradient
            loss, gradient = parameters.penalised(values, loss, gradient, penalty)
            return loss, gradient.ravel()

        start = parameters.start.ravel()
        found = minimise(objective, start, gradient_tolerance=how.gradient_tolerance, max_steps=how.max_steps)
    return parameters.linear(found.reshape(shape))
