"""What the recipe `quick` optimizes: a linear head's weights and bias, or the points of a prototype head.

The logit of a prototype head is minus the squared distance of the features to the point of a class, as in prototypical
networks (Snell et al. 2017, arXiv:1703.05175). There the point is the mean of its class; here it starts there and moves
where the log loss is lower, with a penalty on how far it moves. The features' own squared length is the same for all
classes, so the probabilities are those of a linear head whose bias depends on its weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.training.request import HeadKind

Real = NDArray[np.float64]


class Parameters(Protocol):
    """Parameters of a head on points [n, a], and the linear head that they mean."""

    @property
    def start(self) -> Real:
        """Their first values, of any shape."""

    def linear(self, values: Real) -> Real:
        """Weights and, as the last column, bias [classes, a + 1]."""

    def penalised(self, values: Real, loss: float, gradient: Real, penalty: float) -> tuple[float, Real]:
        """A loss and its gradient by `linear`, as the penalized loss and its gradient by the values."""


@dataclass(frozen=True, slots=True)
class LinearParameters:
    """Weights and bias themselves; weights are pulled to 0.

    Attributes:
        shape: of both together, [classes, a + 1].
    """

    shape: tuple[int, int]

    @property
    def start(self) -> Real:
        """Zeros."""
        return np.zeros(self.shape)

    def linear(self, values: Real) -> Real:
        """The values."""
        return values

    def penalised(self, values: Real, loss: float, gradient: Real, penalty: float) -> tuple[float, Real]:
        """The penalty is half the sum of the squared weights."""
        pull = np.zeros(self.shape)
        pull[:, :-1] = penalty * values[:, :-1]
        return loss + float(np.sum(values * pull)) / 2, gradient + pull


@dataclass(frozen=True, slots=True, eq=False)
class PrototypeParameters:
    """A point per class, pulled to the mean of the class.

    Attributes:
        start: the means [classes, a].
        steepness: the factor of squared distances.
    """

    start: Real
    steepness: float

    def linear(self, values: Real) -> Real:
        """-|x - p|^2 without x^2: 2 x p - p^2."""
        return self.steepness * np.column_stack([2 * values, -np.square(values).sum(axis=1)])

    def penalised(self, values: Real, loss: float, gradient: Real, penalty: float) -> tuple[float, Real]:
        """The penalty is half the sum of the squared distances to the means."""
        away = self.steepness * (values - self.start)
        own = 2 * self.steepness * (gradient[:, :-1] - values * gradient[:, -1:])
        return loss + penalty * float(np.sum(away * (values - self.start))) / 2, own + penalty * away


def steepness(points: Real) -> float:
    """One by the mean squared length of points [n, a]."""
    return 1 / max(float(np.square(points).sum(axis=1).mean()), float(np.finfo(np.float32).tiny))


def parameters_of(kind: HeadKind, points: Real, labels: NDArray[np.int64]) -> Parameters:
    """The parameters of a head on points [n, a] of classes [n], each of which occurs."""
    classes = int(labels.max()) + 1
    if kind is HeadKind.LINEAR:
        return LinearParameters((classes, points.shape[1] + 1))
    means = np.stack([points[labels == label].mean(axis=0) for label in range(classes)])
    return PrototypeParameters(means, steepness(points))
