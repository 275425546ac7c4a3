"""Planning and writing keywords."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.base import paths
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import display_path
from core.jobs.queries import ResultStore
from core.jobs.values import State, View
from core.outputs.keywords.exiftool import find_exiftool
from core.outputs.keywords.from_job import KeywordPolicy
from core.outputs.keywords.record import open_record
from core.outputs.keywords.values import KeywordAssignment, KeywordChange, KeywordOutcome, KeywordRequest, KeywordResult
from core.outputs.keywords.writing import write
from core.prediction import Failure
from core.services.job_values import KeywordOptions, OutputResult, PlannedStep


@dataclass(frozen=True, slots=True, eq=False)
class KeywordPlan:
    """A plan for writing keywords.

    Attributes:
        job: the id of the job.
        numbers: the numbers of the rows.
        assignments: the keyword of each row's photo.
        outcomes: the expected outcome for each photo.
        request: the options.
        top: the job's folder.
    """

    job: str
    numbers: tuple[int, ...]
    assignments: tuple[KeywordAssignment, ...]
    outcomes: tuple[KeywordOutcome, ...]
    request: KeywordRequest
    top: Path

    @property
    def summary(self) -> str:
        """The numbers of photos by outcome, as a message."""
        counts = _counts_text(self.outcomes)
        if not counts:
            return tr("No photos to write keywords to.")
        return tr("Planned: {counts}. Nothing has been written yet.", counts=counts)

    def __len__(self) -> int:
        """The number of steps."""
        return len(self.outcomes)

    def steps(self, first: int, count: int) -> tuple[PlannedStep, ...]:
        """`count` steps from `first` on, as texts."""
        return tuple(_keyword_step(outcome, self.top) for outcome in self.outcomes[first : first + count])

    def execute(self, report: ProgressCallback, token: CancelToken) -> OutputResult:
        """Write the keywords; the predictions of changed photos stay valid.

        Raises:
            KeywordError: exiftool is missing.
            StorageError: the record of written keywords, or the journal, cannot be written.
            Cancelled: the token was cancelled; the remaining photos are unchanged.
        """
        tool, clock = find_exiftool(), ProgressReporter(tr("Writing keywords"), len(self.assignments), report)
        done: list[KeywordOutcome] = []
        try:
            with open_record(paths.keyword_record()) as record:
                for outcome in write(self.assignments, self.request, tool, record, token=token):
                    done.append(outcome)
                    clock.advance()
        finally:
            self._record_written(done)
        return OutputResult(tr("Keywords written: {counts}.", counts=_counts_text(done)))

    def _record_written(self, done: Sequence[KeywordOutcome]) -> None:
        changed = [
            number
            for number, outcome in zip(self.numbers, done, strict=False)
            if isinstance(outcome, KeywordResult)
            and outcome.change is not KeywordChange.UNCHANGED
            and outcome.file == outcome.photo
        ]
        with ResultStore(self.job) as results:
            results.note_written(changed)


def plan_keywords(
    job: str,
    results: ResultStore,
    view: View,
    options: KeywordOptions,
    report: ProgressCallback,
    token: CancelToken,
) -> KeywordPlan:
    """Plan what writing keywords would do, without writing anything.

    Raises:
        KeywordError: exiftool is missing.
        StorageError: the journal or the record cannot be read.
        Cancelled: the token was cancelled.
    """
    tool, top = find_exiftool(), results.summary().folder
    request = KeywordRequest(place=options.place, dry_run=True, within=top)
    numbers: list[int] = []
    assignments: list[KeywordAssignment] = []
    policy = KeywordPolicy(options.threshold)
    for row in results.each(view):
        token.check()
        if row.state is State.DONE:
            numbers.append(row.number)
            assignments.append(policy.assign(row))
    clock = ProgressReporter(tr("Reading photos"), len(assignments), report)
    outcomes: list[KeywordOutcome] = []
    with open_record(paths.keyword_record()) as record:
        for outcome in write(assignments, request, tool, record, token=token):
            outcomes.append(outcome)
            clock.advance()
    return KeywordPlan(
        job,
        tuple(numbers),
        tuple(assignments),
        tuple(outcomes),
        replace(request, dry_run=False),
        top,
    )


def below(path: Path, top: Path) -> str:
    """A path relative to a job's folder, for display."""
    return display_path(path.relative_to(top) if path.is_relative_to(top) else path)


def _keyword_step(outcome: KeywordOutcome, top: Path) -> PlannedStep:
    if isinstance(outcome, Failure):
        return PlannedStep(below(outcome.path, top), tr("Can't write"), outcome.message)
    action = {
        KeywordChange.ADDED: tr("Add “{label}”", label=outcome.label),
        KeywordChange.CHANGED: tr("Change to “{label}”", label=outcome.label),
        KeywordChange.REMOVED: tr("Remove Fovea's keyword"),
        KeywordChange.UNCHANGED: tr("No change"),
    }[outcome.change]
    place = tr("In the photo") if outcome.file == outcome.photo else display_path(outcome.file.name)
    return PlannedStep(below(outcome.photo, top), action, f"{place}. {outcome.note}" if outcome.note else place)


def _counts_text(outcomes: Sequence[KeywordOutcome]) -> str:
    """How many photos have each outcome, such as “3 added, 1 unchanged”; empty if there are no outcomes."""
    counts = Counter(outcome.change for outcome in outcomes if isinstance(outcome, KeywordResult))
    parts = []
    if added := counts[KeywordChange.ADDED]:
        parts.append(tr_n("{count:,} added", "{count:,} added", added))
    if changed := counts[KeywordChange.CHANGED]:
        parts.append(tr_n("{count:,} changed", "{count:,} changed", changed))
    if removed := counts[KeywordChange.REMOVED]:
        parts.append(tr_n("{count:,} removed", "{count:,} removed", removed))
    if unchanged := counts[KeywordChange.UNCHANGED]:
        parts.append(tr_n("{count:,} unchanged", "{count:,} unchanged", unchanged))
    if failed := sum(isinstance(outcome, Failure) for outcome in outcomes):
        parts.append(tr_n("{count:,} failed", "{count:,} failed", failed))
    return ", ".join(parts)
