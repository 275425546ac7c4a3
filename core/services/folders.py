"""Folders of labelled photos for the window: read, decided about, built; as light values."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.dataset import built
from core.dataset.amendments import amend
from core.dataset.built import AddPhotos, MovePhotos
from core.dataset.dataset import Dataset, read_dataset
from core.dataset.problems import Problem, ProblemKind
from core.errors import DatasetError
from core.progress import CancelToken, Progress
from core.services.folder_messages import (
    Change,
    Changed,
    Decide,
    EditSet,
    FolderProgress,
    FolderRead,
    ListSets,
    NewSet,
    ReadFolder,
    RenameSet,
    SetsListed,
    Undo,
    Undoing,
)
from core.services.training_values import BuiltSet, ClassFacts, FoundProblem
from core.worker import portable

_SAMPLES: Final = 12
_MOST_PROBLEMS: Final = 1000
_MOST_PATHS: Final = 50
_LEAST_PAUSE_S: Final = 0.1

# ---- reading


def read(job: ReadFolder, tell: Callable[[FolderProgress], None],
         token: CancelToken) -> FolderRead:  # fmt: skip
    """What is in a folder.

    Args:
        job: the request.
        tell: takes how far it is, at most ten times a second.
        token: looked at for each image.

    Raises:
        Cancelled: the token was cancelled.
    """
    told_s = 0.0

    def report(progress: Progress) -> None:
        nonlocal told_s
        moment = time.monotonic()
        if moment - told_s >= _LEAST_PAUSE_S or progress.step == progress.total:
            told_s = moment
            tell(FolderProgress(job.ticket, progress.step, progress.total, progress.remaining_s))

    try:
        found = _facts(job, read_dataset(job.folder, report=report, token=token))
    except DatasetError as error:
        problems, count = found_problems(error.problems), len(error.problems)
        found = FolderRead(job.ticket, job.folder, (), 0, False, problems, count, portable(error), error.amended)
    return _as_built(found) if built.is_built(job.folder) else found


def _facts(job: ReadFolder, dataset: Dataset) -> FolderRead:
    own: dict[int, list[Path]] = defaultdict(list)
    for example in dataset.examples:
        own[example.label].append(example.path)
    return FolderRead(
        ticket=job.ticket,
        folder=job.folder,
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


def list_sets(job: ListSets) -> SetsListed:
    """The sets that were built here; what was taken out of them before this window is let go."""
    sets = []
    for folder in built.built_sets():
        built.tidy(folder)
        classes = built.classes_of(folder)
        sets.append(BuiltSet(folder, len(classes), sum(len(one.photos) for one in classes)))
    return SetsListed(job.ticket, tuple(sets))


def change(job: Change) -> Changed:
    """Make a change, and say what takes it back.

    Raises:
        UsageError: it cannot be meant.
        StorageError: the disk does not allow it; nothing was changed.
    """
    match job:
        case Decide():
            return Changed(job.ticket, job.folder, _decided(job), None)
        case EditSet():
            return Changed(job.ticket, job.folder, built.change(job.folder, job.edit), None)
        case Undo():
            _undo(job.folder, job.undo)
            return Changed(job.ticket, job.folder, None, None)
        case RenameSet():
            return Changed(job.ticket, built.rename_set(job.folder, job.name), None, None)
        case NewSet():
            folder = built.new_set(job.name)
            for label, photos in job.classes.items():
                built.change(folder, AddPhotos(label, photos))
            return Changed(job.ticket, folder, None, None)


def _decided(job: Decide) -> Undoing:
    """In a set that is ours, what is decided is done; any other folder is only amended."""
    if not built.is_built(job.folder):
        return amend(job.folder, job.changes)
    done: built.Moves = ()
    for photo, decided in job.changes.items():
        if decided is not None and decided.label != photo.parent.name:
            done = (*done, *built.change(job.folder, MovePhotos((photo,), decided.label)))
    return done


def _undo(folder: Path, undo: Undoing) -> None:
    if isinstance(undo, tuple):
        built.undo(undo)
    else:
        amend(folder, undo)
