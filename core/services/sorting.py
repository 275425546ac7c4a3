"""Planning, running and undoing the sorting of photos into folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.base.errors import UsageError
from core.base.i18n import mark, tr, tr_n
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import display_path
from core.datasets.problems import format_paths
from core.evaluation.acceptance import acceptance_text
from core.jobs.job_list import job_summary
from core.outputs import sort
from core.outputs.sort import SortPlan
from core.outputs.sorting import values
from core.outputs.sorting.record import SortingRecord
from core.outputs.sorting.records import sortings
from core.outputs.sorting.texts import plan_details, sorted_text, undone_text
from core.outputs.sorting.values import PlanSummary, SortingState, SortingSummary, SortRequest, TransferMode
from core.services.job_values import OutputResult, PlannedStep
from core.services.keywords import below

_UNDOABLE = (SortingState.SORTING, SortingState.SORTED, SortingState.UNDOING)
_NAMED = 6
"""Number of folders listed in a summary; the steps list all."""
_ACTIONS = {
    TransferMode.COPY: mark("Copy"),
    TransferMode.HARDLINK: mark("Hard link"),
    TransferMode.SYMLINK: mark("Symbolic link"),
    TransferMode.MOVE: mark("Move"),
}


@dataclass(frozen=True, slots=True, eq=False)
class JobSortPlan:
    """A plan for sorting photos of a job, as the window shows it."""

    plan: SortPlan

    @property
    def summary(self) -> str:
        """The plan in numbers, as a message."""
        totals = self.plan.summary
        accepted = (acceptance_text(self.plan.acceptance),) if self.plan.acceptance else ()
        return " ".join((_folders_text(totals), *plan_details(totals), *accepted, tr("Nothing has been changed yet.")))

    def __len__(self) -> int:
        """0 if no photo would be sorted."""
        return len(self.plan.steps) if self.plan.summary.photos else 0

    def steps(self, first: int, count: int) -> tuple[PlannedStep, ...]:
        """`count` steps from `first` on, as texts."""
        return tuple(_step(one, self.plan.request) for one in self.plan.steps[first : first + count])

    def execute(self, report: ProgressCallback, token: CancelToken) -> OutputResult:
        """Sort the photos, as `core.outputs.sort.execute`; a sorting that was cancelled can be resumed or undone."""
        summary = sort.execute(self.plan, report=report, token=token)
        return OutputResult(sorted_text(summary), summary.id)


def resume_sorting(job: str, *, report: ProgressCallback, token: CancelToken) -> OutputResult:
    """Resume the interrupted sorting of a job's folder, as `core.outputs.sort.resume`; UsageError if there is none."""
    _, name = sortings_of(job_summary(job).folder)
    if not name:
        raise UsageError(tr("This folder has no interrupted sorting."), hint=tr("There is nothing to resume."))
    summary = sort.resume(name, report=report, token=token)
    return OutputResult(sorted_text(summary), summary.id)


def undo_sorting(job: str, sorting: str, *, report: ProgressCallback, token: CancelToken) -> OutputResult:
    """Undo a sorting, as `core.outputs.sort.undo`; the last one of the job's folder if none is named.

    Raises UsageError if there is none.
    """
    name = sorting or next(iter(reversed(sortings_of(job_summary(job).folder)[0])), "")
    if not name:
        raise UsageError(tr("This folder has not been sorted."), hint=tr("There is nothing to undo."))
    summary = sort.undo(name, report=report, token=token)
    return OutputResult(f"{undone_text(summary)} {_kept_text(summary)}" if summary.kept else undone_text(summary))


def _kept_text(summary: SortingSummary) -> str:
    with SortingRecord(summary.id) as record:
        kept = [issue.path for issue in record.issues()]
    return tr("Kept: {names}.", names=format_paths(kept, summary.request.destination))


def sortings_of(folder: Path) -> tuple[tuple[str, ...], str]:
    """The ids of a folder's sortings that can be undone, the last one last, and of the one that can be resumed."""
    found = [one for one in reversed(sortings()) if one.request.source == folder]
    undoable = tuple(one.id for one in found if one.state in _UNDOABLE)
    return undoable, next((one.id for one in reversed(found) if one.state is SortingState.SORTING), "")


def _folders_text(totals: PlanSummary) -> str:
    if not totals.folders:
        return tr("No photos to sort.")
    fullest = list(totals.folders.items())[:_NAMED]
    folders = ", ".join(tr("{folder} ({count:,})", folder=display_path(name), count=count) for name, count in fullest)
    more = len(totals.folders) - len(fullest)
    if more:
        return tr_n(
            "Photos per folder: {folders}, and {count:,} more folder.",
            "Photos per folder: {folders}, and {count:,} more folders.",
            more,
            folders=folders,
        )
    return tr("Photos per folder: {folders}.", folders=folders)


def _step(one: values.Step, request: SortRequest) -> PlannedStep:
    source = below(one.source, request.source)
    if one.target is None:
        return PlannedStep(source, tr("Stays in place"), one.note)
    target = one.target.relative_to(request.destination)
    companions = ", ".join(display_path(file.source.name) for file in one.companions)
    notes = " ".join(filter(None, (one.note, tr("With {files}.", files=companions) if companions else "")))
    text = f"{display_path(target)}  ({notes})" if notes else display_path(target)
    return PlannedStep(source, tr(_ACTIONS[request.by]), text)
