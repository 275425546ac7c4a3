"""Messages between the window and the batch process: light values that need no heavy imports.

The window chooses a ticket for each request, and replies carry the same one. A view is sent again under its number
whenever it may have changed; rows are fetched from its last version.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from core.base.errors import FoveaError
from core.base.progress import Progress
from core.jobs.values import Filter, Group, JobRequest, Row, UnreadableFolder, View
from core.outputs.reports.plan import ReportFormat
from core.outputs.sorting.values import SortRequest
from core.services.batch_review_messages import ReviewMarked, ReviewsSet, SetReviews, UndoReviews
from core.services.batch_values import JobStatus, KeywordOptions, PlannedStep, ViewSummary

# ---- to the batch process: jobs


@dataclass(frozen=True, slots=True)
class ListJobs:
    """List all jobs."""


@dataclass(frozen=True, slots=True)
class StartJob:
    """Start a job, or resume it if it exists. First reply: `JobStarted` or `TaskFailed`."""

    ticket: int
    request: JobRequest


@dataclass(frozen=True, slots=True)
class ResumeJob:
    """Resume a stopped job, or look for new photos in the folder of a finished one."""

    ticket: int
    job: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause a running job, or continue it; takes effect immediately."""

    job: str
    on: bool


@dataclass(frozen=True, slots=True)
class StopJob:
    """Stop a job; its results are kept, and it can be resumed later."""

    job: str


@dataclass(frozen=True, slots=True)
class RemoveJob:
    """Move a job that is not running to the trash. Last reply: `TaskDone` or `TaskFailed`."""

    ticket: int
    job: str


@dataclass(frozen=True, slots=True)
class RestoreJob:
    """Restore a removed job. Last reply: `TaskDone` or `TaskFailed`."""

    ticket: int
    job: str


@dataclass(frozen=True, slots=True)
class WatchJob:
    """Classify new photos in a job's folder until `StopJob`. First reply: `JobStarted` or `TaskFailed`."""

    ticket: int
    job: str


# ---- to the batch process: views


@dataclass(frozen=True, slots=True)
class OpenView:
    """Open a view of a job's rows, replacing any with the same number.

    Attributes:
        number: of the view; each part of the window has its own.
        job: the job.
        view: the filter, order and grouping.
        unfiltered: the filter without its class or folder, for the counts beside the rows.
        tracked: the number of the row whose place is reported with every update; None for none.
        counted_by: whether to count photos by class or by folder; NONE for no summary.
        is_frozen: whether the view keeps its rows and their order when the job changes.
    """

    number: int
    job: str
    view: View
    unfiltered: Filter = field(default_factory=Filter)
    tracked: int | None = None
    counted_by: Group = Group.NONE
    is_frozen: bool = False


@dataclass(frozen=True, slots=True)
class TrackRow:
    """Report the place of this row with every update from now on."""

    number: int
    row: int | None


@dataclass(frozen=True, slots=True)
class CloseView:
    """Close a view."""

    number: int


@dataclass(frozen=True, slots=True)
class FetchRows:
    """Fetch rows of a view. Reply: `RowsFetched`."""

    number: int
    version: int
    first: int
    count: int


# ---- to the batch process: tasks


@dataclass(frozen=True, slots=True)
class Export:
    """Export the rows of a view to a file; only CSV can have a byte order mark. Last reply: `TaskDone`."""

    ticket: int
    job: str
    view: View
    format: ReportFormat
    file: Path
    byte_order_mark: bool = False


@dataclass(frozen=True, slots=True)
class PlanSteps:
    """Plan sorting, or writing keywords to, the photos of a view. Last reply: `StepsPlanned`."""

    ticket: int
    job: str
    view: View
    requested: SortRequest | KeywordOptions


@dataclass(frozen=True, slots=True)
class FetchSteps:
    """Fetch steps of the plan with this ticket. Reply: `StepsFetched`."""

    ticket: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class ExecutePlan:
    """Run the plan with this ticket. Last reply: `TaskDone`, with `sorting` if it can be undone."""

    ticket: int


@dataclass(frozen=True, slots=True)
class ContinueSorting:
    """Resume the interrupted sorting of a job's folder. Last reply: `TaskDone`."""

    ticket: int
    job: str


@dataclass(frozen=True, slots=True)
class UndoSorting:
    """Undo the sorting with this id; the last one of the job if empty. Last reply: `TaskDone`."""

    ticket: int
    job: str
    sorting: str = ""


@dataclass(frozen=True, slots=True)
class CancelTask:
    """Cancel the task with this ticket. Last reply: `TaskCancelled`."""

    ticket: int


@dataclass(frozen=True, slots=True)
class GetCapabilities:
    """Get the features that are not available on this computer. Reply: `Capabilities`."""


JobOrder: TypeAlias = ListJobs | StartJob | ResumeJob | Pause | StopJob | RemoveJob | RestoreJob | WatchJob
Question: TypeAlias = OpenView | TrackRow | CloseView | FetchRows | SetReviews | ReviewMarked | UndoReviews
Task: TypeAlias = (
    Export | PlanSteps | FetchSteps | ExecutePlan | ContinueSorting | UndoSorting | CancelTask | GetCapabilities
)

# ---- from the batch process: jobs


@dataclass(frozen=True, slots=True)
class JobsListed:
    """All jobs, the newest first."""

    jobs: tuple[JobStatus, ...]


@dataclass(frozen=True, slots=True)
class JobChanged:
    """The status of a job changed."""

    status: JobStatus


@dataclass(frozen=True, slots=True)
class JobStarted:
    """A job was started."""

    ticket: int
    job: str


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job finished, was stopped, or failed.

    Attributes:
        job: the id of the job.
        error: why it failed; None if it did not.
        unreadable_folders: the folders that could not be read.
        skipped: a message about skipped files of unsupported types; empty if there are none.
        links: the number of links to folders that were not followed.
        misnamed: the number of images skipped because they have no image extension.
    """

    job: str
    error: FoveaError | None
    unreadable_folders: tuple[UnreadableFolder, ...]
    skipped: str = ""
    links: int = 0
    misnamed: int = 0


# ---- from the batch process: views


@dataclass(frozen=True, slots=True)
class ViewUpdated:
    """A view was opened or changed.

    Attributes:
        number: of the view.
        version: of the view, from which rows can be fetched.
        count: the number of rows.
        grew: whether all earlier rows have kept their places.
        tracked: the place of the tracked row; None if it is not in the view.
        summary: the counts beside the rows; None if not requested.
    """

    number: int
    version: int
    count: int
    grew: bool
    tracked: int | None
    summary: ViewSummary | None


@dataclass(frozen=True, slots=True)
class RowsFetched:
    """Consecutive rows of a view.

    Attributes:
        number: of the view.
        version: of the view.
        first: the place of the first row.
        rows: the rows.
        groups: the number of each row's group, from 0; empty if the view is not grouped.
    """

    number: int
    version: int
    first: int
    rows: tuple[Row, ...]
    groups: tuple[int, ...] = ()


# ---- from the batch process: tasks


@dataclass(frozen=True, slots=True)
class StepsPlanned:
    """A plan is ready: its number of steps, and a message that sums them up."""

    ticket: int
    count: int
    summary: str


@dataclass(frozen=True, slots=True)
class StepsFetched:
    """Consecutive steps of a plan, from `first` on."""

    ticket: int
    first: int
    steps: tuple[PlannedStep, ...]


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """The progress of a task."""

    ticket: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class TaskDone:
    """A task is done: a message, the id of the sorting if it can be undone, and the file written if any."""

    ticket: int
    message: str
    sorting: str = ""
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task failed, at least partly."""

    ticket: int
    error: FoveaError


@dataclass(frozen=True, slots=True)
class TaskCancelled:
    """A task was cancelled."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The formats and keyword targets that are not available on this computer, with the reasons."""

    missing: dict[str, str] = field(default_factory=dict)


Answer: TypeAlias = (
    JobsListed
    | JobChanged
    | JobStarted
    | JobEnded
    | ViewUpdated
    | RowsFetched
    | ReviewsSet
    | StepsPlanned
    | StepsFetched
    | TaskProgress
    | TaskDone
    | TaskFailed
    | TaskCancelled
    | Capabilities
)
