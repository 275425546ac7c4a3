"""Folders of labelled photos: read, relabelled and built, one change at a time."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.base.errors import DatasetError, FoveaError, UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import display_path
from core.datasets import custom_datasets
from core.datasets.custom_datasets import AddPhotos, Edit, MovePhotos
from core.datasets.dataset import Dataset, read_dataset
from core.datasets.discovery import discover
from core.datasets.hierarchy_file import read_hierarchy_file
from core.datasets.label_file import open_labels
from core.datasets.label_store import LabelsByPath
from core.datasets.labels import Label, Scope, Source, folder_key
from core.datasets.multi_label import LabelsFrom, read_multi_label
from core.datasets.problems import FolderError, Problem, ProblemKind
from core.datasets.values import ClassSummary, CustomDataset, FolderChange, FolderRead, UndoAction
from core.worker import portable

_EDITING: Final = threading.Lock()
"""One change to a folder at a time."""
_SAMPLES: Final = 200
_MAX_PROBLEMS: Final = 1000

# ---- reading


def read(
    folder: Path, min_classes: int = 2, *, nested: bool = False, hierarchy: Path | None = None,
    report: ProgressCallback, token: CancelToken,
) -> FolderRead:  # fmt: skip
    """Read what is in a folder; it is an error if it has fewer classes.

    Args:
        folder: the folder.
        min_classes: the fewest classes.
        nested: whether folders inside a class folder are classes of their own, and the hierarchy that of the folders.
        hierarchy: a text file with the hierarchy of the classes; None for none.
        report: called after each photo.
        token: checked before each photo.

    Raises:
        Cancelled: the token was cancelled.
    """
    try:
        dataset = read_dataset(folder, report=report, token=token, min_classes=min_classes, nested=nested)
        if hierarchy is not None:
            dataset = replace(dataset, paths=read_hierarchy_file(hierarchy, dataset.classes))
        found = _summary(folder, dataset)
    except DatasetError as error:
        known = error if isinstance(error, FolderError) else FolderError(error.what, hint=error.hint)
        found = FolderRead(
            folder,
            problems=_reported(known.problems),
            error=portable(error),
            overridden=known.overridden,
            has_nested=not nested and _has_nested_classes(folder, token),
        )
    found = replace(found, has_nested=nested or found.has_nested, nested=nested, hierarchy=hierarchy)
    return _custom_dataset(found) if custom_datasets.is_custom(folder) else found


def read_label_sets(folder: Path, labels: LabelsFrom, *, report: ProgressCallback, token: CancelToken) -> FolderRead:
    """Read what is in a folder whose photos may have several classes.

    Raises:
        Cancelled: the token was cancelled.
    """
    try:
        found = _summary(folder, read_multi_label(folder, labels, report=report, token=token))
    except FoveaError as error:
        problems = error.problems if isinstance(error, FolderError) else ()
        found = FolderRead(folder, problems=_reported(problems), error=portable(error))
    return replace(found, labels=labels.source, labels_file=labels.file)


def _has_nested_classes(folder: Path, token: CancelToken) -> bool:
    """Whether a folder that cannot be used as it is has classes in folders inside folders."""
    try:
        paths = discover(folder, token, nested=True).paths
    except DatasetError:
        return False
    return len(paths) > 1 and any(len(path) > 1 for path in paths.values())


def _has_folders_inside(folder: Path, dataset: Dataset) -> bool:
    """Whether photos are in folders inside their class folders, other than subsets such as `train`."""
    depth = len(folder.parts) + 2
    return any(one.subset is None and len(one.path.parts) > depth for one in dataset.examples)


def _summary(folder: Path, dataset: Dataset) -> FolderRead:
    own: dict[str, list[Path]] = defaultdict(list)
    for example in dataset.examples:
        for name in example.classes:
            own[name].append(example.path)
    return FolderRead(
        folder=folder,
        classes=tuple(ClassSummary(name, len(own[name]), _sample_paths(own[name])) for name in dataset.classes),
        images=len(dataset.examples),
        problems=_reported(dataset.problems),
        error=None,
        overridden=dataset.overridden,
        confirmed=dataset.confirmed,
        has_nested=_has_folders_inside(folder, dataset),
        paths=dataset.paths,
    )


def _custom_dataset(found: FolderRead) -> FolderRead:
    """A custom dataset shows all its classes and photos, even if no model can be trained with them yet."""
    listed = custom_datasets.list_classes(found.folder) if found.folder.is_dir() else ()
    classes = tuple(ClassSummary(one.label, len(one.photos), one.photos) for one in listed)
    if not any(one.images for one in classes):
        hint = tr("Create at least two classes, and drop photos on each of them.")
        found = FolderRead(found.folder, error=DatasetError(tr("There are no photos yet."), hint=hint))
    return replace(found, classes=classes, is_custom=True)


def _reported(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The first problems, fatal ones first; label overrides are not included, they are reported separately."""
    fatal_first = sorted(problems, key=lambda problem: not problem.is_fatal)
    return tuple(one for one in fatal_first[:_MAX_PROBLEMS] if one.kind is not ProblemKind.OVERRIDDEN)


def _sample_paths(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Up to twelve of the paths, evenly spaced."""
    count = min(_SAMPLES, len(paths))
    return tuple(paths[number * len(paths) // count] for number in range(count))


# ---- changing


def list_datasets() -> tuple[CustomDataset, ...]:
    """List the datasets that were built here; files that were removed from them in earlier sessions are deleted."""
    datasets = []
    for folder in custom_datasets.list_datasets():
        custom_datasets.remove_stale_files(folder)
        classes = custom_datasets.list_classes(folder)
        datasets.append(CustomDataset(folder, len(classes), sum(len(one.photos) for one in classes)))
    return tuple(datasets)


def change_labels(folder: Path, changes: Mapping[Path, str | None], classes: Collection[str] = ()) -> FolderChange:
    """Put photos in other classes or leave them out (LEFT_OUT); None returns to the labels of the folder.

    In a dataset that was built here the photos are moved; any other folder stays as it is, and is only overridden.
    Putting photos in the class that they are in confirms their label.
    """
    with _EDITING:
        confirms = bool(changes) and all(label == path.parent.name for path, label in changes.items())
        if confirms or not custom_datasets.is_custom(folder):
            return FolderChange(folder, _override_labels(Scope("", folder_key(folder), classes), changes))
        moves: custom_datasets.FileMoves = ()
        for photo, label in changes.items():
            if label is not None and label != photo.parent.name:
                moves = (*moves, *custom_datasets.apply_edit(folder, MovePhotos((photo,), label or None)))
        return FolderChange(folder, moves)


def _override_labels(scope: Scope, changes: Mapping[Path, str | None]) -> LabelsByPath:
    for path in changes:
        _check_readable(path)
    labels = {
        path: None if label is None else Label(path, label, Source.WIZARD, folder=scope.folder)
        for path, label in changes.items()
    }
    with open_labels() as store:
        before = store.change(labels, scope)
        store.resolve(len(labels))
    return before


def _check_readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        reason = error.strerror or tr("unknown error")
        what = tr("Couldn't read “{name}”: {reason}.", name=display_path(path.name), reason=reason)
        raise UsageError(what, hint=tr("Check that the file exists and that you can open it.")) from error


def undo(folder: Path, action: UndoAction) -> FolderChange:
    """Undo a change."""
    with _EDITING:
        if isinstance(action, tuple):
            custom_datasets.undo(action)
        else:
            with open_labels() as store:
                store.restore(action)
        return FolderChange(folder)


def create_dataset(name: str, classes: Mapping[str, tuple[Path, ...]]) -> FolderChange:
    """Build a dataset, perhaps with classes in it already."""
    with _EDITING:
        folder = custom_datasets.create_dataset(name)
        for label, photos in classes.items():
            custom_datasets.apply_edit(folder, AddPhotos(label, photos))
        return FolderChange(folder)


def edit_dataset(folder: Path, edit: Edit) -> FolderChange:
    """Change a dataset that was built here."""
    with _EDITING:
        return FolderChange(folder, custom_datasets.apply_edit(folder, edit))


def rename_dataset(folder: Path, name: str) -> FolderChange:
    """Rename a dataset that was built here."""
    with _EDITING:
        return FolderChange(custom_datasets.rename_dataset(folder, name))
