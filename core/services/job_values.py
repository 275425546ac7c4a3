"""Values of folder jobs that the window and the batch process exchange; they need no heavy imports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from core.base.errors import FoveaError
from core.evaluation.acceptance import Acceptance
from core.jobs.values import Filter, Group, JobSummary, Row, View
from core.outputs.keywords.values import KeywordTarget
from core.prediction import Failure


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended: it finished, was stopped, or failed.

    Attributes:
        error: why it failed; None if it did not.
        skipped: a message about skipped files of unsupported types; empty if there are none.
        links: the number of links to folders that were not followed.
        misnamed: the number of images skipped because they have no image extension.
    """

    job: JobSummary
    error: FoveaError | None
    unreadable_folders: tuple[Failure, ...]
    skipped: str = ""
    links: int = 0
    misnamed: int = 0
    fresh: int = 0
    unknown: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """A view to open.

    Attributes:
        unfiltered: the filter without its class or folder, for the counts beside the rows.
        tracked: the number of the row whose place is reported with every update; None for none.
        counted_by: whether to count photos by class or by folder; NONE for no summary.
        is_frozen: whether the view keeps its rows and their order when the job changes.
    """

    job: str
    view: View
    unfiltered: Filter = field(default_factory=Filter)
    tracked: int | None = None
    counted_by: Group = Group.NONE
    is_frozen: bool = False


UNKNOWN_GROUP: Final = "\0unknown"
"""The group of unknown photos among classes: no class has this name."""


@dataclass(frozen=True, slots=True)
class ViewSummary:
    """Counts shown beside the rows of a view.

    Attributes:
        histogram: counts of rows in equal bins of confidence 0..1, ignoring the view's range of confidence.
        group_counts: each class, or folder relative to the job's, with its count of rows, ignoring the view's class
            and folder; among classes, UNKNOWN_GROUP stands for unknown photos, and "" for unreadable ones.
        excluded: the number of photos that match the filter but are left out, as they have no near-duplicate.
        acceptance: what accepting the predictions of the job means, at 0%, 1%, ..., 100% minimum confidence.
    """

    histogram: tuple[int, ...]
    group_counts: tuple[tuple[str, int], ...]
    excluded: int
    acceptance: tuple[Acceptance, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class ViewUpdate:
    """A view was opened or changed.

    Attributes:
        version: changes whenever rows change places; rows are fetched from a version.
        grew: whether all earlier rows have kept their places.
        tracked: the place of the tracked row; None if it is not in the view.
        summary: the counts beside the rows; None if not requested.
    """

    version: int
    count: int
    grew: bool
    tracked: int | None
    summary: ViewSummary | None


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A group of a view's rows: its number, from 0, the place of its first row, and the number of rows."""

    number: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class FetchedRows:
    """Consecutive rows of a view, and the group of each; none if the view is not grouped."""

    rows: tuple[Row, ...]
    groups: tuple[RowGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class SelectedRows:
    """Selected rows of an open view.

    Attributes:
        version: the version of the view in which they were selected.
        spans: the rows, as (first place, count) pairs.
    """

    version: int
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class KeywordOptions:
    """Options for keywords: where to write them, None to remove those of Fovea; and the minimum confidence, 0..1.

    An unreviewed photo below `threshold` gets none.
    """

    place: KeywordTarget | None
    threshold: float


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of a plan as texts: the file, the action, and the target or result."""

    file: str
    action: str
    outcome: str


@dataclass(frozen=True, slots=True)
class PlannedSteps:
    """A plan that can be run: its id, its number of steps, and a message that sums them up."""

    id: str
    count: int
    text: str


@dataclass(frozen=True, slots=True)
class OutputResult:
    """What became of photos: a message, and the id of the sorting if it can be undone."""

    message: str
    sorting: str = ""
