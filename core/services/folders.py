"""Folders of labelled photos for the window: read, decided about, built; as light values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.dataset import built
from core.dataset.amendments import Amendment, amend
from core.dataset.built import MovePhotos
from core.dataset.dataset import Dataset, read_dataset
from core.dataset.problems import Problem, ProblemKind
from core.errors import DatasetError
from core.progress import CancelToken, Report
from core.services.folder_values import FolderRead, Undoing
from core.services.training_values import BuiltSet, ClassFacts, FoundProblem
from core.worker import portable

_SAMPLES: Final = 12
_MOST_PROBLEMS: Final = 1000
_MOST_PATHS: Final = 50

# ---- reading


def read(folder: Path, *, report: Report, token: CancelToken) -> FolderRead:
    """Read what is in a folder.

    Raises:
        Cancelled: the token was cancelled.
    """
    try:
        found = _facts(folder, read_dataset(folder, report=report, token=token))
    except DatasetError as error:
        problems, count = found_problems(error.problems), len(error.problems)
        found = FolderRead(folder, problems=problems, problem_count=count, error=portable(error), amended=error.amended)
    return _as_built(found) if built.is_built(folder) else found


def _facts(folder: Path, dataset: Dataset) -> FolderRead:
    own: dict[int, list[Path]] = defaultdict(list)
    for example in dataset.examples:
        own[example.label].append(example.path)
    return FolderRead(
        folder=folder,
        classes=tuple(
            ClassFacts(name, len(own[label]), _spread(own[label])) for label, name in enumerate(dataset.classes)
        ),
        images=len(dataset.examples),
        has_parts=any(example.part is not None for example in dataset.examples),
        problems=found_problems(dataset.problems),
        problem_count=len(dataset.problems),
        error=None,
        amended=dataset.amended,
    )


def _as_built(found: FolderRead) -> FolderRead:
    """A set shows every class it has, and every photo, whether anything can be learnt from them yet or not."""
    classes = built.classes_of(found.folder) if found.folder.is_dir() else ()
    facts = tuple(ClassFacts(one.label, len(one.photos), one.photos) for one in classes)
    return replace(found, classes=facts, is_built=True)


def found_problems(problems: Sequence[Problem]) -> tuple[FoundProblem, ...]:
    """The first problems, those that are fatal before all others; what was amended is told apart from them."""
    fatal_first = sorted(problems, key=lambda problem: not problem.is_fatal)
    return tuple(
        FoundProblem(one.kind.value, one.message, one.hint, one.paths[:_MOST_PATHS], len(one.paths), one.is_fatal)
        for one in fatal_first[:_MOST_PROBLEMS]
        if one.kind is not ProblemKind.AMENDED
    )


def _spread(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Up to twelve of the paths, as far from each other as they can be."""
    count = min(_SAMPLES, len(paths))
    return tuple(paths[number * len(paths) // count] for number in range(count))


# ---- changing


def list_sets() -> tuple[BuiltSet, ...]:
    """List the sets that were built here; what was removed from them before this window is deleted."""
    sets = []
    for folder in built.built_sets():
        built.tidy(folder)
        classes = built.classes_of(folder)
        sets.append(BuiltSet(folder, len(classes), sum(len(one.photos) for one in classes)))
    return tuple(sets)


def decide(folder: Path, changes: Mapping[Path, Amendment | None]) -> Undoing:
    """Put photos in other classes or leave them out; return what undoes that.

    In a set that was built here, what is decided is done; any other folder is only amended.
    """
    if not built.is_built(folder):
        return amend(folder, changes)
    done: built.Moves = ()
    for photo, decided in changes.items():
        if decided is not None and decided.label != photo.parent.name:
            done = (*done, *built.change(folder, MovePhotos((photo,), decided.label)))
    return done


def undo(folder: Path, undoing: Undoing) -> None:
    """Undo a change."""
    if isinstance(undoing, tuple):
        built.undo(undoing)
    else:
        amend(folder, undoing)
