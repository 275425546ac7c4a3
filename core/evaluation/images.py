"""The images that models are judged by: which of a folder's count, and what class of a model each one is."""

from __future__ import annotations

import errno
import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.base.errors import DatasetError
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import display_path
from core.datasets.discovery import LAYOUT_HINT, LabelledImage, discover
from core.datasets.problems import FolderError, Problem, ProblemKind, format_counts, pluralize
from core.datasets.subsets import Subset
from core.prediction import Failure

_MATCH_HINT: Final = "Name the folders as the model's classes; `fovea models show` lists them."


@dataclass(frozen=True, slots=True)
class EvaluationImage:
    """An image to judge by.

    Attributes:
        path: the file.
        sha256: of its content, in hexadecimal.
        label: its class, as the folder spells it.
    """

    path: Path
    sha256: str
    label: str


@dataclass(frozen=True, slots=True)
class HashedImage:
    """An image of which nobody says what is on it.

    Attributes:
        path: the file.
        sha256: of its content, in hexadecimal.
    """

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class EvaluationImages:
    """What of a folder can be judged by.

    Attributes:
        images: those of a class of every model.
        failures: why others could not be read.
        problems: what of the folder was left out, and why.
    """

    images: tuple[EvaluationImage, ...]
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]


def read_images(
    folder: Path, classes: Sequence[Sequence[str]], models: str, *, report: ProgressCallback, token: CancelToken
) -> EvaluationImages:
    """The images under a folder that every one of some models can be judged by.

    `core.datasets.discovery` says which layouts are read. Folders are matched to classes by label; what is not a class
    of every model is left out, with a problem that says so. Where the folder has parts, only `test` is judged by, or
    `validation` where there is none. Copies count as often as they are there.

    Args:
        folder: of labelled images.
        classes: those of each model.
        models: what to call the models, as in "No class of ...".
        report: told of each image.
        token: looked at before each.

    Raises:
        DatasetError: there is no folder, no labelled image, or none of a class of every model.
        Cancelled: the token was cancelled.
    """
    found = discover(folder, token)
    images, problems = found.images, found.problems
    if not images:
        raise FolderError(
            f"“{display_path(folder)}” holds no labelled images.", hint=LAYOUT_HINT, problems=(*problems,)
        )
    images, notes = _evaluation_subset(images)
    labels = {image.label for image in images}
    common = labels.intersection(*(match_labels(labels, of_one) for of_one in classes))
    left_out = Counter(image.label for image in images if image.label not in common)
    if not common:
        what = f"No folder bears the name of a class of {models}; found are {format_counts(left_out)}."
        raise DatasetError(what, hint=_MATCH_HINT)
    if left_out:
        what = f"No class of {models}, and so left out: {format_counts(left_out)}."
        notes.append(Problem(ProblemKind.CLASS_DROPPED, (), what, _MATCH_HINT))
    used = {image.path: image.label for image in images if image.label in common}
    hashed, failures = hash_images(tuple(used), report=report, token=token)
    named = tuple(EvaluationImage(image.path, image.sha256, used[image.path]) for image in hashed)
    return EvaluationImages(named, failures, (*problems, *notes))


def hash_images(
    paths: Sequence[Path], *, report: ProgressCallback, token: CancelToken
) -> tuple[tuple[HashedImage, ...], tuple[Failure, ...]]:
    """Images with their sums, by which features are kept, and which files could not be read.

    Raises:
        Cancelled: the token was cancelled.
    """
    found, failures = [], []
    clock = ProgressReporter("reading the images", len(paths), report)
    for path in paths:
        token.check()
        try:
            found.append(HashedImage(path, _sha256(path)))
        except OSError as error:
            what = f"“{display_path(path.name)}” could not be read: {error.strerror or 'no reason given'}."
            failures.append(Failure(path, "no-access", what, "See that it is there and that you may open it."))
        clock.advance()
    return tuple(found), tuple(failures)


def match_labels(labels: Iterable[str], classes: Sequence[str]) -> dict[str, int]:
    """The index of the class each label means: the one spelt so, else the only one spelt so but for case."""
    exact = {label: index for index, label in enumerate(classes)}
    spelt = Counter(map(_casefold_key, classes))
    alike = {_casefold_key(label): index for index, label in enumerate(classes) if spelt[_casefold_key(label)] == 1}
    found = {label: exact.get(label, alike.get(_casefold_key(label))) for label in labels}
    return {label: index for label, index in found.items() if index is not None}


def _casefold_key(label: str) -> str:
    return unicodedata.normalize("NFC", label).casefold()


def _evaluation_subset(images: Sequence[LabelledImage]) -> tuple[list[LabelledImage], list[Problem]]:
    """The images of the part that models do not learn from, where the folder has parts, and a word about the others."""
    found = {image.subset for image in images}
    part = next((part for part in (Subset.TEST, Subset.VALIDATION) if part in found), None)
    if part is None:
        return list(images), []
    kept = [image for image in images if image.subset is part]
    what = f"The folder has parts; only the {pluralize(len(kept))} of the part “{part}” are judged by."
    hint = "Name a part's own folder to be judged by that one."
    return kept, [Problem(ProblemKind.SKIPPED, (kept[0].path,), what, hint)]


def _sha256(path: Path) -> str:
    if not path.is_file():  # opening a pipe would wait for someone to write
        raise OSError(errno.EINVAL, "it is no file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
