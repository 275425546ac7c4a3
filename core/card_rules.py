"""The rules in a model's card that say how far its predictions can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from core.base.card_fields import FILE, SHA256, Fields, is_readable
from core.base.i18n import tr

_MAX_WEIGHT: Final = 1e6
SCORE_DIGITS: Final = 4
"""The decimals of the numbers in `OutOfSample`."""
MAX_OUT_OF_SAMPLE: Final = 1000
"""The most images of which `OutOfSample` says something."""


@dataclass(frozen=True, slots=True)
class UnknownRule:
    """The score from 0 to 1 of an image as unknown; above 0.5 it probably belongs to none of the classes.

    The score is the logistic function of `bias - similarity * s - confidence * c`: s is the similarity of the image to
    the training images, c the log odds of its most likely class; see `core.models.evidence`.

    Attributes:
        file: the name of the file of the training images' features next to the card.
        sha256: of that file, in hexadecimal.
        bandwidth: of the kernel that sums up the similarities, above 0.
        bias: the constant.
        similarity: the weight of the similarity, 0 or more.
        confidence: the weight of the log odds, 0 or more.
    """

    file: str
    sha256: str
    bandwidth: float
    bias: float
    similarity: float
    confidence: float


@dataclass(frozen=True, slots=True)
class PredictionSets:
    """Which classes an image may have at a stated coverage: those with at least these probabilities.

    Attributes:
        coverage: the fraction of images of every class whose set has their class, in (0, 1).
        thresholds: the minimum probability of each class, 0..1.
    """

    coverage: float
    thresholds: tuple[float, ...]


NESTED: Final = "nested_folders"
"""The key in a card's training: True if folders inside a class folder are classes of their own."""
SURE: Final = 0.8
"""The probability from which a level of a hierarchy counts as sure."""
_MAX_LEVELS: Final = 20
_MAX_GROUPS: Final = 12
"""How many groups an outline has."""
_MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """How classes are grouped, such as animal > bird > owl.

    Attributes:
        paths: for each class the names of its levels, from the broadest to the class itself.
        minimum: the probability from which a level counts as sure, above 0.5, so that no two levels beside each other
            do.
    """

    paths: tuple[tuple[str, ...], ...]
    minimum: float = SURE

    @classmethod
    def of(cls, classes: Sequence[str], known: Mapping[str, tuple[str, ...]], minimum: float = SURE) -> Self | None:
        """The hierarchy of classes by the known paths of some; None if no class is in a group."""
        paths = tuple(known.get(name, (name,)) for name in classes)
        return cls(paths, minimum) if any(len(path) > 1 for path in paths) else None

    @property
    def known(self) -> dict[str, tuple[str, ...]]:
        """The path of each class."""
        return {path[-1]: path for path in self.paths}

    @property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """The path of each class and group; of groups with the same name, that of the first one."""
        groups: dict[str, tuple[str, ...]] = {}
        for path in self.paths:
            for depth in range(1, len(path)):
                groups.setdefault(path[depth - 1], path[:depth])
        return groups | self.known

    @property
    def outline(self) -> str:
        """The groups with their classes: “animal › bird: owl, hawk; plant: fern”; of many, the first ones."""
        groups: dict[str, list[str]] = {}
        for *group, name in self.paths:
            groups.setdefault(" › ".join(group), []).append(name)
        parts = [f"{group}: {', '.join(names)}" if group else ", ".join(names) for group, names in groups.items()]
        return "; ".join(parts) if len(parts) <= _MAX_GROUPS else f"{'; '.join(parts[:_MAX_GROUPS])}; …"


def read_hierarchy(fields: Fields, classes: Sequence[str]) -> Hierarchy:
    """Validate the hierarchy of a model with these classes.

    Raises:
        ModelError: a field is missing or out of range.
    """
    paths = fields.take("paths", list)
    if len(paths) != len(classes) or not all(map(_is_path, paths, classes)):
        raise fields.error("paths", tr("it must have the levels of each class"))
    return Hierarchy(tuple(map(tuple, paths)), fields.between("minimum", 0.5001, 1.0))


def _is_path(path: object, name: str) -> bool:
    return (
        isinstance(path, list)
        and 1 <= len(path) <= _MAX_LEVELS
        and all(isinstance(level, str) and is_readable(level, _MAX_NAME) for level in path)
        and path[-1] == name
    )


@dataclass(frozen=True, slots=True)
class OutOfSample:
    """What the model said of images of its classes that it was not trained on, or of a sample of them.

    Attributes:
        confidence: the calibrated probability of the most likely class of each, 0..1, in descending order.
        unknown_scores: their scores as unknown, 0..1, see `core.prediction.Evidence`.
        wrong: the places in both of the images whose most likely class is wrong, ascending.
    """

    confidence: tuple[float, ...]
    unknown_scores: tuple[float, ...]
    wrong: tuple[int, ...]


def read_unknown_rule(fields: Fields) -> UnknownRule:
    """Validate a rule.

    Raises:
        ModelError: a field is missing or out of range.
    """
    return UnknownRule(
        file=fields.match("file", FILE),
        sha256=fields.match("sha256", SHA256),
        bandwidth=fields.between("bandwidth", 0.001, 1.0),
        bias=fields.between("bias", -_MAX_WEIGHT, _MAX_WEIGHT),
        similarity=fields.between("similarity", 0.0, _MAX_WEIGHT),
        confidence=fields.between("confidence", 0.0, _MAX_WEIGHT),
    )


def read_prediction_sets(fields: Fields, classes: int) -> PredictionSets:
    """Validate the sets of a model with so many classes.

    Raises:
        ModelError: a field is missing or out of range.
    """
    thresholds = fields.take("thresholds", list)
    if len(thresholds) != classes or not all(type(one) in (int, float) and 0 <= one <= 1 for one in thresholds):
        raise fields.error("thresholds", tr("it must have a number from 0 to 1 for each class"))
    return PredictionSets(fields.between("coverage", 0.01, 0.9999), tuple(map(float, thresholds)))


def read_thresholds(fields: Fields, classes: int) -> tuple[float, ...]:
    """Validate the thresholds of a multi-label model with so many classes, by the fields of its card.

    Raises:
        ModelError: a field is missing or out of range, or is only for models that give an image exactly one class.
    """
    multi_label = fields.inner("multi_label")
    thresholds = multi_label.take("thresholds", list)
    if len(thresholds) != classes or not all(type(one) in (int, float) and 0 < one < 1 for one in thresholds):
        raise multi_label.error("thresholds", tr("it must have a number between 0 and 1 for each class"))
    for key in ("unknown_below", "sets", "hierarchy", "out_of_sample"):
        if fields.has(key):
            raise fields.error(key, tr("a multi-label model can't have it"))
    return tuple(map(float, thresholds))


def read_out_of_sample(fields: Fields) -> OutOfSample:
    """Validate what the model said of images that it was not trained on.

    Raises:
        ModelError: a field is missing or out of range, or the fields do not match.
    """
    confidence, scores = _fractions(fields, "confidence"), _fractions(fields, "unknown_scores")
    if not confidence or list(confidence) != sorted(confidence, reverse=True):
        raise fields.error("confidence", tr("it must be in descending order, and not empty"))
    if len(scores) != len(confidence):
        raise fields.error("unknown_scores", tr("it must have a number for each confidence"))
    wrong = tuple(fields.integers("wrong", len(confidence)))
    if list(wrong) != sorted(set(wrong)) or not all(0 <= place < len(confidence) for place in wrong):
        raise fields.error("wrong", tr("it must have places of images in ascending order"))
    return OutOfSample(confidence, scores, wrong)


def _fractions(fields: Fields, key: str) -> tuple[float, ...]:
    values = fields.take(key, list)
    if len(values) > MAX_OUT_OF_SAMPLE or not all(type(one) in (int, float) and 0 <= one <= 1 for one in values):
        limit = MAX_OUT_OF_SAMPLE
        raise fields.error(key, tr("it must have at most {limit:,} numbers from 0 to 1", limit=limit))
    return tuple(map(float, values))
