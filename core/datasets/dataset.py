"""Datasets: readable, labelled images of a folder, and the problems found in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import display_path, natural_sort_key
from core.datasets import checks as dataset_checks
from core.datasets.discovery import discover
from core.datasets.labelled_image import LabelledImage
from core.datasets.labels import OverriddenImage
from core.datasets.problems import FolderError, Problem
from core.datasets.scan import OnDecoded, scan_images
from core.datasets.scan_cache import ScanCache


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled images.

    Attributes:
        root: the folder they come from.
        classes: their labels, in natural order; two or more, unless fewer were asked for.
        examples: the images without duplicates; at least two of each class, at least one of them to train on.
        problems: all problems found in the folder; none of them is fatal.
        overridden: the files whose label the user overrode.
        confirmed: those whose label by the folder the user confirmed.
        paths: the levels of some classes in a hierarchy, from the broadest to the class itself.
    """

    root: Path
    classes: tuple[str, ...]
    examples: tuple[LabelledImage, ...]
    problems: tuple[Problem, ...]
    overridden: tuple[OverriddenImage, ...] = ()
    confirmed: frozenset[Path] = frozenset()
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def decided(self) -> frozenset[Path]:
        """The files whose label the user gave or confirmed."""
        return self.confirmed | {one.path for one in self.overridden}

    @property
    def is_multi_label(self) -> bool:
        """Whether an image may have none, one or several of the classes."""
        return self.examples[0].labels is not None

    def labels(self) -> NDArray[np.int64]:
        """The examples' classes [n], as indexes into `classes`; if multi-label, 1 for each class that they have, else
        0, [n, classes].
        """
        index = {label: number for number, label in enumerate(self.classes)}
        if not self.is_multi_label:
            return np.array([index[example.label] for example in self.examples], np.int64)
        return np.array([np.isin(self.classes, example.classes) for example in self.examples], np.int64)


def read_dataset(
    folder: Path,
    *,
    report: ProgressCallback,
    token: CancelToken,
    on_decoded: OnDecoded | None = None,
    min_classes: int = 2,
    nested: bool = False,
) -> Dataset:
    """Scan a folder of labelled images, opening each image once, and report all its problems.

    Scan results are cached until a file changes.

    See `core.datasets.discovery` for the supported layouts and `core.datasets.labels` for what takes
    precedence over them. Unreadable images, copies, images with two labels and classes with one image are left out and
    reported as problems. Memory per image is what `LabelledImage` holds.

    Args:
        folder: the folder.
        report: called after each image.
        token: checked before each image.
        on_decoded: called from several threads with the sha256 and the pixels of each decoded image, no smaller than
            `core.datasets.scan.MIN_SIDE`; must return quickly.
        min_classes: the fewest classes that a model can be trained on.
        nested: whether folders inside a class folder are classes of their own.

    Raises:
        FolderError: no model can be trained: there are no images, no labels, or too few usable classes. It
            carries all problems, the fatal one last.
        Cancelled: the token was cancelled.
    """
    found = discover(folder, token, nested=nested)
    problems = found.problems
    with ScanCache() as cache:
        images = readable_images(scan_images(found.images, cache, report, token, on_decoded=on_decoded), problems)
    kept, copies = dataset_checks.drop_duplicates(images, {one.path for one in found.overridden}, folder)
    kept, small = dataset_checks.drop_small_classes(kept)
    problems += copies + small
    reason = dataset_checks.fatal_problem(images, kept, problems, min_classes)
    if reason is not None:
        name = display_path(folder.name or folder)
        what = tr("Couldn't train on “{folder}”. {reason}", folder=name, reason=reason.message)
        raise FolderError(what, hint=reason.hint, problems=(*problems, reason), overridden=found.overridden)
    classes = tuple(sorted({image.label for image in kept}, key=natural_sort_key))
    problems += dataset_checks.warnings(kept, folder)
    return Dataset(folder, classes, tuple(kept), tuple(problems), found.overridden, found.confirmed, found.paths)


def readable_images(found: Iterable[LabelledImage | Problem], problems: list[Problem]) -> list[LabelledImage]:
    """The images that can be read; the problems of the others are appended to `problems`."""
    images = []
    for result in found:
        if isinstance(result, LabelledImage):
            images.append(result)
        else:
            problems.append(result)
    return images
