"""Sorting photos into folders, for the batch process: every step first, then done, and undone whenever one wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.base.errors import UsageError
from core.base.progress import CancelToken, Report, StageClock
from core.base.text import printable
from core.datasets.problems import quantity
from core.jobs.queries import Answers
from core.outputs.following import follow_sorting
from core.outputs.sorting import values
from core.outputs.sorting.disk import RealDisk, check, real
from core.outputs.sorting.execute import carry_out, go_on
from core.outputs.sorting.plan import plan, sum_up
from core.outputs.sorting.records import sortings
from core.outputs.sorting.undo import undo
from core.outputs.sorting.values import UNSURE, By, PlanFacts, SortingFacts, SortingState, SortRequest
from core.services.batch_messages import ContinueSorting, PlanSteps, TaskDone, UndoSorting
from core.services.batch_values import Step

_UNDOABLE = (SortingState.SORTING, SortingState.SORTED, SortingState.UNDOING)
_NAMED = 6
"""Folders that are named in a summary; the steps name all."""
_DEEDS = {By.COPY: "copy", By.HARDLINK: "hard link", By.SYMLINK: "symbolic link", By.MOVE: "move"}


@dataclass(frozen=True, slots=True, eq=False)
class SortPlan:
    """Photos that are to be sorted.

    Attributes:
        request: how; its folders are real ones.
        planned: what is to become of each photo.
        facts: that in numbers.
    """

    request: SortRequest
    planned: Sequence[values.Step]
    facts: PlanFacts

    @property
    def summary(self) -> str:
        """What they come to, in words."""
        fullest = list(self.facts.folders.items())[:_NAMED]
        folders = ", ".join(f"{count:,} to {printable(name)}" for name, count in fullest)
        parts = [folders or "No photo would be sorted"]
        if len(self.facts.folders) > _NAMED:
            parts[0] += f", the others to {len(self.facts.folders) - _NAMED:,} more folders"
        if self.facts.renamed:
            parts.append(f"{self.facts.renamed:,} under another name, as theirs is taken")
        if self.facts.companions:
            parts.append(f"with {quantity(self.facts.companions, 'companion file')}")
        if self.facts.shared:
            parts.append(f"{quantity(self.facts.shared, 'companion file')} shared by several photos left in place")
        if self.facts.left:
            parts.append(f"{self.facts.left:,} stay where they are")
        return f"{'; '.join(parts)}. Nothing is done yet."

    def __len__(self) -> int:
        """How many steps there are; none where no photo would be sorted."""
        return len(self.planned) if self.facts.photos else 0

    def steps(self, first: int, count: int) -> tuple[Step, ...]:
        """Some of them, in words."""
        return tuple(_step(one, self.request) for one in self.planned[first : first + count])

    def carry_out(self, ticket: int, report: Report, token: CancelToken) -> TaskDone:
        """Sort them.

        Raises:
            FoveaError: as `core.outputs.sorting.execute.carry_out` does.
            Cancelled: it was called off; what was sorted by then can be undone.
        """
        facts = carry_out(self.planned, self.request, report=report, token=token)
        follow_sorting(facts.id)
        return _done(ticket, facts)


def plan_sorting(answers: Answers, task: PlanSteps, wish: SortRequest, report: Report, token: CancelToken) -> SortPlan:
    """Work out what sorting would do; nothing is changed.

    Raises:
        UsageError: it is refused, see `core.outputs.sorting.disk.check`.
        StorageError: the journal or the destination cannot be looked at.
        Cancelled: it was called off.
    """
    request, clock = real(wish), StageClock("Working out every step", answers.count(task.view), report)
    check(request)
    planned = []
    for one in plan(answers.each(task.view), request, RealDisk(request.destination)):
        token.check()
        planned.append(one)
        clock.advance()
    return SortPlan(request, planned, sum_up(planned, request))


def continue_sorting(task: ContinueSorting, folder: Path, report: Report, token: CancelToken) -> TaskDone:
    """Go on with the sorting of a folder that was interrupted.

    Raises:
        UsageError: there is none.
        FoveaError: as `core.outputs.sorting.execute.go_on` does.
        Cancelled: it was called off; it can go on once more.
    """
    _, name = sortings_of(folder)
    if not name:
        raise UsageError("No sorting of this folder was interrupted.", hint="There is nothing to go on with.")
    facts = go_on(name, report=report, token=token)
    follow_sorting(name)
    return _done(task.ticket, facts)


def undo_sorting(task: UndoSorting, folder: Path, report: Report, token: CancelToken) -> TaskDone:
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


def _done(ticket: int, facts: SortingFacts) -> TaskDone:
    failed = f", {facts.failed:,} could not be" if facts.failed else ""
    along = f" with {quantity(facts.companions, 'companion file')}" if facts.companions else ""
    place = printable(facts.request.destination)
    return TaskDone(ticket, f"{_photos(facts.sorted)} sorted into “{place}”{along}{failed}.", sorting=facts.id)


def _step(one: values.Step, request: SortRequest) -> Step:
    source = printable(
        one.source.relative_to(request.source) if one.source.is_relative_to(request.source) else one.source
    )
    if one.target is None:
        return Step(source, "stays", one.note)
    target = one.target.relative_to(request.destination)
    along = f"with {', '.join(printable(file.source.name) for file in one.companions)}" if one.companions else ""
    notes = "; ".join(filter(None, (one.note, along)))
    told = f"{printable(target)}  ({notes})" if notes else printable(target)
    return Step(source, _DEEDS[request.by], told, is_unsure=target.parts[0] == UNSURE)


def _photos(count: int) -> str:
    return "1 photo is" if count == 1 else f"{count:,} photos are"
