"""Problems of a folder of labelled images, with messages for the user who made it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.base.errors import DatasetError
from core.base.i18n import tr, tr_n
from core.base.text import display_path
from core.datasets.labels import OverriddenImage

_MAX_NAMED: Final = 5
"""The most names that a message lists, and the most messages of a kind that are shown in full."""
_MAX_REPORTED: Final = 3
"""How many messages of a kind are shown when there are more than `_MAX_NAMED`."""


class ProblemKind(StrEnum):
    """The kind of a problem; values are stable identifiers."""

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
    OUTLIER = "outlier"
    CONFUSED_CLASSES = "confused-classes"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a folder of labelled images.

    Attributes:
        kind: its kind.
        paths: the files and folders concerned; the first one represents them where there are many.
        message: what was found, and what was done about it.
        hint: what the user can do.
        is_fatal: whether it prevents training.
    """

    kind: ProblemKind
    paths: tuple[Path, ...]
    message: str
    hint: str
    is_fatal: bool = False


class FolderError(DatasetError):
    """A scanned folder contains nothing that a model can be trained on.

    Attributes:
        problems: all problems found.
        overridden: the files whose label the user overrode.
    """

    def __init__(
        self, what: str, *, hint: str, problems: tuple[Problem, ...] = (), overridden: tuple[OverriddenImage, ...] = ()
    ) -> None:
        super().__init__(what, hint=hint)
        self.problems, self.overridden = problems, overridden


def unreadable(path: Path, what: str, hint: str) -> Problem:
    """The problem of a file or folder that could not be read; the path replaces the bare file name in the message."""
    alone, among_others = f"“{display_path(path.name)}”", f"“{format_path(path)}”"
    return Problem(ProblemKind.UNREADABLE, (path,), what.replace(alone, among_others, 1), hint)


def summarize(problems: Iterable[Problem]) -> list[Problem]:
    """Group problems by kind and shorten long groups to the first few and a count of the others."""
    kinds: dict[ProblemKind, list[Problem]] = defaultdict(list)
    for problem in problems:
        kinds[problem.kind].append(problem)
    return [text for alike in kinds.values() for text in _summarize_kind(alike)]


def _summarize_kind(alike: list[Problem]) -> list[Problem]:
    if len(alike) <= _MAX_NAMED:
        return alike
    text, rest = alike[:_MAX_REPORTED], alike[_MAX_REPORTED:]
    paths = tuple(path for problem in rest for path in problem.paths)
    if paths:
        message = tr_n(
            "{count:,} more of the same kind: {names}.",
            "{count:,} more of the same kind: {names}.",
            len(rest),
            names=format_paths(paths, _common_folder(paths)),
        )
    else:
        message = tr_n("{count:,} more of the same kind.", "{count:,} more of the same kind.", len(rest))
    return [*text, Problem(rest[0].kind, paths, message, rest[0].hint)]


def _common_folder(paths: Sequence[Path]) -> Path | None:
    """The folder that contains all paths if their last two names are ambiguous, as those of copies in two sets are."""
    distinct = set(paths)
    if len({path.parts[-2:] for path in distinct}) == len(distinct):
        return None
    try:
        return Path(os.path.commonpath(distinct))
    except ValueError:  # they are on several drives of Windows
        return None


def format_names(names: Sequence[str]) -> str:
    """The first few names in quotation marks, and how many more there are."""
    return _and_more(", ".join(tr("“{name}”", name=name) for name in names[:_MAX_NAMED]), len(names) - _MAX_NAMED)


def format_counts(counts: Mapping[str, int]) -> str:
    """As `format_names`, with a count after each name."""
    shown = (tr("“{name}” ({number:,})", name=name, number=count) for name, count in list(counts.items())[:_MAX_NAMED])
    return _and_more(", ".join(shown), len(counts) - _MAX_NAMED)


def _and_more(names: str, rest: int) -> str:
    if rest <= 0:
        return names
    return tr_n("{names} and {count:,} more", "{names} and {count:,} more", rest, names=names)


def format_path(path: Path, root: Path | None = None) -> str:
    """A path relative to the root if it is inside, else its folder's name and its own, on one line."""
    if root is not None and path.is_relative_to(root):
        return display_path(path.relative_to(root))
    return display_path(Path(path.parent.name, path.name))


def format_paths(paths: Iterable[Path], root: Path | None = None) -> str:
    """The first few paths as `format_path` gives them, and how many more there are."""
    return format_names([format_path(path, root) for path in paths])
