"""Which images a folder gives to learn from, and what each one's label is, by where it lies or what it is called.

Three layouts are told apart: a folder for each class; Kaggle's one folder of files such as `cat.0.jpg`; and folders
`train`, `validation` (`valid`, `val`) and `test`, each in one of the other two layouts. What the person decided about
single images goes before all that: see `core.dataset.amendments`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.dataset.amendments import Amended, read_amendments, told
from core.dataset.problems import Problem, ProblemKind, place, places, quantity, unreadable
from core.errors import DatasetError, FoveaError
from core.images.folders import find_images, identity, is_folder, is_hidden, is_link, natural, printable
from core.images.system_folders import is_system_folder
from core.labels import as_label
from core.progress import CancelToken

LAYOUT_HINT: Final = "Give a folder with one subfolder of images for each class, or with files such as cat.0.jpg."

_LABEL_IN_NAME: Final = re.compile(r"(?P<label>.*[^\W\d_].*?)[._ -]+\(?\d+\)?\Z")
_CAMERA: Final = re.compile(
    r"_?(?:img|mg|dsc|dscn|dscf|dcim|pxl|mvi|vid|sam|image|photo|picture|pic|scan|screenshot|whatsapp)(?![^\W_])"
)
"""How cameras and programs begin names that say nothing about what is in the image."""


class Part(StrEnum):
    """What an image is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


_PARTS: Final = {
    "train": Part.TRAIN,
    "training": Part.TRAIN,
    "val": Part.VALIDATION,
    "valid": Part.VALIDATION,
    "validation": Part.VALIDATION,
    "test": Part.TEST,
    "test1": Part.TEST,  # Dogs vs Cats on Kaggle; its images have no labels
    "testing": Part.TEST,
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """An image to learn from, not yet opened.

    Attributes:
        path: the file.
        label: its class.
        part: what it is for, where the folder says that.
    """

    path: Path
    label: str
    part: Part | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder gives.

    Attributes:
        images: with their labels, as amended.
        problems: what was passed over, and that something was amended.
        amended: the files that the person decided about otherwise than the folder has it.
    """

    images: list[Labelled]
    problems: list[Problem]
    amended: tuple[Amended, ...]


def find_labelled(folder: Path, token: CancelToken) -> Found:
    """The images under a folder with their labels, and what was passed over.

    Hidden files, folders that systems and programs make for themselves, and what is not an image by its suffix are
    passed over silently. No folder is read twice, and no link to a folder is followed.

    Raises:
        DatasetError: the folder is not there or cannot be read.
        Cancelled: the token was cancelled.
    """
    search = _Search(folder, token)
    try:
        images = search.amended(search.images())
        search.tell_amended()
        return Found(images, search.problems, tuple(search.decisions))
    except OSError as error:
        what = f"The folder “{printable(folder)}” could not be read: {error.strerror or 'no reason given'}."
        raise DatasetError(what, hint="See that it is there, is a folder, and may be opened by you.") from error


def _as_label(name: str) -> str:
    """A folder's or file's name as a label."""
    return as_label(name) or "unnamed"


class _Search:
    """One look through a folder.

    Attributes:
        problems: what was passed over so far, and why.
        decisions: what was amended so far.
        _read: identities of the folders read so far.
    """

    def __init__(self, folder: Path, token: CancelToken) -> None:
        self._folder, self._token = folder, token
        self._read: set[Hashable] = set()
        self.problems: list[Problem] = []
        self.decisions: list[Amended] = []
        self._amendments = read_amendments(folder)

    def amended(self, images: list[Labelled]) -> list[Labelled]:
        """The images as the person would have them; those without a label are among them only where one is decided."""
        return [kept for image in images if (kept := self._amended(image)) is not None]

    def tell_amended(self) -> None:
        if self.decisions:
            hint = "The wizard in the window shows which, and undoes it."
            self._tell(ProblemKind.AMENDED, [one.path for one in self.decisions], told(self.decisions), hint)

    def _amended(self, image: Labelled) -> Labelled | None:
        self._token.check()
        decided = self._amendments.of_file(image.path) if self._amendments else None
        if decided is None or decided.label == image.label:
            return image
        self.decisions.append(Amended(image.path, image.label, decided.label))
        return None if decided.label is None else Labelled(image.path, decided.label, image.part)

    def images(self) -> list[Labelled]:
        self._read.add(identity(self._folder))
        subfolders = self._classes_in(self._folder)
        parts = _parts_among(subfolders)
        if not parts:
            return self._labelled(self._folder, subfolders, None)
        self._tell_outside([folder for folder in subfolders if folder not in parts])
        return [image for folder, part in parts.items() for image in self._part(folder, part)]

    def _part(self, folder: Path, part: Part) -> list[Labelled]:
        images = self._labelled(folder, self._if_readable(self._classes_in, folder), part)
        if not images:
            what = f"The folder “{place(folder)}” holds no labelled images; that part is taken from the others."
            self._tell(ProblemKind.EMPTY_PART, [folder], what, LAYOUT_HINT)
        return images

    def _labelled(self, folder: Path, subfolders: list[Path], part: Part | None) -> list[Labelled]:
        """The images of one folder, by class folders if those hold any, otherwise by their names."""
        loose = list(self._images_in(folder))
        images = [image for subfolder in subfolders for image in self._class(subfolder, part)]
        if not images:
            return self._by_name(loose, part)
        self._tell_empty(subfolders, {image.label for image in images})
        decided, left = self._decided(loose, part)
        self._tell_loose(left)
        return images + decided

    def _decided(self, without: list[Path], part: Part | None) -> tuple[list[Labelled], list[Path]]:
        """Of images to which the folder gives no label: those the person decided about, and the rest."""
        if not self._amendments:
            return [], without
        decided = dict.fromkeys(path for path in without if self._amendments.of_file(path) is not None)
        return [Labelled(path, "", part) for path in decided], [path for path in without if path not in decided]

    def _class(self, top: Path, part: Part | None) -> Iterator[Labelled]:
        """The images of a class folder and everything below."""
        label, waiting = _as_label(top.name), [top]
        while waiting:
            folder = waiting.pop()
            if self._is_new(folder):
                yield from (Labelled(path, label, part) for path in self._images_in(folder))
                waiting.extend(reversed(self._if_readable(self._subfolders, folder)))

    def _by_name(self, images: list[Path], part: Part | None) -> list[Labelled]:
        labels = {path: _label_in_name(path) for path in images}
        decided, without = self._decided([path for path, label in labels.items() if label is None], part)
        if without:
            what = f"{quantity(len(without))} without a class folder or a label in the name: left out."
            self._tell(ProblemKind.NO_LABELS, without, what, LAYOUT_HINT)
        return [*(Labelled(path, label, part) for path, label in labels.items() if label is not None), *decided]

    def _images_in(self, folder: Path) -> Iterator[Path]:
        for path in find_images([folder], recursive=False, on_error=self._tell_unreadable):
            self._token.check()
            yield path

    def _classes_in(self, folder: Path) -> list[Path]:
        """The folders inside one that may be classes; hidden ones that look like classes are reported."""
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if is_hidden(entry) and is_folder(entry) and not is_link(entry)]
        hidden = [folder / name for name in sorted(names, key=natural) if not is_system_folder(name)]
        classes = [one for one in hidden if next(self._images_in(one), None)]
        if classes:
            what = f"Hidden folders are not read, though they hold images: {places(classes)}."
            hint = "If they are classes, rename them so that their names do not start with a dot."
            self._tell(ProblemKind.PASSED_OVER, classes, what, hint)
        return self._subfolders(folder)

    def _subfolders(self, folder: Path) -> list[Path]:
        """The folders inside one, in natural order, without hidden ones and those of systems; links are reported."""
        with os.scandir(folder) as entries:
            found = {entry.name: is_link(entry) for entry in entries if not is_hidden(entry) and is_folder(entry)}
        self._token.check()
        names = [name for name in sorted(found, key=natural) if not is_system_folder(name)]
        if links := [folder / name for name in names if found[name]]:
            what = f"Links to folders are not followed: {places(links)}."
            self._tell(ProblemKind.PASSED_OVER, links, what, "Copy the folders that should be learned to these places.")
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
            what = f"The folder “{place(folder)}” is the same as another one that is read; it is passed over."
            self._tell(ProblemKind.PASSED_OVER, [folder], what, "Copy the folder if it should be read here too.")
            return False
        self._read.add(key)
        return True

    def _tell_empty(self, subfolders: list[Path], labels: set[str]) -> None:
        told = {path for problem in self.problems for path in problem.paths}
        for empty in (subfolder for subfolder in subfolders if _as_label(subfolder.name) not in labels):
            if empty not in told:
                what = f"The class folder “{place(empty)}” holds no images."
                self._tell(ProblemKind.EMPTY_CLASS, [empty], what, "Put images into it, or remove it.")

    def _tell_loose(self, loose: list[Path]) -> None:
        if loose:
            what = f"{quantity(len(loose))} beside the class folders, in none of them: {places(loose)}."
            self._tell(ProblemKind.PASSED_OVER, loose, what, "Move them into a class folder.")

    def _tell_outside(self, folders: list[Path]) -> None:
        loose = list(self._images_in(self._folder))
        if folders or loose:
            outside = [*folders, *loose]
            what = f"Beside the folders train, validation and test, nothing is read: {places(outside)}."
            self._tell(ProblemKind.PASSED_OVER, outside, what, "Move what shall be learned from into those folders.")

    def _tell_unreadable(self, path: Path, error: FoveaError) -> None:
        self.problems.append(unreadable(path, error.what, error.hint))

    def _tell(self, kind: ProblemKind, paths: Iterable[Path], what: str, hint: str) -> None:
        self.problems.append(Problem(kind, tuple(paths), what, hint))


def _parts_among(subfolders: list[Path]) -> dict[Path, Part]:
    """The folders of parts; none where `train` stands among other classes, such as cars and planes."""
    parts = {folder: _PARTS[folder.name.casefold()] for folder in subfolders if folder.name.casefold() in _PARTS}
    found = set(parts.values())
    return parts if Part.TRAIN in found and (len(found) > 1 or len(parts) == len(subfolders)) else {}


def _label_in_name(path: Path) -> str | None:
    match = _LABEL_IN_NAME.fullmatch(path.stem)
    if match is None or _CAMERA.match(path.stem.casefold()):
        return None
    return _as_label(match["label"])
