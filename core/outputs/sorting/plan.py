"""Planning a sorting: the target of every photo. Nothing is changed, so that all steps can be previewed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import TypeAlias

from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.label_sets import NO_CLASS
from core.base.text import display_path
from core.jobs.values import Row
from core.outputs.sorting.companions import CompanionFinder, CompanionNames
from core.outputs.sorting.disk import RealFileSystem
from core.outputs.sorting.inputs import InputFolders
from core.outputs.sorting.names import NameAllocator, casefold_key, folder_name
from core.outputs.sorting.record import destinations
from core.outputs.sorting.values import UNSURE, Companion, PlanSummary, SortRequest, Step, TransferMode

Levels: TypeAlias = Mapping[str, tuple[str, ...]]
"""The names of the levels of each class and group, from the broadest to itself."""


def make_plan(
    rows: Iterable[Row], request: SortRequest, file_system: RealFileSystem, levels: Levels | None = None
) -> Iterator[Step]:
    """Plan a step for each photo; targets are unique, and inside the destination. Folders must be resolved.

    The user's label takes precedence over the prediction. Photos stay in place if they could not be read, or are
    outside the source, or in the destination of this or an earlier sorting. Nothing in the destination is replaced: if
    a name is taken by another photo, the new one is numbered, as in `photo (2).jpg`; if the same photo already exists
    under such a name, the new one stays in place. Companions keep the name of their photo, see
    `core.outputs.sorting.companions`. With `SortRequest.groups`, `levels` are those of classes and groups, see
    `core.card_rules.Hierarchy`; a photo whose class is below the minimum confidence then goes to the folder of the
    narrowest group that is sure enough. Raises UsageError if a class folder would be, or contain, the source;
    StorageError if the destination cannot be read.
    """
    names, beside, seen = NameAllocator(request.destination, file_system), CompanionFinder(), set[str]()
    inputs = InputFolders(request, destinations())
    for row in rows:
        if str(row.path) in seen:
            continue
        seen.add(str(row.path))
        yield _step(row, request, inputs, names, beside, file_system, levels or {})


def summarize(steps: Iterable[Step], request: SortRequest) -> PlanSummary:
    """Summarize a plan in numbers."""
    folders, left = Counter[str](), 0
    renamed = size = companions = 0
    shared = set[Path]()
    for step in steps:
        if step.target is None:
            left += 1
            continue
        folders[step.target.relative_to(request.destination).parts[0]] += 1
        renamed += bool(step.note)
        size += step.size + sum(one.size for one in step.companions)
        companions += len(step.companions)
        shared.update(step.shared)
    return PlanSummary(dict(folders.most_common()), left, renamed, size, companions, len(shared))


def _step(
    row: Row,
    request: SortRequest,
    inputs: InputFolders,
    names: NameAllocator,
    beside: CompanionFinder,
    file_system: RealFileSystem,
    levels: Levels,
) -> Step:
    label = next(iter(row.final_classes), UNSURE if row.final_label == NO_CLASS else row.final_label)
    if row.failure is not None or label is None:
        reason = row.failure.message if row.failure is not None else tr("It has not been classified yet.")
        return Step(row.path, None, None, None, 0, reason)
    if reason := inputs.rejection(row.path.parent):
        return Step(row.path, None, label, row.confidence, 0, reason)
    size = file_system.size(row.path)
    if size is None:
        return Step(row.path, None, label, row.confidence, 0, tr("The file no longer exists."))
    if request.by is TransferMode.MOVE and row.path.is_symlink():
        return Step(row.path, None, label, row.confidence, 0, tr("It is a link, which might break when moved."))
    folder = _class_folder(row, label, request, names, levels)
    if not request.flat:
        for part in _below(row.path.parent, request.source).parts:
            folder = names.folder(folder, folder_name(part) if part == ".." else part, part)
    along = beside.of(row.path)
    target, existing = names.file(folder, row.path.name, row.path, size, along)
    if existing is not None:
        note = tr("The same photo already exists: {path}.", path=display_path(existing))
        return Step(row.path, None, label, row.confidence, size, note)
    name = row.path.name
    note = "" if target.name == name else tr("Renamed because “{name}” is taken.", name=display_path(name))
    shared = tuple(row.path.with_name(name) for name in along.shared)
    companions = tuple(_companions(row.path, request.destination / target, along, file_system))
    return Step(row.path, request.destination / target, label, row.confidence, size, note, companions, shared)


def _companions(photo: Path, target: Path, along: CompanionNames, disk: RealFileSystem) -> Iterator[Companion]:
    for name, new in zip(along.names, along.renamed(target.name), strict=True):
        file = photo.with_name(name)
        yield Companion(file, target.with_name(new), disk.size(file) or 0)


def _class_folder(row: Row, label: str, request: SortRequest, names: NameAllocator, levels: Levels) -> PurePath:
    folder = PurePath()
    for name in _path(row, label, request, levels):
        folder = names.folder(folder, folder_name(name), f"class {name}")
    if not folder.parts:
        folder = names.folder(folder, UNSURE, "")
    below = _below(request.source, request.destination)
    if below.parts and casefold_key(below.parts[0]) == casefold_key(folder.parts[0]):
        what = tr(
            "The folder “{folder}” of the class “{label}” would contain the folder to sort.",
            folder=display_path(request.destination / folder),
            label=display_path(label),
        )
        raise UsageError(what, hint=tr("Choose another destination."))
    return folder


def _path(row: Row, label: str, request: SortRequest, levels: Levels) -> tuple[str, ...]:
    """The names of the levels of a photo's class, the broadest first; empty if it is unsure."""
    if not row.is_unsure(request.threshold):
        return levels.get(label, (label,))
    sure = row.prediction.rolled_up if row.prediction and request.groups and not row.review else None
    return sure.path if sure and sure.probability >= request.threshold else ()


def _below(folder: Path, top: Path) -> PurePath:
    """A folder relative to another; empty if it is outside."""
    return folder.relative_to(top) if folder.is_relative_to(top) else PurePath()
