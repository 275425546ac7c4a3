"""From answers to steps: which photo comes where. Nothing is changed here, so that every step can be seen first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from core.base.errors import UsageError
from core.base.text import display_path
from core.jobs.values import Row
from core.outputs.sorting.companions import CompanionFinder, CompanionNames
from core.outputs.sorting.inputs import InputFolders
from core.outputs.sorting.names import FileSystem, NameAllocator, casefold_key, folder_name
from core.outputs.sorting.record import destinations
from core.outputs.sorting.values import UNSURE, Companion, PlanSummary, SortRequest, Step, TransferMode


def make_plan(rows: Iterable[Row], request: SortRequest, file_system: FileSystem) -> Iterator[Step]:
    """What is to become of each photo; no two photos come to one place, and none outside the destination.

    A person's label counts over the model's. Photos that could not be read stay where they are, and so do those that
    lie outside the source, or in the destination of this or an earlier sorting. In the destination, nothing is
    replaced: where a name is taken by another photo, the new one is called like it, as in `photo (2).jpg`; where the
    very same photo is there under such a name, the new one stays. What belongs to a photo goes along under the photo's
    new name, see `core.outputs.sorting.companions`.

    Args:
        rows: the answers of a job, see `core.jobs.queries.ResultStore.each`.
        request: how they are to be sorted; its folders are real ones, see `core.outputs.sorting.disk.real`.
        file_system: what is there.

    Raises:
        UsageError: a class's folder would be the one that is being sorted.
        StorageError: the destination cannot be looked at.
    """
    names, beside, seen = NameAllocator(request.destination, file_system), CompanionFinder(), set[str]()
    inputs = InputFolders(request, destinations())
    for row in rows:
        if str(row.path) in seen:
            continue
        seen.add(str(row.path))
        yield _step(row, request, inputs, names, beside, file_system)


def summarize(steps: Iterable[Step], request: SortRequest) -> PlanSummary:
    """A plan in numbers."""
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
    file_system: FileSystem,
) -> Step:
    label = row.final_label
    if row.failure is not None or label is None:
        reason = row.failure.message if row.failure is not None else "It is not classified yet."
        return Step(row.path, None, None, None, 0, reason)
    if reason := inputs.rejection(row.path.parent):
        return Step(row.path, None, label, row.confidence, 0, reason)
    size = file_system.size(row.path)
    if size is None:
        return Step(row.path, None, label, row.confidence, 0, "It is not there any more.")
    if request.by is TransferMode.MOVE and row.path.is_symlink():
        return Step(row.path, None, label, row.confidence, 0, "It is a link, which might lead nowhere once moved.")
    folder = _class_folder(row, label, request, names)
    if not request.flat:
        for part in _below(row.path.parent, request.source).parts:
            folder = names.folder(folder, folder_name(part) if part == ".." else part, part)
    along = beside.of(row.path)
    target, existing = names.file(folder, row.path.name, row.path, size, along)
    if existing is not None:
        return Step(row.path, None, label, row.confidence, size, f"The same photo is there: {display_path(existing)}.")
    note = "" if target.name == row.path.name else f"Called otherwise, as “{display_path(row.path.name)}” is taken."
    shared = tuple(row.path.with_name(name) for name in along.shared)
    companions = tuple(_companions(row.path, request.destination / target, along, file_system))
    return Step(row.path, request.destination / target, label, row.confidence, size, note, companions, shared)


def _companions(photo: Path, target: Path, along: CompanionNames, disk: FileSystem) -> Iterator[Companion]:
    for name, new in zip(along.names, along.renamed(target.name), strict=True):
        file = photo.with_name(name)
        yield Companion(file, target.with_name(new), disk.size(file) or 0)


def _class_folder(row: Row, label: str, request: SortRequest, names: NameAllocator) -> PurePath:
    folder = (
        names.folder(PurePath(), UNSURE, "")
        if row.is_unsure(request.threshold)
        else names.folder(PurePath(), folder_name(label), f"class {label}")
    )
    below = request.source.relative_to(request.destination) if _is_nested(request) else PurePath()
    if below.parts and casefold_key(below.parts[0]) == casefold_key(folder.name):
        what = f"The photos of “{display_path(label)}” would come into “{display_path(request.destination / folder)}”,"
        raise UsageError(f"{what} in which the folder lies that is being sorted.", hint="Name another destination.")
    return folder


def _is_nested(request: SortRequest) -> bool:
    return request.source.is_relative_to(request.destination)


def _below(folder: Path, source: Path) -> PurePath:
    """A photo's folder relative to the source; none for a photo from elsewhere."""
    return folder.relative_to(source) if folder.is_relative_to(source) else PurePath()
