"""What can be wrong with a folder of labelled images, in words for the person who made it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.base.errors import DatasetError
from core.base.text import display_path
from core.datasets.label_overrides import OverriddenImage

_MAX_NAMED: Final = 5
"""How many names a message lists, or how many messages of a kind there are, before the others are only counted."""
_MAX_REPORTED: Final = 3
"""How many messages stand for all of a kind."""


class ProblemKind(StrEnum):
    """What is wrong; a stable word for programs."""

    NO_IMAGES = "no-images"
    NO_LABELS = "no-labels"
    ALL_THE_SAME = "all-the-same"
    TOO_FEW_CLASSES = "too-few-classes"
    UNREADABLE = "unreadable"
    SKIPPED = "passed-over"
    EMPTY_CLASS = "empty-class"
    EMPTY_SUBSET = "empty-part"
    CLASS_DROPPED = "class-left-out"
    MISSING_FROM_SUBSET = "missing-from-part"
    FEW_IMAGES = "few-images"
    ALL_SAME_CLASS = "all-alike"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    NEAR_DUPLICATE = "near-duplicate"
    NEAR_CONFLICT = "near-conflict"
    LEAK = "leak"
    IMBALANCE = "imbalance"
    MANY_CLASSES = "many-classes"
    CASE_CLASH = "case-clash"
    TINY = "tiny"
    ELONGATED = "elongated"
    BLANK = "blank"
    GREY = "grey"
    OVERRIDDEN = "amended"
    LOOKS_LIKE_SUBSETS = "looks-like-parts"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a folder of labelled images.

    Attributes:
        kind: what is wrong.
        paths: the files and folders it is about; the first one stands for all where they are many.
        message: what was found, and what was done about it.
        hint: what the person can do.
        is_fatal: whether nothing can be learned because of it.
    """

    kind: ProblemKind
    paths: tuple[Path, ...]
    message: str
    hint: str
    is_fatal: bool = False


class FolderError(DatasetError):
    """A folder that was looked through holds nothing that can be learned from.

    Attributes:
        problems: everything that was found wrong with it.
        amended: the files that the person decided about.
    """

    def __init__(
        self, what: str, *, hint: str, problems: tuple[Problem, ...] = (), overridden: tuple[OverriddenImage, ...] = ()
    ) -> None:
        super().__init__(what, hint=hint)
        self.problems, self.amended = problems, overridden


def unreadable(path: Path, what: str, hint: str) -> Problem:
    """A file or folder that was passed over because it could not be read, for a reason that calls it by its name."""
    alone, among_others = f"“{display_path(path.name)}”", f"“{format_path(path)}”"
    return Problem(ProblemKind.UNREADABLE, (path,), what.replace(alone, among_others, 1), hint)


def summarize(problems: Iterable[Problem]) -> list[Problem]:
    """The problems by kind, of each the first few, and of many more only how many: so that all can be read."""
    kinds: dict[ProblemKind, list[Problem]] = defaultdict(list)
    for problem in problems:
        kinds[problem.kind].append(problem)
    return [text for alike in kinds.values() for text in _summarize_kind(alike)]


def _summarize_kind(alike: list[Problem]) -> list[Problem]:
    if len(alike) <= _MAX_NAMED:
        return alike
    text, rest = alike[:_MAX_REPORTED], alike[_MAX_REPORTED:]
    paths = tuple(path for problem in rest for path in problem.paths)
    about = f": {format_paths(paths)}" if paths else ""
    return [*text, Problem(rest[0].kind, paths, f"{len(rest):,} more of that kind{about}.", rest[0].hint)]


def format_names(names: Sequence[str]) -> str:
    """The first few names in quotation marks, and how many more there are."""
    shown = ", ".join(f"“{name}”" for name in names[:_MAX_NAMED])
    return shown if len(names) <= _MAX_NAMED else f"{shown} and {len(names) - _MAX_NAMED:,} more"


def format_counts(counts: Mapping[str, int]) -> str:
    """As `listed`, with a number behind each name."""
    shown = ", ".join(f"“{name}” ({count:,})" for name, count in list(counts.items())[:_MAX_NAMED])
    return shown if len(counts) <= _MAX_NAMED else f"{shown} and {len(counts) - _MAX_NAMED:,} more"


def format_path(path: Path, root: Path | None = None) -> str:
    """A file by its place under the root, or else by its folder's name and its own, as one line."""
    if root is not None and path.is_relative_to(root):
        return display_path(path.relative_to(root))
    return display_path(Path(path.parent.name, path.name))


def format_paths(paths: Iterable[Path], root: Path | None = None) -> str:
    """The first few files as `place` names them, and how many more there are."""
    return format_names([format_path(path, root) for path in paths])


def pluralize(count: int, what: str = "image") -> str:
    """A count with its noun: "1 image", "12,500 images"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
