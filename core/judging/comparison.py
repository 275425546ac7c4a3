"""How two models differ on the same images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.card import ModelCard
from core.dataset.problems import Problem
from core.features.compute import FeatureSource, compute_features
from core.features.store import FeatureStore
from core.judging.evaluation import Evaluation
from core.judging.images import match_labels, read_images
from core.judging.judge import Knows, answer, learnt_among
from core.library.heads import Head
from core.prediction import Failure
from core.progress import CancelToken, Report

_CHANCE: Final = 0.05
"""The p from which a difference passes for chance."""


@dataclass(frozen=True, slots=True)
class Flip:
    """An image that two models name differently.

    Attributes:
        path: the image.
        label: its class.
        named_by_a: what the first model named it.
        confidence_a: how sure it was of that, 0..1, calibrated.
        named_by_b: what the second model named it.
        confidence_b: how sure it was of that, 0..1, calibrated.
        margin: how much more probability one of them left for the right class than the other, 0..1.
    """

    path: Path
    label: str
    named_by_a: str
    confidence_a: float
    named_by_b: str
    confidence_b: float
    margin: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same images.

    Attributes:
        only_a_right: how many images only the first named rightly.
        only_b_right: how many images only the second named rightly.
        p: of McNemar's exact test; small where the difference is hardly chance.
        flips: images they name differently, those with the largest margin first.
    """

    only_a_right: int
    only_b_right: int
    p: float
    flips: tuple[Flip, ...]

    @property
    def could_be_chance(self) -> bool:
        """Whether two equally good models would differ as much in more than one of twenty such folders."""
        return self.p >= _CHANCE


@dataclass(frozen=True, slots=True, eq=False)
class Contestant:
    """A model that is to be compared.

    Attributes:
        name: what the person calls it.
        card: its card.
        head: its head.
        source: what makes the features it reads.
        knows: which images it learnt from; None where nobody knows.
    """

    name: str
    card: ModelCard
    head: Head
    source: FeatureSource
    knows: Knows | None


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """What came of comparing two models by a folder.

    Attributes:
        a: how the first did on the images that could be read.
        b: how the second did on the same images.
        comparison: how they differ.
        learnt_a: how many of these images the first has learnt from; None where nobody knows.
        learnt_b: likewise of the second.
        failures: why the other images of the folder could not be read.
        problems: what of the folder was left out, and why.
        computed: how many images a backbone had to look at; features of the others were kept.
    """

    a: Evaluation
    b: Evaluation
    comparison: Comparison
    learnt_a: int | None
    learnt_b: int | None
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]
    computed: int


def compare_by_folder(
    folder: Path, a: Contestant, b: Contestant, store: FeatureStore, *, report: Report, token: CancelToken
) -> Contest:
    """Compare two models by the images under a folder that are of a class of both; see `core.judging.images`.

    Each backbone looks at each image once at most; two heads that read the same features share them.

    Raises:
        DatasetError: there is no folder, no labelled image, none of a class of both, or none that can be read.
        ModelError: a backbone is damaged, or its answers are not numbers.
        ProviderError: an engine cannot be opened or failed under way.
        Cancelled: the token was cancelled.
    """
    classes, models = [a.card.classes, b.card.classes], f"both {a.name!r} and {b.name!r}"
    found = read_images(folder, classes, models, report=report, token=token)
    table_a = compute_features(found.images, a.source, store, report=report, token=token)
    tables = [table_a]
    if b.source.kind != a.source.kind:
        tables.append(compute_features(found.images, b.source, store, report=report, token=token))
    rows, *places = np.intersect1d(table_a.rows, tables[-1].rows, assume_unique=True, return_indices=True)
    images = [found.images[row] for row in rows.tolist()]
    answers_a = answer(images, table_a.features[places[0]], a.card, a.head)
    answers_b = answer(images, tables[-1].features[places[1]], b.card, b.head)
    failures = {failure.path: failure for table in tables for failure in table.failures}
    return Contest(
        answers_a,
        answers_b,
        compare(answers_a, answers_b),
        learnt_a=None if a.knows is None else int(learnt_among(images, a.knows).sum()),
        learnt_b=None if b.knows is None else int(learnt_among(images, b.knows).sum()),
        failures=(*found.failures, *failures.values()),
        problems=found.problems,
        computed=sum(table.computed for table in tables),
    )


def mcnemar(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> float:
    """Two-sided p of McNemar's exact test (1947): could two models' differing successes [n] be chance?"""
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    count, term, tail = only_a + only_b, 1, 0
    for successes in range(min(only_a, only_b) + 1):
        tail += term
        term = term * (count - successes) // (successes + 1)
    return min(1.0, float(2 * tail / 2**count))


def compare(a: Evaluation, b: Evaluation) -> Comparison:
    """Two models on the same images; their classes may stand in another order, and be spelt in another case.

    Raises:
        ValueError: the images or their labels are not the same.
    """
    in_a = match_labels(b.classes, a.classes)
    spelt = [a.classes[in_a[label]] if label in in_a else label for label in b.classes]
    if a.paths != b.paths or [a.classes[at] for at in a.labels.tolist()] != [spelt[at] for at in b.labels.tolist()]:
        raise ValueError("the two models were not judged on the same images")
    right_a, right_b = a.predicted == a.labels, b.predicted == b.labels
    return Comparison(
        only_a_right=int((right_a & ~right_b).sum()),
        only_b_right=int((right_b & ~right_a).sum()),
        p=mcnemar(right_a, right_b),
        flips=tuple(sorted(_flips(a, b, spelt), key=lambda flip: -flip.margin)),
    )


def _flips(a: Evaluation, b: Evaluation, spelt: list[str]) -> Iterator[Flip]:
    """The images named differently, in their order; `spelt` are the second one's classes as the first spells them."""
    margins = np.abs(a.probability - b.probability)
    for row, path in enumerate(a.paths):
        named_by_a, named_by_b = a.classes[a.predicted[row]], spelt[b.predicted[row]]
        if named_by_a != named_by_b:
            sure = float(a.confidence[row]), float(b.confidence[row])
            label = a.classes[a.labels[row]]
            yield Flip(path, label, named_by_a, sure[0], named_by_b, sure[1], float(margins[row]))
