"""How two models differ on the same images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.judging.calibration import Labels
from core.judging.evaluation import Evaluation


@dataclass(frozen=True, slots=True)
class Flip:
    """An image that two models name differently."""

    path: Path
    label: str
    named_by_a: str
    named_by_b: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same images.

    Attributes:
        only_a_right: how many images only the first named rightly.
        only_b_right: how many images only the second named rightly.
        p: of McNemar's exact test; small where the difference is hardly chance.
        flips: images they name differently, in the images' order.
    """

    only_a_right: int
    only_b_right: int
    p: float
    flips: tuple[Flip, ...]


def mcnemar(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> float:
    """Two-sided p of McNemar's exact test (1947): could two models' differing successes [n] be chance?"""
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    count, term, tail = only_a + only_b, 1, 0
    for successes in range(min(only_a, only_b) + 1):
        tail += term
        term = term * (count - successes) // (successes + 1)
    return min(1.0, float(2 * tail / 2**count))


def compare(a: Evaluation, b: Evaluation) -> Comparison:
    """Two models on the same images; their classes may stand in another order.

    Raises:
        ValueError: the images or their labels are not the same.
    """
    truth, named_a, named_b = _named(a, a.labels), _named(a, a.predicted), _named(b, b.predicted)
    if a.paths != b.paths or truth != _named(b, b.labels):
        raise ValueError("the two models were not judged on the same images")
    right_a = np.array([name == label for name, label in zip(named_a, truth, strict=True)])
    right_b = np.array([name == label for name, label in zip(named_b, truth, strict=True)])
    rows = zip(a.paths, truth, named_a, named_b, strict=True)
    return Comparison(
        only_a_right=int((right_a & ~right_b).sum()),
        only_b_right=int((right_b & ~right_a).sum()),
        p=mcnemar(right_a, right_b),
        flips=tuple(Flip(*row) for row in rows if row[2] != row[3]),
    )


def _named(evaluation: Evaluation, indexes: Labels) -> list[str]:
    return [evaluation.classes[index] for index in indexes.tolist()]
