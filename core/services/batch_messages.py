"""What the window and its batch process say to each other; light values, nothing heavy is imported for them.

The window chooses a ticket for each request; what answers it carries the same one. A view is told anew whenever it may
have changed, under the number it was asked with; rows are fetched from the version of it that was told last.
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
    """Say which jobs there are; whatever becomes of them is told from then on."""


@dataclass(frozen=True, slots=True)
class StartJob:
    """Begin a job, or go on with it where it exists. First answer: `JobStarted` or `TaskFailed`."""

    ticket: int
    request: JobRequest


@dataclass(frozen=True, slots=True)
class ResumeJob:
    """Go on with a job that stopped, or look again for what is new in its folder."""

    ticket: int
    job: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Let a job under way wait, or go on; it can at once."""

    job: str
    on: bool


@dataclass(frozen=True, slots=True)
class StopJob:
    """Stop a job; what it has is kept, and it can go on later."""

    job: str


@dataclass(frozen=True, slots=True)
class RemoveJob:
    """Take a job that does not run from the list, so that it can be brought back. Last: `TaskDone` or `TaskFailed`."""

    ticket: int
    job: str


@dataclass(frozen=True, slots=True)
class RestoreJob:
    """Bring back a job that was removed. Last: `TaskDone` or `TaskFailed`."""

    ticket: int
    job: str


@dataclass(frozen=True, slots=True)
class WatchJob:
    """Classify what arrives in a job's folder from now on, until `StopJob`. First answer: `JobStarted` or
    `TaskFailed`.
    """

    ticket: int
    job: str


# ---- to the batch process: what is looked at


@dataclass(frozen=True, slots=True)
class OpenView:
    """Look at a job's rows in this way, instead of any other under the same number.

    Attributes:
        number: of who looks: each part of the window has its own.
        job: the job.
        view: which rows, in which order.
        unfiltered: the same without a class or folder it is narrowed to, for the counts beside it.
        tracked: number of the row whose place is told with every answer; None for none.
        counted_by: by what photos are counted beside it, by class or by folder; NONE where no facts are wanted.
        is_frozen: whether it stays as it was worked out first, whatever becomes of its rows.
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
    """Tell this row's place from now on."""

    number: int
    row: int | None


@dataclass(frozen=True, slots=True)
class CloseView:
    """Nobody looks under this number any more."""

    number: int


@dataclass(frozen=True, slots=True)
class FetchRows:
    """Give rows of what is looked at."""

    number: int
    version: int
    first: int
    count: int


# ---- to the batch process: what is made of results


@dataclass(frozen=True, slots=True)
class Export:
    """Write the rows of a view to a file; a byte-order mark is for CSV alone. Last: `TaskDone`."""

    ticket: int
    job: str
    view: View
    format: ReportFormat
    file: Path
    byte_order_mark: bool = False


@dataclass(frozen=True, slots=True)
class PlanSteps:
    """Say every step that sorting, or writing keywords, into a view's photos would take. Last: `StepsPlanned`."""

    ticket: int
    job: str
    view: View
    requested: SortRequest | KeywordOptions


@dataclass(frozen=True, slots=True)
class FetchSteps:
    """Give steps of the plan under this ticket."""

    ticket: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class ExecutePlan:
    """Take the steps of the plan under this ticket. Last: `TaskDone`, with an `undo` where they can be undone."""

    ticket: int


@dataclass(frozen=True, slots=True)
class ContinueSorting:
    """Go on with the sorting of a job's folder that was interrupted. Last: `TaskDone`."""

    ticket: int
    job: str


@dataclass(frozen=True, slots=True)
class UndoSorting:
    """Undo what a sorting did, by its name, or the last one of a job. Last: `TaskDone`."""

    ticket: int
    job: str
    sorting: str = ""


@dataclass(frozen=True, slots=True)
class CancelTask:
    """Call off whatever runs under this ticket. Last: `TaskCancelled`."""

    ticket: int


@dataclass(frozen=True, slots=True)
class GetCapabilities:
    """Say which forms and ways this machine has. Last: `Capabilities`."""


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
    """One job stands otherwise than before."""

    status: JobStatus


@dataclass(frozen=True, slots=True)
class JobStarted:
    """A job is under way."""

    ticket: int
    job: str


@dataclass(frozen=True, slots=True)
class JobEnded:
    """A job came to its end, by itself, by request, or by an error.

    Attributes:
        job: which.
        error: why it stopped early.
        unreadable_folders: the folders that could not be read.
        skipped: the files of kinds that Fovea does not read, in words; "" for none.
        links: how many links to folders were not followed.
        misnamed: how many images were skipped because they are not named like one.
    """

    job: str
    error: FoveaError | None
    unreadable_folders: tuple[UnreadableFolder, ...]
    skipped: str = ""
    links: int = 0
    misnamed: int = 0


# ---- from the batch process: what is looked at


@dataclass(frozen=True, slots=True)
class ViewUpdated:
    """What is looked at under a number.

    Attributes:
        number: as it was asked with.
        version: from which rows are fetched.
        count: how many rows there are.
        grew: whether the rows told before are still where they were.
        tracked: place of the row that is followed; None where it is not among them.
        summary: what stands beside; None where nobody wanted it.
    """

    number: int
    version: int
    count: int
    grew: bool
    tracked: int | None
    summary: ViewSummary | None


@dataclass(frozen=True, slots=True)
class RowsFetched:
    """Rows of what is looked at, from a place on.

    Attributes:
        number: as it was asked with.
        version: of the view.
        first: place of the first of them.
        rows: the rows.
        groups: for each row the number of its group, from 0; empty where the view has none.
    """

    number: int
    version: int
    first: int
    rows: tuple[Row, ...]
    groups: tuple[int, ...] = ()


# ---- from the batch process: what is made of results


@dataclass(frozen=True, slots=True)
class StepsPlanned:
    """A plan is made: how many steps it has, and what they come to, in words."""

    ticket: int
    count: int
    summary: str


@dataclass(frozen=True, slots=True)
class StepsFetched:
    """Steps of a plan, from a place on."""

    ticket: int
    first: int
    steps: tuple[PlannedStep, ...]


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """How far a task is."""

    ticket: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class TaskDone:
    """A task is done: what came of it in words, and the sorting that can be undone where there is one."""

    ticket: int
    message: str
    sorting: str = ""
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """Nothing, or not all, came of a task."""

    ticket: int
    error: FoveaError


@dataclass(frozen=True, slots=True)
class TaskCancelled:
    """A task was called off."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this machine can do; each form or way that it cannot, with the reason."""

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
