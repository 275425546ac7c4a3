"""The verbs of folder jobs.

Views, plans and reviews of many rows are kept by the process that runs the verbs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.base.errors import BrokenRecord
from core.base.progress import CancelToken, ProgressCallback
from core.jobs.values import Filter, JobRequest, JobSummary, Review, View
from core.prediction import Failure

if TYPE_CHECKING:
    from core.jobs.trash import RemovedJob
    from core.outputs.reports.plan import ReportFormat
    from core.outputs.sorting.values import SortRequest
    from core.services.job_values import (
        FetchedRows,
        JobEnd,
        KeywordOptions,
        OutputResult,
        PlannedStep,
        PlannedSteps,
        SelectedRows,
        ViewRequest,
        ViewUpdate,
    )

# ---- jobs


@dataclass(frozen=True, slots=True)
class JobDetails:
    """A job, the number of its images in each class, and the folders that could not be read."""

    summary: JobSummary
    classes: dict[str, int]
    unreadable_folders: tuple[Failure, ...]


def read_jobs() -> tuple[JobSummary | BrokenRecord, ...]:
    """List all jobs as their journals say, the newest first, and at the end those whose journal cannot be read."""
    from core.jobs import job_list

    return job_list.list_jobs()


def describe_job(job: str) -> JobDetails:
    """Describe a job as its journal says."""
    from core.jobs.job_list import job_summary
    from core.jobs.queries import ResultStore

    summary = job_summary(job)
    with ResultStore(job) as results:
        return JobDetails(summary, results.class_counts(Filter()), results.unreadable_folders())


def list_jobs() -> tuple[JobSummary, ...]:
    """List all jobs, the newest first, also those that other programs run."""
    from core.services import jobs

    return jobs.list_jobs()


def run_job(request: JobRequest, *, report: Callable[[JobSummary], None], token: CancelToken) -> JobEnd | None:
    """Start a job, or resume it if it exists; see `core.services.jobs.run`."""
    from core.services import jobs

    return jobs.run(request, report=report, token=token)


def resume_job(job: str, *, report: Callable[[JobSummary], None], token: CancelToken) -> JobEnd | None:
    """Resume a stopped job, or look for new photos in the folder of a finished one; as `run_job`."""
    from core.services import jobs

    return jobs.run(jobs.request_of(job), report=report, token=token)


def classify_job_again(job: str, *, report: Callable[[JobSummary], None], token: CancelToken) -> JobEnd | None:
    """Classify a job's images with the version of its model that is active now; as `run_job`."""
    from core.services import jobs

    return jobs.classify_again(job, report=report, token=token)


def watch_job(job: str, *, report: Callable[[JobSummary], None], token: CancelToken) -> JobEnd | None:
    """Classify new photos in a job's folder until cancelled; as `run_job`."""
    from core.services import jobs

    return jobs.watch(job, report=report, token=token)


def remove_job(job: str) -> None:
    """Move a job that is not running to the trash, and delete what has been there for too long."""
    from core.services import jobs

    jobs.remove(job)


def list_removed_jobs() -> tuple[RemovedJob, ...]:
    """List the jobs in the trash, the last removed first."""
    from core.jobs import trash

    return trash.removed_jobs()


def restore_job(job: str) -> None:
    """Restore a removed job."""
    from core.jobs.trash import restore

    restore(job)


# ---- views


def open_view(name: str, request: ViewRequest, *, report: Callable[[ViewUpdate], None], token: CancelToken) -> None:
    """Open a view of a job's rows, and report it again whenever it may have changed, until cancelled."""
    from core.services.views import OpenView

    with OpenView(name, request) as view:
        view.serve(report, token)


def track_row(view: str, row: int | None) -> None:
    """Report the place of this row with every update of an open view from now on."""
    from core.services import views

    views.track(view, row)


def fetch_rows(version: int, first: int, count: int) -> FetchedRows | None:
    """Fetch rows of a version of an open view; None if the view has changed since."""
    from core.services import views

    view = views.view_of(version)
    return None if view is None else view.fetch(version, first, count)


def arrange_rows(job: str, view: View, *, report: ProgressCallback, token: CancelToken) -> None:
    """Compute the places of a view's rows if they depend on the photos themselves; open views then show them."""
    from core.jobs.arrangements import arrange
    from core.jobs.queries import ResultStore
    from core.services.jobs import request_of

    with ResultStore(job) as results:
        arrange(results, view, request_of(job), report=report, token=token)


# ---- reviews


def share_labels(job: str, *, token: CancelToken) -> bool:
    """Show the labels that photos of a job were given elsewhere as its reviews; return whether any changed."""
    from core.jobs.shared_labels import share_labels

    return share_labels(job, token)


def store_reviews(job: str, reviews: dict[int, Review | None]) -> None:
    """Store reviews by the numbers of their rows; None removes a review. Storing them again does no harm."""
    from core.jobs.queries import ResultStore

    with ResultStore(job) as results:
        results.set_reviews(reviews)


def review_selected(
    number: int, selected: SelectedRows, review: Review | None, *, report: ProgressCallback, token: CancelToken
) -> str:
    """Apply one review to many rows of an open view, and return a message; see `core.services.reviews`."""
    from core.services import reviews

    return reviews.review_selected(number, selected, review, report=report, token=token)


def undo_reviews(number: int, *, report: ProgressCallback) -> None:
    """Restore the reviews from before the `review_selected` with this number."""
    from core.services import reviews

    reviews.undo(number, report=report)


# ---- outputs


def missing_features() -> dict[str, str]:
    """Find out which report formats and keyword targets this computer lacks, with the reasons."""
    from core.services import exports

    return exports.missing_features()


def export_rows(
    job: str,
    view: View,
    format: ReportFormat,  # noqa: A002 - the usual name
    file: Path,
    byte_order_mark: bool,  # noqa: FBT001 - arguments of calls are positional
    *,
    report: ProgressCallback,
    token: CancelToken,
) -> str:
    """Write the rows of a view to a file, and return a message; only CSV can have a byte order mark."""
    from core.services.exports import export

    return export(job, view, format, file, byte_order_mark=byte_order_mark, report=report, token=token)


def plan_output(
    job: str, view: View, options: SortRequest | KeywordOptions, *, report: ProgressCallback, token: CancelToken
) -> PlannedSteps:
    """Plan sorting, or writing keywords to, the photos of a view, without changing anything."""
    from core.services import plans

    return plans.make(job, view, options, report=report, token=token)


def fetch_steps(plan: str, first: int, count: int) -> tuple[PlannedStep, ...]:
    """Fetch steps of a plan; none if it has expired."""
    from core.services import plans

    return plans.fetch_steps(plan, first, count)


def run_plan(plan: str, *, report: ProgressCallback, token: CancelToken) -> OutputResult:
    """Run a plan."""
    from core.services import plans

    return plans.run(plan, report=report, token=token)


def resume_sorting(job: str, *, report: ProgressCallback, token: CancelToken) -> OutputResult:
    """Resume the interrupted sorting of a job's folder."""
    from core.services import sorting

    return sorting.resume_sorting(job, report=report, token=token)


def undo_sorting(job: str, sorting: str, *, report: ProgressCallback, token: CancelToken) -> OutputResult:
    """Undo a sorting of a job's folder; the last one if none is named."""
    from core.services import sorting as service

    return service.undo_sorting(job, sorting, report=report, token=token)
