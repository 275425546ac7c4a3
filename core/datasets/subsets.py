"""Detection of training, validation and test folders by the names people and download sites give them.

`train`, `training_set`, `TrainImages`, `seg_train` and `flowers-train` are all training folders. Folders belong to one
dataset if their names differ only in the word for the subset, so that classes such as `trainers` and `test tube` stay
classes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple


class Subset(StrEnum):
    """The subset of a dataset that an image belongs to."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class _Role(NamedTuple):
    """The meaning of a folder name.

    Attributes:
        subset: the subset it names; None for unlabelled images to predict.
        rest: the other words of the name, which the subsets of one dataset share.
    """

    subset: Subset | None
    rest: tuple[str, ...]


_SUBSETS: Final[dict[str, Subset | None]] = (
    dict.fromkeys(("train", "training", "trn", "trainval"), Subset.TRAIN)
    | dict.fromkeys(("val", "valid", "validate", "validation", "validating"), Subset.VALIDATION)
    | dict.fromkeys(("dev", "development", "eval", "evaluation"), Subset.VALIDATION)
    | dict.fromkeys(("test", "testing", "tst", "holdout"), Subset.TEST)
    | dict.fromkeys(("pred", "predict", "prediction", "predictions", "unlabeled", "unlabelled"), None)
)
_GENERIC: Final = frozenset({"data", "dataset", "set", "subset", "split", "part", "folder", "sample", "samples"}) | {
    *("image", "images", "img", "imgs", "photo", "photos", "pic", "pics", "picture", "pictures", "example", "examples")
}
"""Words that do not describe the content of a folder."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")


def subsets_among(folders: Sequence[Path]) -> dict[Path, Subset]:
    """The folders that are subsets of one dataset; empty if they are classes, such as cars, planes and trains."""
    found = [parts for parts in _by_dataset(folders) if _is_dataset(parts, len(folders))]
    return {folder: part for folder, part in found[0].items() if part is not None} if len(found) == 1 else {}


def are_named_as_subsets(folders: Sequence[Path]) -> bool:
    """Whether all folders are named as subsets, though not of one dataset with a training set."""
    several = [parts for parts in _by_dataset(folders) if len(set(parts.values())) > 1]
    return bool(several) and sum(map(len, several)) == len(folders)


def _by_dataset(folders: Iterable[Path]) -> Iterable[dict[Path, Subset | None]]:
    """Group folders named as subsets by the other words of their names."""
    found = defaultdict[tuple[str, ...], dict[Path, Subset | None]](dict)
    for folder in folders:
        if role := _role(folder.name):
            found[role.rest][folder] = role.subset
    return found.values()


def is_wrapper(inner: Path, outer: Path) -> bool:
    """Whether the only folder inside a subset folder is that subset again, as in `train/train`, and not a class."""
    own, around = _role(inner.name), _role(outer.name)
    same = inner.name.casefold() == outer.name.casefold()
    return same or (own is not None and around is not None and own.subset == around.subset) or not _words(inner.name)


def _is_dataset(parts: dict[Path, Subset | None], folders: int) -> bool:
    found = set(parts.values())
    return Subset.TRAIN in found and (len(found) > 1 or len(parts) == folders)


def _role(name: str) -> _Role | None:
    """The meaning of a folder name; None if it has no word for a subset, or several."""
    words = _words(name)
    own = [word for word in words if word in _SUBSETS]
    return _Role(_SUBSETS[own[0]], tuple(word for word in words if word not in own)) if len(own) == 1 else None


def _words(name: str) -> list[str]:
    """The words of a name in lower case without numbers and generic words: "TrainSet2" and "trainset" give "train"."""
    words = (_singular(word) for word in _WORD.findall(_CAMEL.sub(" ", name).casefold()))
    return [word for word in words if word not in _GENERIC]


def _singular(word: str) -> str:
    """Strip a generic word from a compound with a subset word: "testdata" gives "test"."""
    parts = (part for part in _SUBSETS if word.startswith(part) and word.removeprefix(part) in _GENERIC)
    return next(parts, word)
