"""Plans for sorting and for keywords: the last few are kept, so that they can be looked through and then run."""

from __future__ import annotations

import secrets
from typing import Final

from core.base.errors import StorageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.jobs.queries import ResultStore
from core.jobs.values import View
from core.outputs.sort import plan_sorting
from core.outputs.sorting.values import SortRequest
from core.services.job_values import KeywordOptions, OutputResult, PlannedStep, PlannedSteps
from core.services.keywords import KeywordPlan, plan_keywords
from core.services.sorting import JobSortPlan

_MAX_PLANS: Final = 2


_plans: Final[dict[str, JobSortPlan | KeywordPlan]] = {}
"""The last few plans by their ids."""


def make(
    job: str, view: View, options: SortRequest | KeywordOptions, *, report: ProgressCallback, token: CancelToken
) -> PlannedSteps:
    """Plan the steps for the photos of a view without changing anything.

    Raises FoveaError as `core.outputs.sort.plan_sorting` and `core.services.keywords.plan_keywords` do.
    """
    with ResultStore(job) as results:
        plan: JobSortPlan | KeywordPlan
        if isinstance(options, SortRequest):
            plan = JobSortPlan(plan_sorting(results, view, options, report=report, token=token))
        else:
            plan = plan_keywords(job, results, view, options, report, token)
    while len(_plans) >= _MAX_PLANS:
        del _plans[next(iter(_plans))]
    id_ = secrets.token_hex(8)  # another process cannot have a plan with this id
    _plans[id_] = plan
    return PlannedSteps(id_, len(plan), plan.summary)


def fetch_steps(id_: str, first: int, count: int) -> tuple[PlannedStep, ...]:
    """`count` steps of a plan from `first` on; none if it has expired."""
    plan = _plans.get(id_)
    return () if plan is None else plan.steps(first, count)


def run(id_: str, *, report: ProgressCallback, token: CancelToken) -> OutputResult:
    """Run the steps of a plan, once only.

    Raises FoveaError if it has expired, or a step failed so that the others cannot be run.
    """
    plan = _plans.pop(id_, None)
    if plan is None:
        raise StorageError(tr("The plan has expired. Nothing was changed."), hint=tr("Preview the steps again."))
    return plan.execute(report, token)
