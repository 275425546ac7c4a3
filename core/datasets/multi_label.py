"""Datasets whose images have none, one or several classes: their labels are sets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.base.errors import DatasetError, FoveaError
from core.base.i18n import mark, tr, tr_n
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import display_path, natural_sort_key
from core.datasets import checks
from core.datasets.dataset import Dataset, readable_images
from core.datasets.discovery import discover
from core.datasets.label_source import LabelSource
from core.datasets.label_table import path_key, read_label_table
from core.datasets.labelled_image import LabelledImage
from core.datasets.problems import (
    FolderError,
    Problem,
    ProblemKind,
    format_counts,
    format_names,
    format_paths,
    unreadable,
)
from core.datasets.scan import OnDecoded, scan_images
from core.datasets.scan_cache import ScanCache
from core.datasets.subsets import Subset
from core.images.listing import find_images

KeywordReader = Callable[[Sequence[Path], CancelToken], Mapping[Path, Sequence[str]]]
"""Reads the keywords of photos; those without any, or that cannot be read, are missing or empty."""


@dataclass(frozen=True, slots=True)
class LabelsFrom:
    """Where the classes of images that may have several come from.

    Attributes:
        source: the source; not `FOLDER`.
        keywords_of: reads keywords, with `KEYWORDS`.
        file: the table, with `FILE`.
    """

    source: LabelSource
    keywords_of: KeywordReader
    file: Path | None = None


MIN_KEYWORD_IMAGES: Final = 10
"""Images that a keyword needs to be a class; photos have many rare ones that are not meant to be."""
_TABLE_HINT: Final = mark("Add them to the file, with an empty cell if they have none of the classes.")
_PREFERENCE: Final = (Subset.TEST, Subset.VALIDATION, Subset.TRAIN, None)


def read_multi_label(
    folder: Path,
    labels: LabelsFrom,
    *,
    report: ProgressCallback,
    token: CancelToken,
    on_decoded: OnDecoded | None = None,
) -> Dataset:
    """Read a folder of images that have none, one or several classes, each image once.

    Identical copies are one image with the classes of all. Classes of too few images, and of all images, are left out
    and reported; the images stay, as examples of none of the classes that are left.

    Args:
        folder: the folder.
        labels: where the classes come from.
        report: called after each image.
        token: checked before each image.
        on_decoded: as for `core.datasets.dataset.read_dataset`.

    Raises:
        DatasetError: the folder or the table cannot be read, or no model can be trained with them.
        Cancelled: the token was cancelled.
    """
    labelled, problems = find_label_sets(folder, labels, token)
    with ScanCache() as cache:
        images = readable_images(scan_images(labelled, cache, report, token, on_decoded=on_decoded), problems)
    minimum = MIN_KEYWORD_IMAGES if labels.source is LabelSource.KEYWORDS else 2
    kept, dropped = _drop_classes(merge_copies(images), minimum)
    problems += dropped
    classes = tuple(sorted({name for image in kept for name in image.classes}, key=natural_sort_key))
    if len(classes) < 2:
        raise _too_few(folder, labels.source, classes, problems)
    problems += checks.warnings(kept, folder)
    return Dataset(folder, classes, tuple(kept), tuple(problems))


def find_label_sets(folder: Path, labels: LabelsFrom, token: CancelToken) -> tuple[list[LabelledImage], list[Problem]]:
    """The images of a folder whose classes are known, be it none, before any is read; and the problems of the others.

    Raises:
        DatasetError: the folder or the table cannot be read.
        Cancelled: the token was cancelled.
    """
    if labels.source is LabelSource.FOLDERS:
        found = discover(folder, token)
        return [replace(one, label="", labels=(one.label,)) for one in found.images], found.problems
    problems: list[Problem] = []
    paths = _images_in(folder, problems)
    given = _in_table(folder, paths, labels.file, problems) if labels.file else labels.keywords_of(paths, token)
    problems += _without_labels(folder, labels.source, [path for path in paths if path not in given])
    return [LabelledImage(path, labels=tuple(given[path])) for path in paths if path in given], problems


def _images_in(folder: Path, problems: list[Problem]) -> list[Path]:
    if not folder.is_dir():
        what = tr("There is no folder “{folder}”.", folder=display_path(folder))
        raise DatasetError(what, hint=tr("Check that the folder exists and that you can open it."))

    def on_error(path: Path, error: FoveaError) -> None:
        problems.append(unreadable(path, error.what, error.hint))

    return list(find_images([folder], recursive=True, on_error=on_error))


def _in_table(folder: Path, paths: Sequence[Path], file: Path, problems: list[Problem]) -> Mapping[Path, Iterable[str]]:
    """The classes of the images that a table lists; those that it lists but are not in the folder are a problem."""
    table, keys = read_label_table(file), {path: path_key(str(path.relative_to(folder))) for path in paths}
    missing = [folder / key for key in set(table).difference(keys.values())]
    if missing:
        what = tr_n(
            "{count:,} image of “{file}” is not in the folder: {names}.",
            "{count:,} images of “{file}” are not in the folder: {names}.",
            len(missing),
            file=display_path(file.name),
            names=format_paths(sorted(missing), folder),
        )
        hint = tr("Write the paths relative to the folder.")
        problems.append(Problem(ProblemKind.UNREADABLE, tuple(missing), what, hint))
    return {path: table[key] for path, key in keys.items() if key in table}


def _without_labels(folder: Path, source: LabelSource, paths: Sequence[Path]) -> Iterator[Problem]:
    if not paths:
        return
    names = format_paths(paths, folder)
    if source is LabelSource.FILE:
        what = tr_n(
            "Left out {count:,} image that the file does not list: {names}.",
            "Left out {count:,} images that the file does not list: {names}.",
            len(paths),
            names=names,
        )
        yield Problem(ProblemKind.SKIPPED, tuple(paths), what, tr(_TABLE_HINT))
        return
    what = tr_n(
        "Left out {count:,} image without keywords: {names}.",
        "Left out {count:,} images without keywords: {names}.",
        len(paths),
        names=names,
    )
    yield Problem(ProblemKind.SKIPPED, tuple(paths), what, tr("Give them keywords in your photo manager."))


def merge_copies(images: Sequence[LabelledImage]) -> list[LabelledImage]:
    """One image for identical copies, a test image if there is one, with the classes of all."""
    copies: dict[str, list[LabelledImage]] = defaultdict(list)
    for image in images:
        copies[image.sha256].append(image)
    return [
        replace(
            min(same, key=lambda image: _PREFERENCE.index(image.subset)),
            labels=tuple(sorted({name for image in same for name in image.classes}, key=natural_sort_key)),
        )
        for same in copies.values()
    ]


def _drop_classes(images: Sequence[LabelledImage], minimum: int) -> tuple[list[LabelledImage], list[Problem]]:
    """Remove classes that fewer images have, that no image to train on has, or that all images have."""
    counts = Counter(name for image in images for name in image.classes)
    trained = {name for image in images if image.subset in (None, Subset.TRAIN) for name in image.classes}
    few = {name: counts[name] for name in _sorted(counts) if counts[name] < minimum}
    untrained = {name: counts[name] for name in _sorted(counts) if name not in trained and name not in few}
    common = [name for name in _sorted(counts) if counts[name] == len(images) and name not in {*few, *untrained}]
    problems = [
        Problem(ProblemKind.CLASS_DROPPED, (), *texts)
        for names, texts in _reasons(few, untrained, common, minimum)
        if names
    ]
    left_out = {*few, *untrained, *common}
    kept = (tuple(name for name in image.classes if name not in left_out) for image in images)
    return [replace(image, labels=labels) for image, labels in zip(images, kept, strict=True)], problems


def _reasons(
    few: Mapping[str, int], untrained: Mapping[str, int], common: Sequence[str], minimum: int
) -> Iterator[tuple[Collection[str], tuple[str, str]]]:
    """The classes that are left out, with what is said about them and what to do."""
    what = tr(
        "Left out classes with fewer than {minimum} images: {counts}.", minimum=minimum, counts=format_counts(few)
    )
    yield few, (what, tr("Add images of these classes."))
    what = tr("Left out classes without training images: {counts}.", counts=format_counts(untrained))
    yield untrained, (what, tr("Add training images of these classes."))
    what = tr("Left out classes that all images have: {names}.", names=format_names(common))
    yield common, (what, tr("Add images that do not have them."))


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=natural_sort_key)


def _too_few(folder: Path, source: LabelSource, classes: Sequence[str], problems: Sequence[Problem]) -> FolderError:
    """Why no model can be trained."""
    name = display_path(folder.name or folder)
    if classes:
        reason = tr("Only the class “{label}” is left, but training needs at least two.", label=classes[0])
    elif source is LabelSource.KEYWORDS:
        reason = tr("No keyword is in at least {count} of its photos.", count=MIN_KEYWORD_IMAGES)
    else:
        reason = tr("No class is left.")
    what = tr("Couldn't train on “{folder}”. {reason}", folder=name, reason=reason)
    hint = tr("Add images, or more classes.")
    fatal = Problem(ProblemKind.TOO_FEW_CLASSES, (), reason, hint, is_fatal=True)
    return FolderError(what, hint=hint, problems=(*problems, fatal))
