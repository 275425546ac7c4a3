"""What is wrong with a set of labelled images: what has to be left out of it, and what the person should know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.text import natural
from core.datasets.discovery import LAYOUT_HINT
from core.datasets.problems import Problem, ProblemKind, counted, listed, place, places, quantity
from core.datasets.scan import Sight
from core.datasets.subsets import Part
from core.images.perceptual_hash import group_alike

_FEW_IMAGES: Final = 10
_MOST_IMBALANCE: Final = 10
_MANY_CLASSES: Final = 1000
_MORE_HINT: Final = "Add more images; a few dozen of each class, each different, teach it well."


def without_duplicates(
    sights: Sequence[Sight], decided: AbstractSet[Path] = frozenset(), root: Path | None = None
) -> tuple[list[Sight], list[Problem]]:
    """The images without exact copies: one is kept of those of one class, none of those that have several labels.

    Copies of which the person decided what they are, as `decided` says, are no problem any more. Problems name images
    by their place under `root`.
    """
    copies: dict[str, list[Sight]] = defaultdict(list)
    for sight in sights:
        copies[sight.sha256].append(sight)
    several = [
        same for same in copies.values()
        if len(same) > 1 and (len(_labels(same)) > 1 or not any(one.path in decided for one in same))
    ]  # fmt: skip
    kept = [sight for same in copies.values() if len(_labels(same)) == 1 for sight in [_worthiest(same)]]
    return kept, [_conflict(same, root) if len(_labels(same)) > 1 else _duplicate(same, root) for same in several]


def _worthiest(same: Sequence[Sight]) -> Sight:
    """Of the copies of one image, the one to keep: a test stays the same test when training images are added."""
    preference = (Part.TEST, Part.VALIDATION, Part.TRAIN, None)
    return min(same, key=lambda sight: preference.index(sight.part))


def _duplicate(same: Sequence[Sight], root: Path | None) -> Problem:
    kept = _worthiest(same)
    what = f"{_names(same, root)} have the same content; only “{place(kept.path, root)}” is used."
    return Problem(ProblemKind.DUPLICATE, _paths(same), what, "Remove the copies.")


def _conflict(same: Sequence[Sight], root: Path | None) -> Problem:
    what = f"{_names(same, root)} have the same content and different labels; none of them is used."
    return Problem(ProblemKind.CONFLICT, _paths(same), what, "Keep the one with the right label.")


def without_small_classes(sights: Sequence[Sight]) -> tuple[list[Sight], list[Problem]]:
    """The images without classes of one image, and without those that nothing could be learned about."""
    left_out = {label: own for label, own in _by_label(sights).items() if len(own) < 2 or not _has_training(own)}
    kept = [sight for sight in sights if sight.label not in left_out]
    return kept, [_left_out(label, own) for label, own in left_out.items()]


def _has_training(own: Iterable[Sight]) -> bool:
    return any(sight.part in (None, Part.TRAIN) for sight in own)


def _left_out(label: str, own: Sequence[Sight]) -> Problem:
    if _has_training(own):
        what = f"The class “{label}” has only one image, too few to learn from and be tested on; it is left out."
    else:
        what = f"The class “{label}” has no image to train on; it is left out, with {quantity(len(own))}."
    return Problem(ProblemKind.CLASS_LEFT_OUT, _paths(own), what, _MORE_HINT)


def fatal(sights: Sequence[Sight], kept: Sequence[Sight], problems: Sequence[Problem]) -> Problem | None:
    """Why nothing can be learned, if so, from the images that could be read and those that were kept of them."""
    kinds, left = {problem.kind for problem in problems}, sorted(_labels(kept), key=natural)
    if len(left) >= 2:
        return None
    if not sights and ProblemKind.UNREADABLE in kinds:
        return _fatal(ProblemKind.NO_IMAGES, "None of the images could be read.", "See the reason given for each.")
    if not sights and ProblemKind.NO_LABELS in kinds:
        return _fatal(ProblemKind.NO_LABELS, "The images lie in no class folders and have no labels.", LAYOUT_HINT)
    if not sights:
        return _fatal(ProblemKind.NO_IMAGES, "There are no images in the folder.", LAYOUT_HINT)
    if len(sights) > 1 and len({sight.sha256 for sight in sights}) == 1:
        what = f"All {quantity(len(sights))} are the same one."
        return _fatal(ProblemKind.ALL_THE_SAME, what, "Give different images for each class.")
    return _fatal(ProblemKind.TOO_FEW_CLASSES, *_too_few(sights, left))


def _too_few(sights: Sequence[Sight], left: Sequence[str]) -> tuple[str, str]:
    """What to say of fewer than two classes, and what to do."""
    need, found = "It takes two classes to learn to tell them apart, and", sorted(_labels(sights))
    if len(found) > 1:
        remains = f"only “{left[0]}” is" if left else "none is"
        return f"{need} {remains} left of the {len(found):,} in the folder.", _MORE_HINT
    inside = {sight.path.parent for sight in sights if sight.part is sights[0].part}
    hint = f"If the folders inside “{found[0]}” are the classes, give that one." if len(inside) > 1 else LAYOUT_HINT
    return f"{need} there is only “{found[0]}”.", hint


def _fatal(kind: ProblemKind, what: str, hint: str) -> Problem:
    return Problem(kind, (), what, hint, is_fatal=True)


def remarks(sights: Sequence[Sight], root: Path | None = None) -> list[Problem]:
    """What the person should know about images of which none is left out, named by their place under `root`."""
    groups = group_alike(np.array([sight.look for sight in sights], np.uint64))
    checks: tuple[Callable[[Sequence[Sight]], Iterable[Problem]], ...] = (
        _missing_from_parts,
        _few_images,
        _imbalance,
        _many_classes,
        _case_clashes,
    )
    found = [*_alike(sights, groups, root), *_all_alike(sights, groups)]
    return [*found, *(problem for check in checks for problem in check(sights)), *_odd_images(sights, root)]


def _alike(sights: Sequence[Sight], groups: NDArray[np.int64], root: Path | None) -> Iterable[Problem]:
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    for members in np.split(order, starts):
        if len(members) > 1:
            yield _near([sights[index] for index in members], root)


def _near(alike: Sequence[Sight], root: Path | None) -> Problem:
    names, paths = _names(alike, root), _paths(alike)
    if len(_labels(alike)) > 1:
        what = f"{names} look nearly the same and have different labels."
        return Problem(ProblemKind.NEAR_CONFLICT, paths, what, "See that each has the right label.")
    if len({sight.part for sight in alike}) > 1:
        what = f"{names} look nearly the same and lie in different parts; the test will look better than it is."
        return Problem(ProblemKind.LEAK, paths, what, "Keep them in one part.")
    what = f"{names} look nearly the same; they are kept on one side of the split."
    return Problem(ProblemKind.NEAR_DUPLICATE, paths, what, "Nothing needs to be done.")


def _all_alike(sights: Sequence[Sight], groups: NDArray[np.int64]) -> Iterable[Problem]:
    looks: dict[str, set[int]] = defaultdict(set)
    for sight, group in zip(sights, groups.tolist(), strict=True):
        looks[sight.label].add(group)
    labels = sorted((label for label, distinct in looks.items() if len(distinct) == 1), key=natural)
    if labels:
        what = (
            f"Classes whose images all look nearly the same: {listed(labels)}; they can be trained on but not tested."
        )
        yield Problem(ProblemKind.ALL_ALIKE, (), what, _MORE_HINT)


def _missing_from_parts(sights: Sequence[Sight]) -> Iterable[Problem]:
    for part in (Part.VALIDATION, Part.TEST):
        there = {sight.label for sight in sights if sight.part is part}
        missing = sorted(_labels(sights) - there, key=natural)
        if there and missing:
            what = f"Classes without an image in the part {part.value}: {listed(missing)}."
            yield Problem(ProblemKind.MISSING_FROM_PART, (), what, f"Put images of them into the folder {part.value}.")


def _few_images(sights: Sequence[Sight]) -> Iterable[Problem]:
    few = {label: count for label, count in _counts(sights).items() if count < _FEW_IMAGES}
    if few:
        what = f"Classes of fewer than {_FEW_IMAGES} images: {counted(few)}."
        yield Problem(ProblemKind.FEW_IMAGES, (), what, _MORE_HINT)


def _imbalance(sights: Sequence[Sight]) -> Iterable[Problem]:
    counts = _counts(sights)
    least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[most] > _MOST_IMBALANCE * counts[least]:
        what = f"“{most}” has {quantity(counts[most])}, “{least}” only {counts[least]:,}."
        yield Problem(ProblemKind.IMBALANCE, (), what, "Add images to the small classes.")


def _many_classes(sights: Sequence[Sight]) -> Iterable[Problem]:
    count = len(_labels(sights))
    if count > _MANY_CLASSES:
        what = f"There are {count:,} classes; training will take long, and some will be hard to tell apart."
        yield Problem(ProblemKind.MANY_CLASSES, (), what, "See that the folders are really classes.")


def _case_clashes(sights: Sequence[Sight]) -> Iterable[Problem]:
    alike: dict[str, list[str]] = defaultdict(list)
    for label in _by_label(sights):
        alike[label.casefold()].append(label)
    for labels in (labels for labels in alike.values() if len(labels) > 1):
        what = f"The classes {listed(labels)} differ only in capital letters; they are learned as different ones."
        yield Problem(ProblemKind.CASE_CLASH, (), what, "If they are one class, give them one name.")


_ODD: Final = {
    ProblemKind.TINY: ("smaller than 32 pixels", "Use larger copies where there are any."),
    ProblemKind.ELONGATED: ("more than five times as long as wide", "Crop them to what they show."),
    ProblemKind.BLANK: ("of one colour, with nothing in it", "Remove what shows nothing."),
    ProblemKind.GREY: ("grey, among others in colour", "If one class is mostly grey, its colour is what is learned."),
}


def _odd_images(sights: Sequence[Sight], root: Path | None) -> Iterable[Problem]:
    for kind, (what, hint) in _ODD.items():
        odd = [sight for sight in sights if kind in sight.oddities]
        if odd and not (kind is ProblemKind.GREY and len(odd) == len(sights)):
            yield Problem(kind, _paths(odd), f"{quantity(len(odd))} {what}: {_names(odd, root)}.", hint)


def _by_label(sights: Sequence[Sight]) -> dict[str, list[Sight]]:
    """The images of each class, in the classes' order."""
    found: dict[str, list[Sight]] = defaultdict(list)
    for sight in sights:
        found[sight.label].append(sight)
    return {label: found[label] for label in sorted(found, key=natural)}


def _counts(sights: Sequence[Sight]) -> dict[str, int]:
    return {label: len(own) for label, own in _by_label(sights).items()}


def _labels(sights: Iterable[Sight]) -> set[str]:
    return {sight.label for sight in sights}


def _paths(sights: Sequence[Sight]) -> tuple[Path, ...]:
    return tuple(sight.path for sight in sights)


def _names(sights: Sequence[Sight], root: Path | None) -> str:
    return places((sight.path for sight in sights), root)
