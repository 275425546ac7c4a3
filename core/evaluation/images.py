"""The images of a folder that models are evaluated on, and the class of each."""

from __future__ import annotations

import errno
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.base.errors import DatasetError
from core.base.hashing import file_sha256
from core.base.i18n import mark, tr, tr_n
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter, StageKind
from core.base.text import display_path
from core.datasets.discovery import discover
from core.datasets.labelled_image import LabelledImage
from core.datasets.layout_problems import LAYOUT_HINT
from core.datasets.multi_label import LabelsFrom, find_label_sets, merge_copies
from core.datasets.problems import FolderError, Problem, ProblemKind, format_counts
from core.datasets.subsets import Subset
from core.prediction import Failure

_MATCH_HINT: Final = mark(
    "Give the folders the names of the model's classes. The Models page and `fovea models show` list them."
)


@dataclass(frozen=True, slots=True)
class EvaluationImages:
    """The images of a folder that are of a class that every model has, and what was left out of it."""

    images: tuple[LabelledImage, ...]
    failures: tuple[Failure, ...]
    problems: tuple[Problem, ...]


def read_images(
    folder: Path,
    classes: Sequence[Sequence[str]],
    models: str,
    *,
    nested: bool = False,
    report: ProgressCallback,
    token: CancelToken,
) -> EvaluationImages:
    """Read the images under a folder that all models with these classes can be evaluated on.

    See `core.datasets.discovery` for the supported layouts; with `nested`, folders inside a class folder are classes of
    their own. Folders are matched to classes by label; images whose class some model lacks are left out and reported as
    a problem, which calls the models `models`. If the folder has subsets, only the test set is used, or else the
    validation set. Duplicates are kept. Raises DatasetError if there is no folder, no labelled image, or none of a
    class of every model.
    """
    found = discover(folder, token, nested=nested)
    return _of_classes(folder, found.images, found.problems, classes, models, report=report, token=token)


def read_label_sets(
    folder: Path, labels: LabelsFrom, classes: Sequence[str], models: str, *, report: ProgressCallback,
    token: CancelToken,
) -> EvaluationImages:  # fmt: skip
    """Read the images under a folder that a multi-label model with these classes can be evaluated on, as `read_images`.

    Identical copies are one image with the classes of all; classes that the model lacks don't count. Raises
    DatasetError as `read_images`, or if the table cannot be read.
    """
    images, problems = find_label_sets(folder, labels, token)
    found = _of_classes(folder, images, problems, [classes], models, report=report, token=token)
    return replace(found, images=tuple(merge_copies(found.images)))


def _of_classes(
    folder: Path, images: list[LabelledImage], problems: list[Problem], classes: Sequence[Sequence[str]], models: str,
    *, report: ProgressCallback, token: CancelToken,
) -> EvaluationImages:  # fmt: skip
    if not images:
        what = tr("“{folder}” contains no labelled images.", folder=display_path(folder))
        raise FolderError(what, hint=tr(LAYOUT_HINT), problems=(*problems,))
    images, notes = _evaluation_subset(images)
    labels = {name for image in images for name in image.classes}
    common = labels.intersection(*(match_labels(labels, of_one) for of_one in classes))
    left_out = Counter(name for image in images for name in image.classes if name not in common)
    if not common:
        what = tr(
            "No folder has the name of a class of {models}. Folders found: {counts}.",
            models=models,
            counts=format_counts(left_out),
        )
        raise DatasetError(what, hint=tr(_MATCH_HINT))
    if left_out:
        what = tr(
            "Left out folders that are not classes of {models}: {counts}.",
            models=models,
            counts=format_counts(left_out),
        )
        notes.append(Problem(ProblemKind.CLASS_DROPPED, (), what, tr(_MATCH_HINT)))
    used = {image.path: image for image in images if image.labels is not None or image.label in common}
    hashed, failures = hash_images(tuple(used.values()), report=report, token=token)
    return EvaluationImages(hashed, failures, (*problems, *notes))


def hash_images(
    images: Sequence[LabelledImage], *, report: ProgressCallback, token: CancelToken
) -> tuple[tuple[LabelledImage, ...], tuple[Failure, ...]]:
    """Hash the content of images, and report the files that could not be read."""
    found, failures = [], []
    clock = ProgressReporter(tr("reading the images"), len(images), report, kind=StageKind.IMAGES)
    for image in images:
        token.check()
        try:
            found.append(replace(image, sha256=_sha256(image.path)))
        except OSError as error:
            name, reason = display_path(image.path.name), error.strerror or tr("unknown error")
            what = tr("Couldn't read “{name}”: {reason}.", name=name, reason=reason)
            hint = tr("Check that the file exists and that you can open it.")
            failures.append(Failure(image.path, "no-access", what, hint))
        clock.advance()
    return tuple(found), tuple(failures)


def match_labels(labels: Iterable[str], classes: Sequence[str]) -> dict[str, int]:
    """Map each label to the index of the class with the same name, or of the only one that differs just in case."""
    exact = {label: index for index, label in enumerate(classes)}
    spelt = Counter(map(_casefold_key, classes))
    alike = {_casefold_key(label): index for index, label in enumerate(classes) if spelt[_casefold_key(label)] == 1}
    found = {label: exact.get(label, alike.get(_casefold_key(label))) for label in labels}
    return {label: index for label, index in found.items() if index is not None}


def _casefold_key(label: str) -> str:
    return unicodedata.normalize("NFC", label).casefold()


def _evaluation_subset(images: Sequence[LabelledImage]) -> tuple[list[LabelledImage], list[Problem]]:
    """The images of the test set, or else of the validation set, if the folder has subsets; and a note about it."""
    found = {image.subset for image in images}
    part = next((part for part in (Subset.TEST, Subset.VALIDATION) if part in found), None)
    if part is None:
        return list(images), []
    kept = [image for image in images if image.subset is part]
    hint = tr("To use another set, choose its folder.")
    return kept, [Problem(ProblemKind.SKIPPED, (kept[0].path,), _subset_text(part, len(kept)), hint)]


def _subset_text(part: Subset, count: int) -> str:
    if part is Subset.TEST:
        return tr_n(
            "Only the test set of this folder was used ({count:,} image).",
            "Only the test set of this folder was used ({count:,} images).",
            count,
        )
    return tr_n(
        "Only the validation set of this folder was used ({count:,} image).",
        "Only the validation set of this folder was used ({count:,} images).",
        count,
    )


def _sha256(path: Path) -> str:
    if not path.is_file():  # opening a pipe would block until something writes to it
        raise OSError(errno.EINVAL, tr("it is not a file"))
    return file_sha256(path)
