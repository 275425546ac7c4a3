"""Sorting photos into folders, for the batch process: every step first, then done, and undone whenever one wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.base.errors import UsageError
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import display_path
from core.datasets.problems import pluralize
from core.jobs.queries import ResultStore
from core.outputs.following import follow_sorting
from core.outputs.sorting import values
from core.outputs.sorting.disk import RealFileSystem, check_request, resolve_request
from core.outputs.sorting.execute import execute, resume
from core.outputs.sorting.plan import make_plan, summarize
from core.outputs.sorting.records import sortings
from core.outputs.sorting.undo import undo
from core.outputs.sorting.values import UNSURE, PlanSummary, SortingState, SortingSummary, SortRequest, TransferMode
from core.services.batch_messages import ContinueSorting, PlanSteps, TaskDone, UndoSorting
from core.services.batch_values import PlannedStep

_UNDOABLE = (SortingState.SORTING, SortingState.SORTED, SortingState.UNDOING)
_NAMED = 6
"""Folders that are named in a summary; the steps name all."""
_ACTIONS = {
    TransferMode.COPY: "copy",
    TransferMode.HARDLINK: "hard link",
    TransferMode.SYMLINK: "symbolic link",
    TransferMode.MOVE: "move",
}


@dataclass(frozen=True, slots=True, eq=False)
class SortPlan:
    """Photos that are to be sorted.

    Attributes:
        request: how; its folders are real ones.
        planned: what is to become of each photo.
        totals: that in numbers.
    """

    request: SortRequest
    planned: Sequence[values.Step]
    totals: PlanSummary

    @property
    def summary(self) -> str:
        """What they come to, in words."""
        fullest = list(self.totals.folders.items())[:_NAMED]
        folders = ", ".join(f"{count:,} to {display_path(name)}" for name, count in fullest)
        parts = [folders or "No photo would be sorted"]
        if len(self.totals.folders) > _NAMED:
            parts[0] += f", the others to {len(self.totals.folders) - _NAMED:,} more folders"
        if self.totals.renamed:
            parts.append(f"{self.totals.renamed:,} under another name, as theirs is taken")
        if self.totals.companions:
            parts.append(f"with {pluralize(self.totals.companions, 'companion file')}")
        if self.totals.shared:
            parts.append(f"{pluralize(self.totals.shared, 'companion file')} shared by several photos left in place")
        if self.totals.left:
            parts.append(f"{self.totals.left:,} stay where they are")
        return f"{'; '.join(parts)}. Nothing is done yet."

    def __len__(self) -> int:
        """How many steps there are; none where no photo would be sorted."""
        return len(self.planned) if self.totals.photos else 0

    def steps(self, first: int, count: int) -> tuple[PlannedStep, ...]:
        """Some of them, in words."""
        return tuple(_step(one, self.request) for one in self.planned[first : first + count])

    def execute(self, ticket: int, report: ProgressCallback, token: CancelToken) -> TaskDone:
        """Sort them.

        Raises:
            FoveaError: as `core.outputs.sorting.execute.carry_out` does.
            Cancelled: it was called off; what was sorted by then can be undone.
        """
        facts = execute(self.planned, self.request, report=report, token=token)
        follow_sorting(facts.id)
        return _done(ticket, facts)


def plan_sorting(
    results: ResultStore, task: PlanSteps, requested: SortRequest, report: ProgressCallback, token: CancelToken
) -> SortPlan:
    """Work out what sorting would do; nothing is changed.

    Raises:
        UsageError: it is refused, see `core.outputs.sorting.disk.check`.
        StorageError: the journal or the destination cannot be looked at.
        Cancelled: it was called off.
    """
    request, clock = (
        resolve_request(requested),
        ProgressReporter("Working out every step", results.count(task.view), report),
    )
    check_request(request)
    planned = []
    for one in make_plan(results.each(task.view), request, RealFileSystem(request.destination)):
        token.check()
        planned.append(one)
        clock.advance()
    return SortPlan(request, planned, summarize(planned, request))


def continue_sorting(task: ContinueSorting, folder: Path, report: ProgressCallback, token: CancelToken) -> TaskDone:
    """Go on with the sorting of a folder that was interrupted.

    Raises:
        UsageError: there is none.
        FoveaError: as `core.outputs.sorting.execute.go_on` does.
        Cancelled: it was called off; it can go on once more.
    """
    _, name = sortings_of(folder)
    if not name:
        raise UsageError("No sorting of this folder was interrupted.", hint="There is nothing to go on with.")
    facts = resume(name, report=report, token=token)
    follow_sorting(name)
    return _done(task.ticket, facts)


def undo_sorting(task: UndoSorting, folder: Path, report: ProgressCallback, token: CancelToken) -> TaskDone:
    """Undo a sorting, the last one of the folder where none is named.

    Raises:
        UsageError: there is none.
        FoveaError: as `core.outputs.sorting.undo.undo` does.
        Cancelled: it was called off; undoing once more does the rest.
    """
    name = task.sorting or next(iter(reversed(sortings_of(folder)[0])), "")
    if not name:
        raise UsageError("Nothing of this folder was sorted.", hint="There is nothing to undo.")
    facts = undo(name, report=report, token=token)
    follow_sorting(name)
    kept = f" {facts.kept:,} were changed since and stay where they are." if facts.kept else ""
    return TaskDone(task.ticket, f"The sorting is undone: {_photos(facts.undone)} put back or removed again.{kept}")


def sortings_of(folder: Path) -> tuple[tuple[str, ...], str]:
    """Names of the sortings of a folder that can be undone, the last one last; and of the one that can go on."""
    found = [one for one in reversed(sortings()) if one.request.source == folder]
    undoable = tuple(one.id for one in found if one.state in _UNDOABLE)
    return undoable, next((one.id for one in reversed(found) if one.state is SortingState.SORTING), "")


def _done(ticket: int, facts: SortingSummary) -> TaskDone:
    failed = f", {facts.failed:,} could not be" if facts.failed else ""
    along = f" with {pluralize(facts.companions, 'companion file')}" if facts.companions else ""
    place = display_path(facts.request.destination)
    return TaskDone(ticket, f"{_photos(facts.sorted)} sorted into “{place}”{along}{failed}.", sorting=facts.id)


def _step(one: values.Step, request: SortRequest) -> PlannedStep:
    source = display_path(
        one.source.relative_to(request.source) if one.source.is_relative_to(request.source) else one.source
    )
    if one.target is None:
        return PlannedStep(source, "stays", one.note)
    target = one.target.relative_to(request.destination)
    along = f"with {', '.join(display_path(file.source.name) for file in one.companions)}" if one.companions else ""
    notes = "; ".join(filter(None, (one.note, along)))
    text = f"{display_path(target)}  ({notes})" if notes else display_path(target)
    return PlannedStep(source, _ACTIONS[request.by], text, is_unsure=target.parts[0] == UNSURE)


def _photos(count: int) -> str:
    return "1 photo is" if count == 1 else f"{count:,} photos are"
