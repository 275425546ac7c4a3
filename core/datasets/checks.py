"""Checks of labelled images: what has to be left out, and what the user should know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.i18n import mark, tr, tr_n
from core.base.text import natural_sort_key
from core.datasets.labelled_image import LabelledImage
from core.datasets.layout_problems import LAYOUT_HINT
from core.datasets.problems import (
    Problem,
    ProblemKind,
    format_counts,
    format_names,
    format_path,
    format_paths,
)
from core.datasets.subsets import Subset
from core.datasets.values import FEW_IMAGES
from core.images.perceptual_hash import group_near_duplicates

_MAX_IMBALANCE: Final = 10
_MANY_CLASSES: Final = 1000
_MORE_HINT: Final = mark("Add more images. A few dozen different ones per class work well.")


def drop_duplicates(
    images: Sequence[LabelledImage], overridden: AbstractSet[Path] = frozenset(), root: Path | None = None
) -> tuple[list[LabelledImage], list[Problem]]:
    """Remove exact copies: keep one of those in one class, and none of those with different labels.

    Copies whose label the user decided, as given in `overridden`, are not reported. Problems name images by their path
    relative to `root`.
    """
    copies: dict[str, list[LabelledImage]] = defaultdict(list)
    for image in images:
        copies[image.sha256].append(image)
    several = [
        same for same in copies.values()
        if len(same) > 1 and (len(_labels(same)) > 1 or not any(one.path in overridden for one in same))
    ]  # fmt: skip
    kept = [image for same in copies.values() if len(_labels(same)) == 1 for image in [_preferred_copy(same)]]
    return kept, [_conflict(same, root) if len(_labels(same)) > 1 else _duplicate(same, root) for same in several]


def _preferred_copy(same: Sequence[LabelledImage]) -> LabelledImage:
    """The copy to keep: a test image first, so that the test set does not change when training images are added."""
    preference = (Subset.TEST, Subset.VALIDATION, Subset.TRAIN, None)
    return min(same, key=lambda image: preference.index(image.subset))


def _duplicate(same: Sequence[LabelledImage], root: Path | None) -> Problem:
    kept = _preferred_copy(same)
    path = format_path(kept.path, root)
    what = tr("{names} are identical; only “{path}” is used.", names=_names(same, root), path=path)
    return Problem(ProblemKind.DUPLICATE, _paths(same), what, tr("Remove the copies."))


def _conflict(same: Sequence[LabelledImage], root: Path | None) -> Problem:
    what = tr("{names} are identical but have different labels; none of them is used.", names=_names(same, root))
    return Problem(ProblemKind.CONFLICT, _paths(same), what, tr("Keep only the one with the right label."))


def drop_small_classes(images: Sequence[LabelledImage]) -> tuple[list[LabelledImage], list[Problem]]:
    """Remove classes that have a single image or no image to train on."""
    left_out = {label: own for label, own in _by_label(images).items() if len(own) < 2 or not _has_training(own)}
    kept = [image for image in images if image.label not in left_out]
    return kept, [_dropped_class(label, own) for label, own in left_out.items()]


def _has_training(own: Iterable[LabelledImage]) -> bool:
    return any(image.subset in (None, Subset.TRAIN) for image in own)


def _dropped_class(label: str, own: Sequence[LabelledImage]) -> Problem:
    if _has_training(own):
        what = tr("Left out class “{label}”: one image is too few to train and test on.", label=label)
    else:
        what = tr_n(
            "Left out class “{label}” with {count:,} image: it has no training images.",
            "Left out class “{label}” with {count:,} images: it has no training images.",
            len(own),
            label=label,
        )
    return Problem(ProblemKind.CLASS_DROPPED, _paths(own), what, tr(_MORE_HINT))


def fatal_problem(
    images: Sequence[LabelledImage], kept: Sequence[LabelledImage], problems: Sequence[Problem], min_classes: int = 2
) -> Problem | None:
    """The reason why no model can be trained, given the readable images and those kept of them; None if one can."""
    kinds, left = {problem.kind for problem in problems}, sorted(_labels(kept), key=natural_sort_key)
    if len(left) >= min_classes:
        return None
    if not images and ProblemKind.UNREADABLE in kinds:
        what, hint = tr("None of the images could be read."), tr("Check the reason given for each image.")
        return _fatal(ProblemKind.NO_IMAGES, what, hint)
    if not images and ProblemKind.NO_LABELS in kinds:
        what = tr("The images are not in class folders and have no labels in their names.")
        return _fatal(ProblemKind.NO_LABELS, what, tr(LAYOUT_HINT))
    if not images:
        return _fatal(ProblemKind.NO_IMAGES, tr("The folder contains no images."), tr(LAYOUT_HINT))
    if len(images) > 1 and len({image.sha256 for image in images}) == 1:
        what = tr_n("The {count:,} image is the only one.", "All {count:,} images are identical.", len(images))
        return _fatal(ProblemKind.ALL_THE_SAME, what, tr("Use different images for each class."))
    return _fatal(ProblemKind.TOO_FEW_CLASSES, *_too_few(images, left))


def _too_few(images: Sequence[LabelledImage], left: Sequence[str]) -> tuple[str, str]:
    """The message and the hint for fewer than two classes."""
    found = sorted(_labels(images))
    if len(found) > 1 and left:
        what = tr_n(
            "Training needs at least two classes, but only “{label}” is left of the {count:,} in the folder.",
            "Training needs at least two classes, but only “{label}” is left of the {count:,} in the folder.",
            len(found),
            label=left[0],
        )
        return what, tr(_MORE_HINT)
    if len(found) > 1:
        what = tr_n(
            "Training needs at least two classes, but none of the {count:,} in the folder is left.",
            "Training needs at least two classes, but none of the {count:,} in the folder is left.",
            len(found),
        )
        return what, tr(_MORE_HINT)
    what = tr("Training needs at least two classes, but the folder contains only “{label}”.", label=found[0])
    inside = {image.path.parent for image in images if image.subset is images[0].subset}
    if len(inside) > 1:
        return what, tr("If the folders inside “{label}” are the classes, choose that folder.", label=found[0])
    return what, tr(LAYOUT_HINT)


def _fatal(kind: ProblemKind, what: str, hint: str) -> Problem:
    return Problem(kind, (), what, hint, is_fatal=True)


def warnings(images: Sequence[LabelledImage], root: Path | None = None) -> list[Problem]:
    """Warnings about images that are kept, named by their path relative to `root`."""
    groups = group_near_duplicates(np.array([image.phash for image in images], np.uint64))
    checks: tuple[Callable[[Sequence[LabelledImage]], Iterable[Problem]], ...] = (
        _missing_from_subsets,
        _few_images,
        _imbalance,
        _many_classes,
        _case_clashes,
    )
    found = [*near_duplicates(images, groups, root), *_all_same_class(images, groups)]
    return [*found, *(problem for check in checks for problem in check(images)), *_unusual_images(images, root)]


def near_duplicates(images: Sequence[LabelledImage], groups: NDArray[np.int64], root: Path | None) -> Iterable[Problem]:
    """The problems of images that look nearly the same, given a group number for each of n images, [n]."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    for members in np.split(order, starts):
        if len(members) > 1:
            yield _near_duplicate_problem([images[index] for index in members], root)


def _near_duplicate_problem(alike: Sequence[LabelledImage], root: Path | None) -> Problem:
    names, paths = _names(alike, root), _paths(alike)
    if len({image.classes for image in alike}) > 1:
        what = tr("{names} look nearly the same but have different labels.", names=names)
        return Problem(ProblemKind.NEAR_CONFLICT, paths, what, tr("Check that each has the right label."))
    if len({image.subset for image in alike}) > 1:
        what = tr("{names} look nearly the same but are in different sets: the accuracy is optimistic.", names=names)
        return Problem(ProblemKind.LEAK, paths, what, tr("Move them into the same set."))
    what = tr("{names} look nearly the same, so they are kept in the same set.", names=names)
    return Problem(ProblemKind.NEAR_DUPLICATE, paths, what, tr("No action needed."))


def _all_same_class(images: Sequence[LabelledImage], groups: NDArray[np.int64]) -> Iterable[Problem]:
    looks: dict[str, set[int]] = defaultdict(set)
    for image, group in zip(images, groups.tolist(), strict=True):
        for label in image.classes:
            looks[label].add(group)
    labels = sorted((label for label, distinct in looks.items() if len(distinct) == 1), key=natural_sort_key)
    if labels:
        what = tr(
            "Classes whose images all look nearly the same: {names}. They can be trained on but not tested.",
            names=format_names(labels),
        )
        yield Problem(ProblemKind.ALL_SAME_CLASS, (), what, tr(_MORE_HINT))


def _missing_from_subsets(images: Sequence[LabelledImage]) -> Iterable[Problem]:
    for part in (Subset.VALIDATION, Subset.TEST):
        there = _labels(image for image in images if image.subset is part)
        missing = sorted(_labels(images) - there, key=natural_sort_key)
        if there and missing:
            yield Problem(ProblemKind.MISSING_FROM_SUBSET, (), *_missing_text(part, format_names(missing)))


def _missing_text(part: Subset, names: str) -> tuple[str, str]:
    if part is Subset.VALIDATION:
        what = tr("Classes without images in the validation set: {names}.", names=names)
        return what, tr("Add images of these classes to the validation folder.")
    what = tr("Classes without images in the test set: {names}.", names=names)
    return what, tr("Add images of these classes to the test folder.")


def _few_images(images: Sequence[LabelledImage]) -> Iterable[Problem]:
    few = {label: count for label, count in _counts(images).items() if count < FEW_IMAGES}
    if few:
        what = tr("Classes with fewer than {minimum} images: {counts}.", minimum=FEW_IMAGES, counts=format_counts(few))
        yield Problem(ProblemKind.FEW_IMAGES, (), what, tr(_MORE_HINT))


def _imbalance(images: Sequence[LabelledImage]) -> Iterable[Problem]:
    counts = _counts(images)
    minimum, maximum = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[maximum] > _MAX_IMBALANCE * counts[minimum]:
        what = tr_n(
            "“{large}” has {count:,} image, but “{small}” has only {fewest:,}.",
            "“{large}” has {count:,} images, but “{small}” has only {fewest:,}.",
            counts[maximum],
            large=maximum,
            small=minimum,
            fewest=counts[minimum],
        )
        yield Problem(ProblemKind.IMBALANCE, (), what, tr("Add images to the small classes."))


def _many_classes(images: Sequence[LabelledImage]) -> Iterable[Problem]:
    count = len(_labels(images))
    if count > _MANY_CLASSES:
        what = tr_n(
            "There is {count:,} class.",
            "There are {count:,} classes. Training will take long, and some classes will be hard to separate.",
            count,
        )
        yield Problem(ProblemKind.MANY_CLASSES, (), what, tr("Check that each folder is really a class."))


def _case_clashes(images: Sequence[LabelledImage]) -> Iterable[Problem]:
    alike: dict[str, list[str]] = defaultdict(list)
    for label in _by_label(images):
        alike[label.casefold()].append(label)
    for labels in (labels for labels in alike.values() if len(labels) > 1):
        what = tr(
            "Classes {names} differ only in case and are treated as different classes.", names=format_names(labels)
        )
        yield Problem(ProblemKind.CASE_CLASH, (), what, tr("If they are the same class, give them the same name."))


def _unusual_images(images: Sequence[LabelledImage], root: Path | None) -> Iterable[Problem]:
    for kind in (ProblemKind.TINY, ProblemKind.ELONGATED, ProblemKind.BLANK, ProblemKind.GREY):
        unusual = [image for image in images if kind in image.quality_flags]
        if unusual and not (kind is ProblemKind.GREY and len(unusual) == len(images)):
            yield Problem(kind, _paths(unusual), *_quality_text(kind, len(unusual), _names(unusual, root)))


def _quality_text(kind: ProblemKind, count: int, names: str) -> tuple[str, str]:
    match kind:
        case ProblemKind.TINY:
            what = tr_n(
                "{count:,} image is smaller than 32 pixels: {names}.",
                "{count:,} images are smaller than 32 pixels: {names}.",
                count,
                names=names,
            )
            return what, tr("Use larger copies if you have them.")
        case ProblemKind.ELONGATED:
            what = tr_n(
                "{count:,} image is more than five times as long as it is wide: {names}.",
                "{count:,} images are more than five times as long as they are wide: {names}.",
                count,
                names=names,
            )
            return what, tr("Crop them to their subject.")
        case ProblemKind.BLANK:
            what = tr_n(
                "{count:,} image is a single plain colour: {names}.",
                "{count:,} images are a single plain colour: {names}.",
                count,
                names=names,
            )
            return what, tr("Remove blank images.")
        case _:
            what = tr_n(
                "{count:,} image is grey, while others are in colour: {names}.",
                "{count:,} images are grey, while others are in colour: {names}.",
                count,
                names=names,
            )
            return what, tr("If one class is mostly grey, the model learns its colour instead of its content.")


def _by_label(images: Sequence[LabelledImage]) -> dict[str, list[LabelledImage]]:
    """The images of each class, in natural order of the classes."""
    found: dict[str, list[LabelledImage]] = defaultdict(list)
    for image in images:
        for label in image.classes:
            found[label].append(image)
    return {label: found[label] for label in sorted(found, key=natural_sort_key)}


def _counts(images: Sequence[LabelledImage]) -> dict[str, int]:
    return {label: len(own) for label, own in _by_label(images).items()}


def _labels(images: Iterable[LabelledImage]) -> set[str]:
    return {label for image in images for label in image.classes}


def _paths(images: Sequence[LabelledImage]) -> tuple[Path, ...]:
    return tuple(image.path for image in images)


def _names(images: Sequence[LabelledImage], root: Path | None) -> str:
    return format_paths((image.path for image in images), root)
