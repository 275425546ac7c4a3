"""How two models differ on the same images, whether or not anybody knows what is on them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError
from core.base.progress import CancelToken, Report
from core.base.providers import Precision, ProviderWish
from core.card import ModelCard
from core.datasets.problems import Problem
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureSource, compute_features
from core.evaluation.calibration import checked, softened
from core.evaluation.folder_evaluation import answer
from core.evaluation.images import JudgedImage, SummedImage, match_labels, read_images, sum_images
from core.evaluation.leakage import Familiar
from core.evaluation.metrics import Evaluation
from core.evaluation.sources import feature_source
from core.images.listing import find_images
from core.models.heads import Head
from core.models.installed import InstalledModel, load_head
from core.prediction import Failure

Seen = TypeVar("Seen", JudgedImage, SummedImage)

_NO_PHOTO: Final = "Choose photos, or a folder with photos in it or in its subfolders."
_CHANCE: Final = 0.05
"""The p from which a difference passes for chance."""


@dataclass(frozen=True, slots=True)
class Flip:
    """An image that two models name differently.

    Attributes:
        path: the image.
        label: its class; None where nobody knows.
        named_by_a: what the first model named it.
        confidence_a: how sure it was of that, 0..1, calibrated.
        named_by_b: what the second model named it.
        confidence_b: how sure it was of that, 0..1, calibrated.
        margin: how far apart they are, 0..1. With a label: how much more probability one of them left for the right
            class than the other. Without: how much more each has for its own answer than for the other's, on average.
    """

    path: Path
    label: str | None
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
        familiar: which images it learned from; None where nobody knows.
    """

    name: str
    card: ModelCard
    head: Head
    source: FeatureSource
    familiar: Familiar | None


def contestant(model: InstalledModel, wish: ProviderWish, precision: Precision) -> Contestant:
    """An installed model, called `name`, or `name@version` where it is the person's own.

    Raises:
        ModelError: its head is damaged.
    """
    name = model.name if model.shipped else f"{model.name}@{model.version}"
    source = feature_source(model, wish, precision)
    return Contestant(name, model.card, load_head(model), source, Familiar.of(model))


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """What came of comparing two models by a folder.

    Attributes:
        a: how the first did on the images that could be read.
        b: how the second did on the same images.
        comparison: how they differ.
        learnt_a: how many of these images the first has learned from, or from copies; None where nobody knows.
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


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """What came of comparing two models by images of which nobody says what is on them.

    Attributes:
        images: how many could be read.
        flips: those they name differently, those with the largest margin first.
        failures: why the others could not be read.
        computed: how many images a backbone had to look at; features of the others were kept.
    """

    images: int
    flips: tuple[Flip, ...]
    failures: tuple[Failure, ...]
    computed: int

    @property
    def agreed(self) -> int:
        """How many images both name alike."""
        return self.images - len(self.flips)


def compare_by_folder(
    folder: Path, a: Contestant, b: Contestant, store: FeatureStore, *, report: Report, token: CancelToken
) -> Contest:
    """Compare two models by the images under a folder that are of a class of both; see `core.evaluation.images`.

    Each backbone looks at each image once at most; two heads that read the same features share them.

    Raises:
        DatasetError: there is no folder, no labelled image, none of a class of both, or none that can be read.
        ModelError: a backbone is damaged, or its answers are not numbers.
        ProviderError: an engine cannot be opened or failed under way.
        Cancelled: the token was cancelled.
    """
    classes, models = [a.card.classes, b.card.classes], f"both {a.name!r} and {b.name!r}"
    found = read_images(folder, classes, models, report=report, token=token)
    images, features, failures, computed = _features(found.images, a, b, store, report=report, token=token)
    answers_a, answers_b = answer(images, features[0], a.card, a.head), answer(images, features[1], b.card, b.head)
    return Contest(
        answers_a,
        answers_b,
        compare(answers_a, answers_b),
        learnt_a=_learnt(a, images, features[0], store, report, token),
        learnt_b=_learnt(b, images, features[1], store, report, token),
        failures=(*found.failures, *failures),
        problems=found.problems,
        computed=computed,
    )


def _learnt(
    model: Contestant,
    images: Sequence[JudgedImage],
    features: NDArray[np.float32],
    store: FeatureStore,
    report: Report,
    token: CancelToken,
) -> int | None:
    """How many of the images a model has learned from; None where nobody knows."""
    if model.familiar is None:
        return None
    return int(model.familiar.among(images, features, model.source, store, report=report, token=token).sum())


def compare_by_images(
    paths: Sequence[Path], a: Contestant, b: Contestant, store: FeatureStore, *, report: Report, token: CancelToken
) -> Agreement:
    """Compare two models by images of which nobody says what is on them: where do their answers differ?

    The models may know different classes: one that only one of them knows has no probability for the other. Each
    backbone looks at each image once at most, as in `compare_by_folder`.

    Raises:
        DatasetError: there is no image, or none that can be read.
        ModelError: a backbone is damaged, or its answers are not numbers.
        ProviderError: an engine cannot be opened or failed under way.
        Cancelled: the token was cancelled.
    """
    summed, unread = sum_images(paths, report=report, token=token)
    images, features, failures, computed = _features(summed, a, b, store, report=report, token=token)
    if not images:
        first = next(iter((*unread, *failures)), None)
        what = "There is no photo to compare by." if first is None else f"No photo can be read. {first.message}"
        raise DatasetError(what, hint=_NO_PHOTO)
    flips = _differing(images, _Said.of(a, features[0]), _Said.of(b, features[1]))
    ordered = tuple(sorted(flips, key=lambda flip: -flip.margin))
    return Agreement(len(images), ordered, (*unread, *failures), computed)


def compare_by_paths(
    paths: Sequence[Path], a: Contestant, b: Contestant, store: FeatureStore, *, report: Report, token: CancelToken
) -> Contest | Agreement:
    """Compare two models by photos: by what is known to be on them where that is one folder whose labels both know.

    Raises:
        DatasetError: there is no such file or folder, no image, or none that can be read.
        ModelError: a backbone is damaged, or its answers are not numbers.
        ProviderError: an engine cannot be opened or failed under way.
        Cancelled: the token was cancelled.
    """
    if len(paths) == 1 and not os.path.isfile(paths[0]):  # noqa: PTH113 - Path.is_file raises for names that are too long
        try:
            return compare_by_folder(paths[0], a, b, store, report=report, token=token)
        except DatasetError:
            if not os.path.isdir(paths[0]):  # noqa: PTH112 - likewise
                raise
    unread: list[Failure] = []
    images = list(find_images(paths, recursive=True, on_error=lambda path, why: unread.append(Failure.of(path, why))))
    found = compare_by_images(images, a, b, store, report=report, token=token)
    return replace(found, failures=(*unread, *found.failures))


def _features(
    images: Sequence[Seen], a: Contestant, b: Contestant, store: FeatureStore, *, report: Report, token: CancelToken
) -> tuple[list[Seen], tuple[NDArray[np.float32], NDArray[np.float32]], tuple[Failure, ...], int]:
    """The images that both can see with the features [n, d] of each, why the others cannot be, and the work it was."""
    tables = [compute_features(images, a.source, store, report=report, token=token)]
    if b.source.kind != a.source.kind:
        tables.append(compute_features(images, b.source, store, report=report, token=token))
    rows, *places = np.intersect1d(tables[0].rows, tables[-1].rows, assume_unique=True, return_indices=True)
    failures = {failure.path: failure for table in tables for failure in table.failures}
    features = tables[0].features[places[0]], tables[-1].features[places[1]]
    seen = [images[row] for row in rows.tolist()]
    return seen, features, tuple(failures.values()), sum(table.computed for table in tables)


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """What a model says of n images: classes as it spells them, probabilities float64 [n, classes], calibrated."""

    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]

    @classmethod
    def of(cls, model: Contestant, features: NDArray[np.float32]) -> _Said:
        """What a model says of images with features [n, d].

        Raises:
            ModelError: a logit is not a finite number.
        """
        logits = checked(model.head.logits(features), np.zeros(len(features), np.int64))
        return cls(model.card.classes, softened(logits, model.card.temperature))


def _differing(images: Sequence[SummedImage], a: _Said, b: _Said) -> Iterator[Flip]:
    """The images named differently, in their order; classes that are spelt alike but for case are the same."""
    in_b = match_labels(a.classes, b.classes)
    to_b = np.array([in_b.get(label, -1) for label in a.classes])
    to_a = np.full(len(b.classes), -1)
    to_a[to_b[to_b >= 0]] = np.nonzero(to_b >= 0)[0]
    named_a, named_b = a.probabilities.argmax(axis=1), b.probabilities.argmax(axis=1)
    for row in np.nonzero(to_b[named_a] != named_b)[0].tolist():
        sure_a, sure_b = a.probabilities[row, named_a[row]], b.probabilities[row, named_b[row]]
        less_b = b.probabilities[row, to_b[named_a[row]]] if to_b[named_a[row]] >= 0 else 0.0
        less_a = a.probabilities[row, to_a[named_b[row]]] if to_a[named_b[row]] >= 0 else 0.0
        margin = float(sure_a - less_a + sure_b - less_b) / 2
        own, other = a.classes[named_a[row]], b.classes[named_b[row]]
        yield Flip(images[row].path, None, own, float(sure_a), other, float(sure_b), margin)


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
