"""Which images a folder gives to learn from, and what each one's label is, by where it lies or what it is called.

Four layouts are told apart: a folder for each class; Kaggle's one folder of files such as `cat.0.jpg`; folders of
parts, such as `train`, `validation` and `test` (`core.datasets.subsets`), each in one of the first two layouts, perhaps
wrapped once more as in `train/train`; and a folder for each class with such parts inside. What the person decided
about single images goes before all that: see `core.datasets.label_overrides`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Final

from core.base.errors import DatasetError, FoveaError
from core.base.progress import CancelToken
from core.base.text import display_path, natural_sort_key
from core.datasets.class_labels import normalize_label
from core.datasets.label_overrides import OverriddenImage, read_overrides, summarize
from core.datasets.problems import Problem, ProblemKind, format_names, format_path, format_paths, pluralize, unreadable
from core.datasets.subsets import Subset, are_named_as_subsets, is_wrapper, subsets_among
from core.images.listing import find_images, identity, is_folder, is_hidden, is_link
from core.images.system_folders import is_system_folder

LAYOUT_HINT: Final = "Give a folder with one subfolder of images for each class, or with files such as cat.0.jpg."

_SUBSETS_HINT: Final = "Name the folders of parts train, validation and test, with a subfolder for each class in each."

_MAX_SUBSETS: Final = 20
"""Folders, of which more are hardly parts of one set."""

_LABEL_IN_NAME: Final = re.compile(r"(?P<label>.*[^\W\d_].*?)[._ -]+\(?\d+\)?\Z")
_CAMERA: Final = re.compile(
    r"_?(?:img|mg|dsc|dscn|dscf|dcim|pxl|mvi|vid|sam|image|photo|picture|pic|scan|screenshot|whatsapp)(?![^\W_])"
)
"""How cameras and programs begin names that say nothing about what is in the image."""


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image to learn from, not yet opened.

    Attributes:
        path: the file.
        label: its class.
        subset: what it is for, where the folder says that.
    """

    path: Path
    label: str
    subset: Subset | None


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a folder gives.

    Attributes:
        images: with their labels, as amended.
        problems: what was passed over, and that something was amended.
        overridden: the files that the person decided about otherwise than the folder has it.
    """

    images: list[LabelledImage]
    problems: list[Problem]
    overridden: tuple[OverriddenImage, ...]


def discover(folder: Path, token: CancelToken) -> Discovery:
    """The images under a folder with their labels, and what was passed over.

    Hidden files, folders that systems and programs make for themselves, and what is not an image by its suffix are
    passed over silently. No folder is read twice, and no link to a folder is followed.

    Raises:
        DatasetError: the folder is not there or cannot be read.
        Cancelled: the token was cancelled.
    """
    search = _Discoverer(folder, token)
    try:
        images = search.apply_overrides(search.images())
        search.report_overridden()
        return Discovery(images, search.problems, tuple(search.overridden))
    except OSError as error:
        what = f"The folder “{display_path(folder)}” could not be read: {error.strerror or 'no reason given'}."
        raise DatasetError(what, hint="See that it is there, is a folder, and may be opened by you.") from error


def _normalized_label(name: str) -> str:
    """A folder's or file's name as a label."""
    return normalize_label(name) or "unnamed"


class _Discoverer:
    """One look through a folder.

    Attributes:
        problems: what was passed over so far, and why.
        overridden: what was amended so far.
        _read: identities of the folders read so far.
    """

    def __init__(self, folder: Path, token: CancelToken) -> None:
        self._folder, self._token = folder, token
        self._read: set[Hashable] = set()
        self.problems: list[Problem] = []
        self.overridden: list[OverriddenImage] = []
        self._overrides = read_overrides(folder)

    def apply_overrides(self, images: list[LabelledImage]) -> list[LabelledImage]:
        """The images as the person would have them; those without a label are among them only where one is decided."""
        return [kept for image in images if (kept := self._override(image)) is not None]

    def report_overridden(self) -> None:
        if self.overridden:
            hint = "The wizard in the window shows which, and undoes it."
            self._add_problem(
                ProblemKind.OVERRIDDEN, [one.path for one in self.overridden], summarize(self.overridden), hint
            )

    def _override(self, image: LabelledImage) -> LabelledImage | None:
        self._token.check()
        decided = self._overrides.of_file(image.path) if self._overrides else None
        if decided is None or decided.label == image.label:
            return image
        self.overridden.append(OverriddenImage(image.path, image.label, decided.label))
        return None if decided.label is None else LabelledImage(image.path, decided.label, image.subset)

    def images(self) -> list[LabelledImage]:
        self._read.add(identity(self._folder))
        subfolders = self._classes_in(self._folder)
        parts = subsets_among(subfolders)
        if not parts:
            return self._classes_of_subsets(subfolders) or self._labelled(self._folder, subfolders, None)
        self._report_outside([folder for folder in subfolders if folder not in parts])
        return self._merge_spellings(
            [image for folder, part in parts.items() for image in self._subset_images(folder, part)]
        )

    def _classes_of_subsets(self, tops: list[Path]) -> list[LabelledImage]:
        """The images of class folders that each hold parts, as in `cat/train` and `cat/test`; none where some do not.

        Folders that are no parts, but look as if they were, are reported.
        """
        inside = {top: self._if_readable(self._subfolders, top) for top in tops}
        parts = {top: subsets_among(subfolders) for top, subfolders in inside.items()}
        if len(tops) < 2 or not all(parts.values()) or any(map(self._holds_images, tops)):
            self._report_similar(inside)
            return []
        return [
            image
            for top, own in parts.items()
            for folder, part in own.items()
            for image in self._class(folder, part, _normalized_label(top.name))
        ]

    def _holds_images(self, folder: Path) -> bool:
        found = find_images([folder], recursive=False, on_error=lambda *_: None)  # it is told when the folder is read
        return next(iter(found), None) is not None

    def _merge_spellings(self, images: list[LabelledImage]) -> list[LabelledImage]:
        """The images with the classes of all parts in the spelling of the training part: `Bird` for `bird`."""
        known = {image.label for image in images if image.subset is Subset.TRAIN}
        folded = Counter(label.casefold() for label in known)
        spelling = {label.casefold(): label for label in known if folded[label.casefold()] == 1}
        labels = {image.label for image in images} - known
        changed = {label: spelling[label.casefold()] for label in labels if label.casefold() in spelling}
        if changed:
            pairs = format_names([f"{label}” as “{changed[label]}" for label in sorted(changed, key=natural_sort_key)])
            what = f"Classes that are spelled differently in the parts are read as one: {pairs}."
            self._add_problem(ProblemKind.CASE_CLASH, [], what, "Nothing needs to be done.")
        return [replace(image, label=changed.get(image.label, image.label)) for image in images]

    def _subset_images(self, folder: Path, part: Subset) -> list[LabelledImage]:
        folder = self._unwrapped(folder)
        images = self._labelled(folder, self._if_readable(self._classes_in, folder), part)
        if not images:
            what = f"The folder “{format_path(folder)}” holds no labelled images; that part is taken from the others."
            self._add_problem(ProblemKind.EMPTY_SUBSET, [folder], what, LAYOUT_HINT)
        return images

    def _unwrapped(self, folder: Path) -> Path:
        """A part's folder, or the one inside that is all it holds, as in `train/train`."""
        inside = self._if_readable(self._subfolders, folder)
        if len(inside) != 1 or not is_wrapper(inside[0], folder):
            return folder
        return folder if self._holds_images(folder) else self._unwrapped(inside[0])

    def _labelled(self, folder: Path, subfolders: list[Path], part: Subset | None) -> list[LabelledImage]:
        """The images of one folder, by class folders if those hold any, otherwise by their names."""
        loose = list(self._images_in(folder))
        images = [image for subfolder in subfolders for image in self._class(subfolder, part)]
        if not images:
            return self._by_name(loose, part)
        self._report_empty(subfolders, {image.label for image in images})
        decided, left = self._skip_unlabelled(loose, part)
        self._report_loose(left)
        return images + decided

    def _skip_unlabelled(self, without: list[Path], part: Subset | None) -> tuple[list[LabelledImage], list[Path]]:
        """Of images to which the folder gives no label: those the person decided about, and the rest."""
        if not self._overrides:
            return [], without
        decided = dict.fromkeys(path for path in without if self._overrides.of_file(path) is not None)
        return [LabelledImage(path, "", part) for path in decided], [path for path in without if path not in decided]

    def _class(self, top: Path, part: Subset | None, label: str = "") -> Iterator[LabelledImage]:
        """The images of a class folder and everything below; the class has the folder's name unless one is given."""
        label, waiting = label or _normalized_label(top.name), [top]
        while waiting:
            folder = waiting.pop()
            if self._is_new(folder):
                yield from (LabelledImage(path, label, part) for path in self._images_in(folder))
                waiting.extend(reversed(self._if_readable(self._subfolders, folder)))

    def _by_name(self, images: list[Path], part: Subset | None) -> list[LabelledImage]:
        labels = {path: _label_in_name(path) for path in images}
        decided, without = self._skip_unlabelled([path for path, label in labels.items() if label is None], part)
        if without:
            what = f"{pluralize(len(without))} without a class folder or a label in the name: left out."
            self._add_problem(ProblemKind.NO_LABELS, without, what, LAYOUT_HINT)
        return [*(LabelledImage(path, label, part) for path, label in labels.items() if label is not None), *decided]

    def _images_in(self, folder: Path) -> Iterator[Path]:
        for path in find_images([folder], recursive=False, on_error=self._report_unreadable):
            self._token.check()
            yield path

    def _classes_in(self, folder: Path) -> list[Path]:
        """The folders inside one that may be classes; hidden ones that look like classes are reported."""
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if is_hidden(entry) and is_folder(entry) and not is_link(entry)]
        hidden = [folder / name for name in sorted(names, key=natural_sort_key) if not is_system_folder(name)]
        classes = [one for one in hidden if next(self._images_in(one), None)]
        if classes:
            what = f"Hidden folders are not read, though they hold images: {format_paths(classes)}."
            hint = "If they are classes, rename them so that their names do not start with a dot."
            self._add_problem(ProblemKind.SKIPPED, classes, what, hint)
        return self._subfolders(folder)

    def _subfolders(self, folder: Path) -> list[Path]:
        """The folders inside one, in natural order, without hidden ones and those of systems; links are reported."""
        with os.scandir(folder) as entries:
            found = {entry.name: is_link(entry) for entry in entries if not is_hidden(entry) and is_folder(entry)}
        self._token.check()
        names = [name for name in sorted(found, key=natural_sort_key) if not is_system_folder(name)]
        if links := [folder / name for name in names if found[name]]:
            what = f"Links to folders are not followed: {format_paths(links)}."
            self._add_problem(
                ProblemKind.SKIPPED, links, what, "Copy the folders that should be learned to these places."
            )
        return [folder / name for name in names if not found[name]]

    @staticmethod
    def _if_readable(subfolders: Callable[[Path], list[Path]], folder: Path) -> list[Path]:
        try:
            return subfolders(folder)
        except OSError:  # `_images_in` has told of it
            return []

    def _is_new(self, folder: Path) -> bool:
        """Whether a folder was not read yet; one that is mounted in several places is."""
        try:
            key = identity(folder)
        except OSError:
            return True  # `_images_in` tells why
        if key in self._read:
            what = f"The folder “{format_path(folder)}” is the same as another one that is read; it is passed over."
            self._add_problem(ProblemKind.SKIPPED, [folder], what, "Copy the folder if it should be read here too.")
            return False
        self._read.add(key)
        return True

    def _report_similar(self, inside: Mapping[Path, list[Path]]) -> None:
        """Say which folders are read as classes though they are named as parts, or hold the same classes."""
        tops = [top for top, own in inside.items() if own]
        names = {top: {_normalized_label(one.name).casefold() for one in inside[top]} for top in tops}
        pairs = combinations(tops, 2) if len(tops) <= _MAX_SUBSETS else ()
        found = {top for a, b in pairs if _are_similar(names[a], names[b]) for top in (a, b)}
        alike = [top for top in tops if top in found]
        if are_named_as_subsets(list(inside)) and not alike:
            what = f"The folders {format_names([top.name for top in inside])} are read as classes, but look like parts."
            self._add_problem(ProblemKind.LOOKS_LIKE_SUBSETS, inside, what, _SUBSETS_HINT)
        if alike:
            shared = sorted({display_path(one.name) for top in alike for one in inside[top]}, key=natural_sort_key)
            read = format_names([display_path(top.name) for top in alike])
            what = (
                f"The folders {read} are read as classes, but hold folders of the same names: {format_names(shared)}."
            )
            hint = f"If those are the classes, give one of the folders, or do this: {_SUBSETS_HINT}"
            self._add_problem(ProblemKind.LOOKS_LIKE_SUBSETS, alike, what, hint)

    def _report_empty(self, subfolders: list[Path], labels: set[str]) -> None:
        reported = {path for problem in self.problems for path in problem.paths}
        for empty in (subfolder for subfolder in subfolders if _normalized_label(subfolder.name) not in labels):
            if empty not in reported:
                what = f"The class folder “{format_path(empty)}” holds no images."
                self._add_problem(ProblemKind.EMPTY_CLASS, [empty], what, "Put images into it, or remove it.")

    def _report_loose(self, loose: list[Path]) -> None:
        if loose:
            what = f"{pluralize(len(loose))} beside the class folders, in none of them: {format_paths(loose)}."
            self._add_problem(ProblemKind.SKIPPED, loose, what, "Move them into a class folder.")

    def _report_outside(self, folders: list[Path]) -> None:
        loose = list(self._images_in(self._folder))
        if folders or loose:
            outside = [*folders, *loose]
            what = f"Beside the folders train, validation and test, nothing is read: {format_paths(outside)}."
            self._add_problem(ProblemKind.SKIPPED, outside, what, "Move what shall be learned from into those folders.")

    def _report_unreadable(self, path: Path, error: FoveaError) -> None:
        self.problems.append(unreadable(path, error.what, error.hint))

    def _add_problem(self, kind: ProblemKind, paths: Iterable[Path], what: str, hint: str) -> None:
        problem = Problem(kind, tuple(paths), what, hint)
        if problem not in self.problems:  # a folder that may be a part is looked into more than once
            self.problems.append(problem)


def _are_similar(a: set[str], b: set[str]) -> bool:
    """Whether two sets of names, one of them of several, have half of the smaller one in common."""
    return max(len(a), len(b)) > 1 and 2 * len(a & b) >= max(1, min(len(a), len(b)))


def _label_in_name(path: Path) -> str | None:
    match = _LABEL_IN_NAME.fullmatch(path.stem)
    if match is None or _CAMERA.match(path.stem.casefold()):
        return None
    return _normalized_label(match["label"])
