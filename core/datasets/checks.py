"""What is wrong with a set of labelled images: what has to be left out of it, and what the person should know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.text import natural_sort_key
from core.datasets.discovery import LAYOUT_HINT
from core.datasets.problems import (
    Problem,
    ProblemKind,
    format_counts,
    format_names,
    format_path,
    format_paths,
    pluralize,
)
from core.datasets.scan import ScannedImage
from core.datasets.subsets import Subset
from core.images.perceptual_hash import group_near_duplicates

_FEW_IMAGES: Final = 10
_MAX_IMBALANCE: Final = 10
_MANY_CLASSES: Final = 1000
_MORE_HINT: Final = "Add more images; a few dozen of each class, each different, teach it well."


def drop_duplicates(
    images: Sequence[ScannedImage], overridden: AbstractSet[Path] = frozenset(), root: Path | None = None
) -> tuple[list[ScannedImage], list[Problem]]:
    """The images without exact copies: one is kept of those of one class, none of those that have several labels.

    Copies of which the person decided what they are, as `overridden` says, are no problem any more. Problems name
    images by their place under `root`.
    """
    copies: dict[str, list[ScannedImage]] = defaultdict(list)
    for image in images:
        copies[image.sha256].append(image)
    several = [
        same for same in copies.values()
        if len(same) > 1 and (len(_labels(same)) > 1 or not any(one.path in overridden for one in same))
    ]  # fmt: skip
    kept = [image for same in copies.values() if len(_labels(same)) == 1 for image in [_preferred_copy(same)]]
    return kept, [_conflict(same, root) if len(_labels(same)) > 1 else _duplicate(same, root) for same in several]


def _preferred_copy(same: Sequence[ScannedImage]) -> ScannedImage:
    """Of the copies of one image, the one to keep: a test stays the same test when training images are added."""
    preference = (Subset.TEST, Subset.VALIDATION, Subset.TRAIN, None)
    return min(same, key=lambda image: preference.index(image.subset))


def _duplicate(same: Sequence[ScannedImage], root: Path | None) -> Problem:
    kept = _preferred_copy(same)
    what = f"{_names(same, root)} have the same content; only “{format_path(kept.path, root)}” is used."
    return Problem(ProblemKind.DUPLICATE, _paths(same), what, "Remove the copies.")


def _conflict(same: Sequence[ScannedImage], root: Path | None) -> Problem:
    what = f"{_names(same, root)} have the same content and different labels; none of them is used."
    return Problem(ProblemKind.CONFLICT, _paths(same), what, "Keep the one with the right label.")


def drop_small_classes(images: Sequence[ScannedImage]) -> tuple[list[ScannedImage], list[Problem]]:
    """The images without classes of one image, and without those that nothing could be learned about."""
    left_out = {label: own for label, own in _by_label(images).items() if len(own) < 2 or not _has_training(own)}
    kept = [image for image in images if image.label not in left_out]
    return kept, [_dropped_class(label, own) for label, own in left_out.items()]


def _has_training(own: Iterable[ScannedImage]) -> bool:
    return any(image.subset in (None, Subset.TRAIN) for image in own)


def _dropped_class(label: str, own: Sequence[ScannedImage]) -> Problem:
    if _has_training(own):
        what = f"The class “{label}” has only one image, too few to learn from and be tested on; it is left out."
    else:
        what = f"The class “{label}” has no image to train on; it is left out, with {pluralize(len(own))}."
    return Problem(ProblemKind.CLASS_DROPPED, _paths(own), what, _MORE_HINT)


def fatal_problem(
    images: Sequence[ScannedImage], kept: Sequence[ScannedImage], problems: Sequence[Problem]
) -> Problem | None:
    """Why nothing can be learned, if so, from the images that could be read and those that were kept of them."""
    kinds, left = {problem.kind for problem in problems}, sorted(_labels(kept), key=natural_sort_key)
    if len(left) >= 2:
        return None
    if not images and ProblemKind.UNREADABLE in kinds:
        return _fatal(ProblemKind.NO_IMAGES, "None of the images could be read.", "See the reason given for each.")
    if not images and ProblemKind.NO_LABELS in kinds:
        return _fatal(ProblemKind.NO_LABELS, "The images lie in no class folders and have no labels.", LAYOUT_HINT)
    if not images:
        return _fatal(ProblemKind.NO_IMAGES, "There are no images in the folder.", LAYOUT_HINT)
    if len(images) > 1 and len({image.sha256 for image in images}) == 1:
        what = f"All {pluralize(len(images))} are the same one."
        return _fatal(ProblemKind.ALL_THE_SAME, what, "Give different images for each class.")
    return _fatal(ProblemKind.TOO_FEW_CLASSES, *_too_few(images, left))


def _too_few(images: Sequence[ScannedImage], left: Sequence[str]) -> tuple[str, str]:
    """What to say of fewer than two classes, and what to do."""
    need, found = "It takes two classes to learn to tell them apart, and", sorted(_labels(images))
    if len(found) > 1:
        remains = f"only “{left[0]}” is" if left else "none is"
        return f"{need} {remains} left of the {len(found):,} in the folder.", _MORE_HINT
    inside = {image.path.parent for image in images if image.subset is images[0].subset}
    hint = f"If the folders inside “{found[0]}” are the classes, give that one." if len(inside) > 1 else LAYOUT_HINT
    return f"{need} there is only “{found[0]}”.", hint


def _fatal(kind: ProblemKind, what: str, hint: str) -> Problem:
    return Problem(kind, (), what, hint, is_fatal=True)


def warnings(images: Sequence[ScannedImage], root: Path | None = None) -> list[Problem]:
    """What the person should know about images of which none is left out, named by their place under `root`."""
    groups = group_near_duplicates(np.array([image.phash for image in images], np.uint64))
    checks: tuple[Callable[[Sequence[ScannedImage]], Iterable[Problem]], ...] = (
        _missing_from_subsets,
        _few_images,
        _imbalance,
        _many_classes,
        _case_clashes,
    )
    found = [*_near_duplicates(images, groups, root), *_all_same_class(images, groups)]
    return [*found, *(problem for check in checks for problem in check(images)), *_unusual_images(images, root)]


def _near_duplicates(images: Sequence[ScannedImage], groups: NDArray[np.int64], root: Path | None) -> Iterable[Problem]:
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    for members in np.split(order, starts):
        if len(members) > 1:
            yield _near_duplicate_problem([images[index] for index in members], root)


def _near_duplicate_problem(alike: Sequence[ScannedImage], root: Path | None) -> Problem:
    names, paths = _names(alike, root), _paths(alike)
    if len(_labels(alike)) > 1:
        what = f"{names} look nearly the same and have different labels."
        return Problem(ProblemKind.NEAR_CONFLICT, paths, what, "See that each has the right label.")
    if len({image.subset for image in alike}) > 1:
        what = f"{names} look nearly the same and lie in different parts; the test will look better than it is."
        return Problem(ProblemKind.LEAK, paths, what, "Keep them in one part.")
    what = f"{names} look nearly the same; they are kept on one side of the split."
    return Problem(ProblemKind.NEAR_DUPLICATE, paths, what, "Nothing needs to be done.")


def _all_same_class(images: Sequence[ScannedImage], groups: NDArray[np.int64]) -> Iterable[Problem]:
    looks: dict[str, set[int]] = defaultdict(set)
    for image, group in zip(images, groups.tolist(), strict=True):
        looks[image.label].add(group)
    labels = sorted((label for label, distinct in looks.items() if len(distinct) == 1), key=natural_sort_key)
    if labels:
        what = (
            f"Classes whose images all look nearly the same: {format_names(labels)}; they can be trained on but not "
            "tested."
        )
        yield Problem(ProblemKind.ALL_SAME_CLASS, (), what, _MORE_HINT)


def _missing_from_subsets(images: Sequence[ScannedImage]) -> Iterable[Problem]:
    for part in (Subset.VALIDATION, Subset.TEST):
        there = {image.label for image in images if image.subset is part}
        missing = sorted(_labels(images) - there, key=natural_sort_key)
        if there and missing:
            what = f"Classes without an image in the part {part.value}: {format_names(missing)}."
            yield Problem(
                ProblemKind.MISSING_FROM_SUBSET, (), what, f"Put images of them into the folder {part.value}."
            )


def _few_images(images: Sequence[ScannedImage]) -> Iterable[Problem]:
    few = {label: count for label, count in _counts(images).items() if count < _FEW_IMAGES}
    if few:
        what = f"Classes of fewer than {_FEW_IMAGES} images: {format_counts(few)}."
        yield Problem(ProblemKind.FEW_IMAGES, (), what, _MORE_HINT)


def _imbalance(images: Sequence[ScannedImage]) -> Iterable[Problem]:
    counts = _counts(images)
    minimum, maximum = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[maximum] > _MAX_IMBALANCE * counts[minimum]:
        what = f"“{maximum}” has {pluralize(counts[maximum])}, “{minimum}” only {counts[minimum]:,}."
        yield Problem(ProblemKind.IMBALANCE, (), what, "Add images to the small classes.")


def _many_classes(images: Sequence[ScannedImage]) -> Iterable[Problem]:
    count = len(_labels(images))
    if count > _MANY_CLASSES:
        what = f"There are {count:,} classes; training will take long, and some will be hard to tell apart."
        yield Problem(ProblemKind.MANY_CLASSES, (), what, "See that the folders are really classes.")


def _case_clashes(images: Sequence[ScannedImage]) -> Iterable[Problem]:
    alike: dict[str, list[str]] = defaultdict(list)
    for label in _by_label(images):
        alike[label.casefold()].append(label)
    for labels in (labels for labels in alike.values() if len(labels) > 1):
        what = f"The classes {format_names(labels)} differ only in capital letters; they are learned as different ones."
        yield Problem(ProblemKind.CASE_CLASH, (), what, "If they are one class, give them one name.")


_QUALITY_PROBLEMS: Final = {
    ProblemKind.TINY: ("smaller than 32 pixels", "Use larger copies where there are any."),
    ProblemKind.ELONGATED: ("more than five times as long as wide", "Crop them to what they show."),
    ProblemKind.BLANK: ("of one colour, with nothing in it", "Remove what shows nothing."),
    ProblemKind.GREY: ("grey, among others in colour", "If one class is mostly grey, its colour is what is learned."),
}


def _unusual_images(images: Sequence[ScannedImage], root: Path | None) -> Iterable[Problem]:
    for kind, (what, hint) in _QUALITY_PROBLEMS.items():
        unusual = [image for image in images if kind in image.quality_flags]
        if unusual and not (kind is ProblemKind.GREY and len(unusual) == len(images)):
            yield Problem(kind, _paths(unusual), f"{pluralize(len(unusual))} {what}: {_names(unusual, root)}.", hint)


def _by_label(images: Sequence[ScannedImage]) -> dict[str, list[ScannedImage]]:
    """The images of each class, in the classes' order."""
    found: dict[str, list[ScannedImage]] = defaultdict(list)
    for image in images:
        found[image.label].append(image)
    return {label: found[label] for label in sorted(found, key=natural_sort_key)}


def _counts(images: Sequence[ScannedImage]) -> dict[str, int]:
    return {label: len(own) for label, own in _by_label(images).items()}


def _labels(images: Iterable[ScannedImage]) -> set[str]:
    return {image.label for image in images}


def _paths(images: Sequence[ScannedImage]) -> tuple[Path, ...]:
    return tuple(image.path for image in images)


def _names(images: Sequence[ScannedImage], root: Path | None) -> str:
    return format_paths((image.path for image in images), root)
