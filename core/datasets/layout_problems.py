"""Problems with the layout of a folder: what was skipped, and what the user may have meant otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from core.base.errors import FoveaError
from core.base.i18n import mark, tr, tr_n
from core.base.text import display_path, natural_sort_key
from core.datasets.class_labels import folder_label
from core.datasets.problems import Problem, ProblemKind, format_names, format_path, format_paths, unreadable
from core.datasets.subsets import are_named_as_subsets

LAYOUT_HINT: Final = mark("Choose a folder with one subfolder of images per class, or with files named like cat.0.jpg.")

_SUBSETS_HINT: Final = mark("Name the folders train, validation and test, and put one subfolder per class in each.")

_MAX_SUBSETS: Final = 20
"""More folders than this are hardly the subsets of one dataset."""


class LayoutProblems:
    """Words each problem, and lists it once.

    Attributes:
        found: the problems, in the order in which they were found.
    """

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add_unreadable(self, path: Path, error: FoveaError) -> None:
        """A file or folder cannot be read."""
        self.found.append(unreadable(path, error.what, error.hint))

    def add_hidden(self, folders: Sequence[Path]) -> None:
        """Hidden folders with images, which may be classes, were skipped."""
        what = tr("Skipped hidden folders with images: {names}.", names=format_paths(folders))
        hint = tr("If they are classes, rename them so that their names don't start with a dot.")
        self._add(ProblemKind.SKIPPED, folders, what, hint)

    def add_links(self, links: Sequence[Path]) -> None:
        """Links to folders were skipped."""
        what = tr("Skipped links to folders: {names}.", names=format_paths(links))
        self._add(ProblemKind.SKIPPED, links, what, tr("To use these images, copy the folders here."))

    def add_read_twice(self, folder: Path) -> None:
        """A folder was skipped that had been read before, through another mount point for example."""
        what = tr(
            "Skipped the folder “{folder}”: it is the same as another one already read.", folder=format_path(folder)
        )
        self._add(ProblemKind.SKIPPED, [folder], what, tr("To use it here too, copy the folder."))

    def add_spellings(self, spelling: Mapping[str, str]) -> None:
        """Classes are spelled differently in different subsets; maps each spelling to the one in use."""
        pairs = format_names([f"{label}” = “{spelling[label]}" for label in sorted(spelling, key=natural_sort_key)])
        what = tr("Classes spelled differently in different sets are treated as the same: {names}.", names=pairs)
        self._add(ProblemKind.CASE_CLASH, [], what, tr("No action needed."))

    def add_empty_subset(self, folder: Path) -> None:
        """A subset has no labelled images."""
        what = tr(
            "The folder “{folder}” contains no labelled images, so this set is split from the others.",
            folder=format_path(folder),
        )
        self._add(ProblemKind.EMPTY_SUBSET, [folder], what, tr(LAYOUT_HINT))

    def add_empty_classes(self, folders: Iterable[Path]) -> None:
        """Class folders contain no images; those with a problem of their own are not listed again."""
        known = {path for problem in self.found for path in problem.paths}
        for folder in folders:
            if folder not in known:
                what = tr("The class folder “{folder}” contains no images.", folder=format_path(folder))
                self._add(ProblemKind.EMPTY_CLASS, [folder], what, tr("Add images to it, or remove it."))

    def add_without_label(self, images: Sequence[Path]) -> None:
        """Images in no class folder have no label in their name."""
        what = tr_n(
            "Left out {count:,} image without a class folder or a label in its name.",
            "Left out {count:,} images without a class folder or a label in their names.",
            len(images),
        )
        self._add(ProblemKind.NO_LABELS, images, what, tr(LAYOUT_HINT))

    def add_loose(self, images: Sequence[Path]) -> None:
        """Images beside class folders were skipped."""
        what = tr_n(
            "Skipped {count:,} image outside the class folders: {names}.",
            "Skipped {count:,} images outside the class folders: {names}.",
            len(images),
            names=format_paths(images),
        )
        self._add(ProblemKind.SKIPPED, images, what, tr("Move them into a class folder."))

    def add_outside(self, paths: Sequence[Path]) -> None:
        """Folders and images beside subset folders were skipped."""
        what = tr(
            "Skipped everything outside the training, validation and test folders: {names}.", names=format_paths(paths)
        )
        self._add(ProblemKind.SKIPPED, paths, what, tr("To use these images, move them into those folders."))

    def add_similar(self, inside: Mapping[Path, Sequence[Path]]) -> None:
        """Folders that are read as classes are named like subsets, or contain the same classes.

        Args:
            inside: the class folders, with their subfolders.
        """
        tops = [top for top, own in inside.items() if own]
        names = {top: {folder_label(one.name).casefold() for one in inside[top]} for top in tops}
        pairs = combinations(tops, 2) if len(tops) <= _MAX_SUBSETS else ()
        found = {top for a, b in pairs if _are_similar(names[a], names[b]) for top in (a, b)}
        alike = [top for top in tops if top in found]
        if are_named_as_subsets(list(inside)) and not alike:
            what = tr(
                "The folders {names} are used as classes but look like training, validation and test sets.",
                names=format_names([top.name for top in inside]),
            )
            self._add(ProblemKind.LOOKS_LIKE_SUBSETS, inside, what, tr(_SUBSETS_HINT))
        if alike:
            shared = sorted({display_path(one.name) for top in alike for one in inside[top]}, key=natural_sort_key)
            what = tr(
                "The folders {names} are used as classes but contain folders with the same names: {shared}.",
                names=format_names([display_path(top.name) for top in alike]),
                shared=format_names(shared),
            )
            hint = tr(
                "If those are the classes, choose one of the folders, or name the folders train, validation and test."
            )
            self._add(ProblemKind.LOOKS_LIKE_SUBSETS, alike, what, hint)

    def _add(self, kind: ProblemKind, paths: Iterable[Path], what: str, hint: str) -> None:
        problem = Problem(kind, tuple(paths), what, hint)
        if problem not in self.found:  # a folder that may be a subset is listed more than once
            self.found.append(problem)


def _are_similar(a: set[str], b: set[str]) -> bool:
    """Whether two sets of names, at least one with several, share at least half of the smaller one."""
    return max(len(a), len(b)) > 1 and 2 * len(a & b) >= max(1, min(len(a), len(b)))
