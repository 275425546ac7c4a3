"""Discovery of labelled images in a folder, with labels from folder or file names.

Four layouts are supported: one folder per class; Kaggle's single folder of files such as `cat.0.jpg`; subset folders
such as `train`, `validation` and `test` (`core.datasets.subsets`), each in one of the first two layouts and possibly
nested as in `train/train`; and one folder per class with subset folders inside. Labels that the user gave take
precedence: see `core.datasets.labels`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from core.base.errors import DatasetError
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.base.text import display_path, natural_sort_key
from core.datasets.class_labels import folder_label
from core.datasets.custom_datasets import is_custom
from core.datasets.hierarchy_file import add_path
from core.datasets.label_file import find_labels
from core.datasets.labelled_image import LabelledImage
from core.datasets.labels import LEFT_OUT, OverriddenImage, Scope, folder_key, summarize
from core.datasets.layout_problems import LayoutProblems
from core.datasets.problems import Problem, ProblemKind
from core.datasets.subsets import Subset, is_wrapper, subsets_among
from core.images.listing import find_images, identity, is_folder, is_hidden, is_link
from core.images.system_folders import is_system_folder

_LABEL_IN_NAME: Final = re.compile(r"(?P<label>.*[^\W\d_].*?)[._ -]+\(?\d+\)?\Z")
_CAMERA: Final = re.compile(
    r"_?(?:img|mg|dsc|dscn|dscf|dcim|pxl|mvi|vid|sam|image|photo|picture|pic|scan|screenshot|whatsapp)(?![^\W_])"
)
"""File name prefixes of cameras and programs, which do not describe the image."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """The labelled images of a folder.

    Attributes:
        images: with their labels, those of the user applied.
        problems: what was skipped, and a summary of the overrides.
        overridden: the files whose label the user overrode.
        confirmed: those whose label by the folder the user confirmed.
        paths: of nested classes the names of their levels, from the broadest to the class itself, by the class.
    """

    images: list[LabelledImage]
    problems: list[Problem]
    overridden: tuple[OverriddenImage, ...]
    confirmed: frozenset[Path]
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def discover(folder: Path, token: CancelToken, *, nested: bool = False) -> Discovery:
    """Find the images under a folder and their labels, and report what was skipped.

    With `nested`, folders inside a class folder are classes of their own: `animal/bird/owl` has images of an owl.

    Hidden files, system folders, and files without an image suffix are skipped silently. No folder is read twice, and
    links to folders are not followed.

    Raises:
        DatasetError: the folder is missing or cannot be read, or two nested classes have the same name.
        Cancelled: the token was cancelled.
    """
    search = _Discoverer(folder, token, nested=nested)
    try:
        images, overridden, confirmed = _with_user_labels(search.images(), folder, token)
    except OSError as error:
        name, reason = display_path(folder), error.strerror or tr("unknown error")
        what = tr("Couldn't read the folder “{folder}”: {reason}.", folder=name, reason=reason)
        raise DatasetError(what, hint=tr("Check that the folder exists and that you can open it.")) from error
    problems = search.problems.found
    if overridden:
        what, hint = summarize(overridden), tr("To review or undo these changes, open the training wizard.")
        problems.append(Problem(ProblemKind.OVERRIDDEN, tuple(one.path for one in overridden), what, hint))
    return Discovery(images, problems, tuple(overridden), confirmed, search.paths)


def _with_user_labels(
    images: list[LabelledImage], folder: Path, token: CancelToken
) -> tuple[list[LabelledImage], list[OverriddenImage], frozenset[Path]]:
    """Apply the user's labels; images without a label are dropped unless the user gave them one.

    In a dataset that was built in the wizard, its folders are the user's choice, so labels only confirm them.
    """
    scope = Scope(folder=folder_key(folder), classes={image.label for image in images} - {""})
    given, is_chosen = find_labels((image.path for image in images), token.check), is_custom(folder)
    labelled: list[LabelledImage] = []
    overridden: list[OverriddenImage] = []
    confirmed: set[Path] = set()
    for image in images:
        label = scope.choose(given.get(image.path, ()))
        if label is not None and label.label == image.label != LEFT_OUT:
            confirmed.add(image.path)
        elif label is not None and not is_chosen:
            overridden.append(OverriddenImage(image.path, image.label, label.label or None))
            image = replace(image, label=label.label)
            if not label.label:
                continue
        labelled.append(image)
    return labelled, overridden, frozenset(confirmed)


class _Discoverer:
    """One walk through a folder.

    Attributes:
        problems: those found so far.
        paths: see `Discovery`.
        _read: identities of the folders read so far.
    """

    def __init__(self, folder: Path, token: CancelToken, *, nested: bool) -> None:
        self._folder, self._token, self._is_nested = folder, token, nested
        self.paths: dict[str, tuple[str, ...]] = {}
        self._read: set[Hashable] = set()
        self.problems = LayoutProblems()

    def images(self) -> list[LabelledImage]:
        self._read.add(identity(self._folder))
        subfolders = self._classes_in(self._folder)
        parts = subsets_among(subfolders)
        if not parts:
            inside = [] if self._is_nested else self._classes_of_subsets(subfolders)
            return inside or self._labelled(self._folder, subfolders, None)
        if outside := [*(one for one in subfolders if one not in parts), *self._images_in(self._folder)]:
            self.problems.add_outside(outside)
        return self._merge_spellings(
            [image for folder, part in parts.items() for image in self._subset_images(folder, part)]
        )

    def _classes_of_subsets(self, tops: list[Path]) -> list[LabelledImage]:
        """The images of class folders that each contain subsets, as in `cat/train` and `cat/test`; else none.

        Folders that look like subsets but are read as classes are reported.
        """
        inside = {top: self._if_readable(self._subfolders, top) for top in tops}
        parts = {top: subsets_among(subfolders) for top, subfolders in inside.items()}
        if len(tops) < 2 or not all(parts.values()) or any(map(self._holds_images, tops)):
            self.problems.add_similar(inside)
            return []
        return [
            image
            for top, own in parts.items()
            for folder, part in own.items()
            for image in self._class(folder, part, folder_label(top.name))
        ]

    def _holds_images(self, folder: Path) -> bool:
        found = find_images(
            [folder], recursive=False, on_error=lambda *_: None
        )  # errors are reported when the folder is read
        return next(iter(found), None) is not None

    def _merge_spellings(self, images: list[LabelledImage]) -> list[LabelledImage]:
        """Spell the classes of all subsets as the training set does: `Bird` for `bird`."""
        known = {image.label for image in images if image.subset is Subset.TRAIN}
        folded = Counter(label.casefold() for label in known)
        spelling = {label.casefold(): label for label in known if folded[label.casefold()] == 1}
        labels = {image.label for image in images} - known
        changed = {label: spelling[label.casefold()] for label in labels if label.casefold() in spelling}
        if changed:
            self.problems.add_spellings(changed)
        return [replace(image, label=changed.get(image.label, image.label)) for image in images]

    def _subset_images(self, folder: Path, part: Subset) -> list[LabelledImage]:
        folder = self._unwrapped(folder)
        images = self._labelled(folder, self._if_readable(self._classes_in, folder), part)
        if not images:
            self.problems.add_empty_subset(folder)
        return images

    def _unwrapped(self, folder: Path) -> Path:
        """A subset folder, or the only folder inside it if that repeats its name, as in `train/train`."""
        inside = self._if_readable(self._subfolders, folder)
        if len(inside) != 1 or not is_wrapper(inside[0], folder):
            return folder
        return folder if self._holds_images(folder) else self._unwrapped(inside[0])

    def _labelled(self, folder: Path, subfolders: list[Path], part: Subset | None) -> list[LabelledImage]:
        """The images of one folder: by class folders if those contain any, else by file name."""
        loose = list(self._images_in(folder))
        images_of = self._nested_classes if self._is_nested else self._class
        images = [image for subfolder in subfolders for image in images_of(subfolder, part)]
        if not images:
            return self._by_name(loose, part)
        labels = {image.label for image in images} | {path[0] for path in self.paths.values()}
        self.problems.add_empty_classes(one for one in subfolders if folder_label(one.name) not in labels)
        decided, left = self._skip_unlabelled(loose, part)
        if left:
            self.problems.add_loose(left)
        return images + decided

    def _skip_unlabelled(self, without: list[Path], part: Subset | None) -> tuple[list[LabelledImage], list[Path]]:
        """Divide images that the folder gives no label into those with an override, and the rest."""
        labels = {} if is_custom(self._folder) else find_labels(without, self._token.check)
        scope = Scope(folder=folder_key(self._folder))
        decided = dict.fromkeys(path for path in without if scope.choose(labels.get(path, ())))
        return [LabelledImage(path, "", part) for path in decided], [path for path in without if path not in decided]

    def _class(self, top: Path, part: Subset | None, label: str = "") -> Iterator[LabelledImage]:
        """The images of a class folder, recursively; the folder's name is the label unless one is given."""
        label, pending = label or folder_label(top.name), [top]
        while pending:
            folder = pending.pop()
            if self._is_new(folder):
                yield from (LabelledImage(path, label, part) for path in self._images_in(folder))
                pending.extend(reversed(self._if_readable(self._subfolders, folder)))

    def _nested_classes(self, top: Path, part: Subset | None) -> Iterator[LabelledImage]:
        """The images of a folder and of the folders in it, each labelled by the folder that contains it."""
        pending: list[tuple[Path, tuple[str, ...]]] = [(top, (folder_label(top.name),))]
        while pending:
            folder, path = pending.pop()
            if self._is_new(folder):
                images = [LabelledImage(image, path[-1], part) for image in self._images_in(folder)]
                if images:
                    add_path(self.paths, path, key=path[-1])
                yield from images
                inside = reversed(self._if_readable(self._subfolders, folder))
                pending.extend((one, (*path, folder_label(one.name))) for one in inside)

    def _by_name(self, images: list[Path], part: Subset | None) -> list[LabelledImage]:
        labels = {path: _label_in_name(path) for path in images}
        decided, without = self._skip_unlabelled([path for path, label in labels.items() if label is None], part)
        if without:
            self.problems.add_without_label(without)
        return [*(LabelledImage(path, label, part) for path, label in labels.items() if label is not None), *decided]

    def _images_in(self, folder: Path) -> Iterator[Path]:
        for path in find_images([folder], recursive=False, on_error=self.problems.add_unreadable):
            self._token.check()
            yield path

    def _classes_in(self, folder: Path) -> list[Path]:
        """The subfolders that may be classes; hidden ones that contain images are reported."""
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if is_hidden(entry) and is_folder(entry) and not is_link(entry)]
        hidden = [folder / name for name in sorted(names, key=natural_sort_key) if not is_system_folder(name)]
        classes = [one for one in hidden if next(self._images_in(one), None)]
        if classes:
            self.problems.add_hidden(classes)
        return self._subfolders(folder)

    def _subfolders(self, folder: Path) -> list[Path]:
        """The subfolders in natural order, without hidden and system folders; links are reported."""
        with os.scandir(folder) as entries:
            found = {entry.name: is_link(entry) for entry in entries if not is_hidden(entry) and is_folder(entry)}
        self._token.check()
        names = [name for name in sorted(found, key=natural_sort_key) if not is_system_folder(name)]
        if links := [folder / name for name in names if found[name]]:
            self.problems.add_links(links)
        return [folder / name for name in names if not found[name]]

    @staticmethod
    def _if_readable(subfolders: Callable[[Path], list[Path]], folder: Path) -> list[Path]:
        try:
            return subfolders(folder)
        except OSError:  # reported by `_images_in`
            return []

    def _is_new(self, folder: Path) -> bool:
        """Whether a folder was not read yet, not even through another mount point."""
        try:
            key = identity(folder)
        except OSError:
            return True  # reported by `_images_in`
        if key in self._read:
            self.problems.add_read_twice(folder)
            return False
        self._read.add(key)
        return True


def _label_in_name(path: Path) -> str | None:
    match = _LABEL_IN_NAME.fullmatch(path.stem)
    if match is None or _CAMERA.match(path.stem.casefold()):
        return None
    return folder_label(match["label"])
