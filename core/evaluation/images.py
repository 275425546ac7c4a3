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
from core.base.progress import CancelToken, Report, StageClock
from core.base.text import printable
from core.datasets.discovery import LAYOUT_HINT, Labelled, find_labelled
from core.datasets.problems import FolderError, Problem, ProblemKind, counted, quantity
from core.datasets.subsets import Part
from core.prediction import Failure

_MATCH_HINT: Final = "Name the folders as the model's classes; `fovea models show` lists them."


@dataclass(frozen=True, slots=True)
class JudgedImage:
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
class SummedImage:
    """An image of which nobody says what is on it.

    Attributes:
        path: the file.
        sha256: of its content, in hexadecimal.
    """

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class JudgedImages:
    """What of a folder can be judged by.

    Attributes:
        images: those of a class of every model.
        failures: why others could not be read.
        problems: what of the folder was left out, and why.
    """

    images: tuple[JudgedImage, ...]
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]


def read_images(
    folder: Path, classes: Sequence[Sequence[str]], models: str, *, report: Report, token: CancelToken
) -> JudgedImages:
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
    found = find_labelled(folder, token)
    images, problems = found.images, found.problems
    if not images:
        raise FolderError(f"“{printable(folder)}” holds no labelled images.", hint=LAYOUT_HINT, problems=(*problems,))
    images, remarks = _judged_part(images)
    labels = {image.label for image in images}
    common = labels.intersection(*(match_labels(labels, of_one) for of_one in classes))
    left_out = Counter(image.label for image in images if image.label not in common)
    if not common:
        what = f"No folder bears the name of a class of {models}; found are {counted(left_out)}."
        raise DatasetError(what, hint=_MATCH_HINT)
    if left_out:
        what = f"No class of {models}, and so left out: {counted(left_out)}."
        remarks.append(Problem(ProblemKind.CLASS_LEFT_OUT, (), what, _MATCH_HINT))
    judged = {image.path: image.label for image in images if image.label in common}
    summed, failures = sum_images(tuple(judged), report=report, token=token)
    named = tuple(JudgedImage(image.path, image.sha256, judged[image.path]) for image in summed)
    return JudgedImages(named, failures, (*problems, *remarks))


def sum_images(
    paths: Sequence[Path], *, report: Report, token: CancelToken
) -> tuple[tuple[SummedImage, ...], tuple[Failure, ...]]:
    """Images with their sums, by which features are kept, and which files could not be read.

    Raises:
        Cancelled: the token was cancelled.
    """
    found, failures = [], []
    clock = StageClock("reading the images", len(paths), report)
    for path in paths:
        token.check()
        try:
            found.append(SummedImage(path, _sha256(path)))
        except OSError as error:
            what = f"“{printable(path.name)}” could not be read: {error.strerror or 'no reason given'}."
            failures.append(Failure(path, "no-access", what, "See that it is there and that you may open it."))
        clock.advance()
    return tuple(found), tuple(failures)


def match_labels(labels: Iterable[str], classes: Sequence[str]) -> dict[str, int]:
    """The index of the class each label means: the one spelt so, else the only one spelt so but for case."""
    exact = {label: index for index, label in enumerate(classes)}
    spelt = Counter(map(_folded, classes))
    alike = {_folded(label): index for index, label in enumerate(classes) if spelt[_folded(label)] == 1}
    found = {label: exact.get(label, alike.get(_folded(label))) for label in labels}
    return {label: index for label, index in found.items() if index is not None}


def _folded(label: str) -> str:
    return unicodedata.normalize("NFC", label).casefold()


def _judged_part(images: Sequence[Labelled]) -> tuple[list[Labelled], list[Problem]]:
    """The images of the part that models do not learn from, where the folder has parts, and a word about the others."""
    found = {image.part for image in images}
    part = next((part for part in (Part.TEST, Part.VALIDATION) if part in found), None)
    if part is None:
        return list(images), []
    kept = [image for image in images if image.part is part]
    what = f"The folder has parts; only the {quantity(len(kept))} of the part “{part}” are judged by."
    hint = "Name a part's own folder to be judged by that one."
    return kept, [Problem(ProblemKind.PASSED_OVER, (kept[0].path,), what, hint)]


def _sha256(path: Path) -> str:
    if not path.is_file():  # opening a pipe would wait for someone to write
        raise OSError(errno.EINVAL, "it is no file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
