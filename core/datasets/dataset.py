"""Datasets: labelled images that can all be read, and everything that is wrong with the folder they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.base.progress import CancelToken, ProgressCallback
from core.base.text import display_path, natural_sort_key
from core.datasets import checks as dataset_checks
from core.datasets.discovery import Discovery, discover
from core.datasets.label_overrides import OverriddenImage
from core.datasets.problems import FolderError, Problem, ProblemKind
from core.datasets.scan import OnDecoded, ScannedImage, scan_images
from core.datasets.scan_cache import ScanCache
from core.datasets.subsets import Subset

__all__ = ["Dataset", "Example", "Problem", "ProblemKind", "Subset", "read_dataset"]


@dataclass(frozen=True, slots=True)
class Example:
    """One image to learn from; it could be read when the dataset was.

    Attributes:
        path: the file.
        label: its class, as an index into `Dataset.classes`.
        subset: what it is for, where the folder itself says that.
        sha256: of its content, in hexadecimal.
        phash: 64 bits, nearly the same for images that look nearly the same (`core.images.perceptual_hash`).
    """

    path: Path
    label: int
    subset: Subset | None
    sha256: str
    phash: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled images.

    Attributes:
        root: the folder they come from.
        classes: their labels, two or more, in natural order.
        examples: the images, none twice, two or more of each class and at least one of them to train on.
        problems: everything that was found wrong with the folder; nothing of it keeps the examples from being learned.
        overridden: the files that are not taken as the folder has them, because the person decided so.
    """

    root: Path
    classes: tuple[str, ...]
    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]
    overridden: tuple[OverriddenImage, ...] = ()

    def labels(self) -> NDArray[np.int64]:
        """The examples' labels [n]."""
        return np.array([example.label for example in self.examples], np.int64)


def read_dataset(
    folder: Path, *, report: ProgressCallback, token: CancelToken, on_decoded: OnDecoded | None = None
) -> Dataset:
    """Look through a folder of labelled images, each image opened once, and tell everything that is wrong with it.

    What was seen of a file is kept in the cache folder, and not looked at again before the file changes.

    `core.datasets.discovery` says which layouts are read, `core.datasets.label_overrides` what goes before them.
    Images that cannot be read, copies, images with two labels and classes of one image are left out, each with a
    problem that says so. Reading takes no more memory for more images than what `Example` holds of each.

    Args:
        folder: the folder.
        report: told of each image looked at.
        token: looked at once for each image.
        on_decoded: takes, in any of several threads, the sha256 and the pixels of images that had to be decoded, no
            smaller than `core.datasets.scan.AT_LEAST`; it returns quickly.

    Raises:
        FolderError: nothing can be learned: no images, no labels, or fewer than two classes left. It carries all
            problems, the reason last.
        Cancelled: the token was cancelled.
    """
    found = discover(folder, token)
    problems = found.problems
    with ScanCache() as cache:
        images = _readable_images(scan_images(found.images, cache, report, token, on_decoded=on_decoded), problems)
    kept, copies = dataset_checks.drop_duplicates(images, {one.path for one in found.overridden}, folder)
    kept, small = dataset_checks.drop_small_classes(kept)
    problems += copies + small
    reason = dataset_checks.fatal_problem(images, kept, problems)
    if reason is not None:
        what = f"Nothing can be learned from “{display_path(folder.name or folder)}”. {reason.message}"
        raise FolderError(what, hint=reason.hint, problems=(*problems, reason), overridden=found.overridden)
    return _dataset(found, folder, kept, [*problems, *dataset_checks.warnings(kept, folder)])


def _readable_images(found: Iterable[ScannedImage | Problem], problems: list[Problem]) -> list[ScannedImage]:
    """What was seen of the images that can be read; why the others cannot is added to the problems."""
    images = []
    for seen in found:
        if isinstance(seen, ScannedImage):
            images.append(seen)
        else:
            problems.append(seen)
    return images


def _dataset(found: Discovery, folder: Path, kept: Sequence[ScannedImage], problems: Sequence[Problem]) -> Dataset:
    classes = sorted({image.label for image in kept}, key=natural_sort_key)
    index = {label: number for number, label in enumerate(classes)}
    examples = (Example(image.path, index[image.label], image.subset, image.sha256, image.phash) for image in kept)
    return Dataset(folder, tuple(classes), tuple(examples), tuple(problems), found.overridden)
