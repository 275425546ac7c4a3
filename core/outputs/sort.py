"""Sorting photos: planned, executed, resumed and undone; labels and the record of keywords follow moved photos."""

from __future__ import annotations

from dataclasses import dataclass

from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.card import ModelCard
from core.evaluation.acceptance import Acceptance
from core.jobs.acceptance import accept, card_of
from core.jobs.queries import ResultStore
from core.jobs.values import View
from core.outputs.following import follow_sorting
from core.outputs.sorting import execute as execution
from core.outputs.sorting import undo as undoing
from core.outputs.sorting.disk import RealFileSystem, check_request, resolve_request
from core.outputs.sorting.plan import Levels, make_plan, summarize
from core.outputs.sorting.values import PlanSummary, SortingSummary, SortRequest, Step


@dataclass(frozen=True, slots=True, eq=False)
class SortPlan:
    """What sorting would do; the folders of the request are absolute.

    The acceptance says what it means to sort these photos by their predictions; None if there are none.
    """

    request: SortRequest
    steps: tuple[Step, ...]
    summary: PlanSummary
    acceptance: Acceptance | None = None


def plan_sorting(
    results: ResultStore, view: View, options: SortRequest, *, report: ProgressCallback, token: CancelToken
) -> SortPlan:
    """Plan how to sort the photos of a view, without changing anything.

    Raises:
        UsageError: the request is invalid, see `core.outputs.sorting.disk.check_request`, or the model has no groups.
        StorageError: the journal or the destination cannot be read.
    """
    request, clock = resolve_request(options), ProgressReporter(tr("Planning steps"), results.count(view), report)
    check_request(request)
    job = results.summary()
    levels, steps = group_levels(request, card_of(job), job.model), []
    for step in make_plan(results.each(view), request, RealFileSystem(request.destination), levels):
        token.check()
        steps.append(step)
        clock.advance()
    return SortPlan(request, tuple(steps), summarize(steps, request), accept(results, view.filter, request.threshold))


def group_levels(request: SortRequest, card: ModelCard | None, model: str) -> Levels:
    """The levels of classes and groups, if photos are sorted by groups; else none.

    Raises UsageError if the model of this name and card has no groups; a model that is gone has no card.
    """
    if not request.groups:
        return {}
    if card is None or card.hierarchy is None:
        what = tr("The classes of “{model}” are in no groups.", model=model)
        raise UsageError(what, hint=tr("Sort without groups, or use a model whose classes are in groups."))
    return card.hierarchy.levels


def execute(plan: SortPlan, *, report: ProgressCallback, token: CancelToken) -> SortingSummary:
    """Sort photos as planned, see `core.outputs.sorting.execute.execute`."""
    return follow_sorting(execution.execute(plan.steps, plan.request, report=report, token=token))


def resume(id_: str, *, report: ProgressCallback, token: CancelToken) -> SortingSummary:
    """Resume an interrupted sorting, see `core.outputs.sorting.execute.resume`."""
    return follow_sorting(execution.resume(id_, report=report, token=token))


def undo(id_: str, *, report: ProgressCallback, token: CancelToken) -> SortingSummary:
    """Undo a sorting, see `core.outputs.sorting.undo.undo`."""
    return follow_sorting(undoing.undo(id_, report=report, token=token))
