"""Writing keywords, for the batch process: every step first, and then done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.base import paths
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import display_path
from core.jobs.queries import ResultStore
from core.jobs.values import State
from core.outputs.keywords.exiftool import find_exiftool
from core.outputs.keywords.from_job import KeywordPolicy
from core.outputs.keywords.record import open_record
from core.outputs.keywords.values import KeywordAssignment, KeywordChange, KeywordOutcome, KeywordRequest, KeywordResult
from core.outputs.keywords.writing import write
from core.prediction import Failure
from core.services.batch_messages import PlanSteps, TaskDone
from core.services.batch_values import KeywordOptions, PlannedStep


@dataclass(frozen=True, slots=True, eq=False)
class KeywordPlan:
    """Keywords that are to be written.

    Attributes:
        job: whose photos.
        numbers: of their rows.
        assignments: what each is to have.
        outcomes: what would become of each.
        request: how.
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
        """What they come to, in words."""
        text = _counted(self.outcomes)
        return f"{text}. Nothing is written yet." if text else "There is no photo to write into."

    def __len__(self) -> int:
        """How many there are."""
        return len(self.outcomes)

    def steps(self, first: int, count: int) -> tuple[PlannedStep, ...]:
        """Some of them, in words."""
        return tuple(_keyword_step(outcome, self.top) for outcome in self.outcomes[first : first + count])

    def execute(self, ticket: int, report: ProgressCallback, token: CancelToken) -> TaskDone:
        """Write them; photos that were written into still count as answered.

        Raises:
            KeywordError: exiftool is gone.
            StorageError: the record of what was written, or the journal, cannot be written.
            Cancelled: it was called off; photos not reached are untouched.
        """
        tool, clock = find_exiftool(), ProgressReporter("Writing keywords", len(self.assignments), report)
        done: list[KeywordOutcome] = []
        try:
            with open_record(paths.keyword_record()) as record:
                for outcome in write(self.assignments, self.request, tool, record, token=token):
                    done.append(outcome)
                    clock.advance()
        finally:
            self._record_written(done)
        return TaskDone(ticket, f"{_counted(done)}.")

    def _record_written(self, done: Sequence[KeywordOutcome]) -> None:
        changed = [
            number
            for number, outcome in zip(self.numbers, done, strict=False)
            if isinstance(outcome, KeywordResult)
            and outcome.change is not KeywordChange.UNCHANGED
            and outcome.file == outcome.photo
        ]
        with ResultStore(self.job) as answers:
            answers.note_written(changed)


def plan_keywords(
    results: ResultStore, task: PlanSteps, requested: KeywordOptions, report: ProgressCallback, token: CancelToken
) -> KeywordPlan:
    """Work out what writing keywords would do; nothing is written.

    Raises:
        KeywordError: exiftool is not there.
        StorageError: the journal or the record cannot be read.
        Cancelled: it was called off.
    """
    tool, top = find_exiftool(), results.summary().folder
    request = KeywordRequest(place=requested.place, dry_run=True, within=top)
    numbers: list[int] = []
    assignments: list[KeywordAssignment] = []
    policy = KeywordPolicy(requested.threshold)
    for row in results.each(task.view):
        token.check()
        if row.state is State.DONE:
            numbers.append(row.number)
            assignments.append(policy.assign(row))
    clock = ProgressReporter("Looking into the photos", len(assignments), report)
    outcomes: list[KeywordOutcome] = []
    with open_record(paths.keyword_record()) as record:
        for outcome in write(assignments, request, tool, record, token=token):
            outcomes.append(outcome)
            clock.advance()
    return KeywordPlan(
        task.job,
        tuple(numbers),
        tuple(assignments),
        tuple(outcomes),
        replace(request, dry_run=False),
        top,
    )


def below(path: Path, top: Path) -> str:
    """A path as it is seen from a job's folder."""
    return display_path(path.relative_to(top) if path.is_relative_to(top) else path)


def _keyword_step(outcome: KeywordOutcome, top: Path) -> PlannedStep:
    if isinstance(outcome, Failure):
        return PlannedStep(below(outcome.path, top), "cannot be written", outcome.message, is_unsure=True)
    action = {
        KeywordChange.ADDED: f"add “{outcome.label}”",
        KeywordChange.CHANGED: f"change to “{outcome.label}”",
        KeywordChange.REMOVED: "take Fovea's keyword out",
        KeywordChange.UNCHANGED: "nothing to do",
    }[outcome.change]
    place = "in the photo" if outcome.file == outcome.photo else display_path(outcome.file.name)
    return PlannedStep(below(outcome.photo, top), action, f"{place}. {outcome.note}" if outcome.note else place)


_WORDS = {
    KeywordChange.ADDED: "get a keyword",
    KeywordChange.CHANGED: "get another",
    KeywordChange.REMOVED: "lose Fovea's",
    KeywordChange.UNCHANGED: "stay as they are",
}


def _counted(outcomes: Sequence[KeywordOutcome]) -> str:
    counts = Counter(outcome.change for outcome in outcomes if isinstance(outcome, KeywordResult))
    parts = [f"{counts[done]:,} {words}" for done, words in _WORDS.items() if counts[done]]
    failed = sum(isinstance(outcome, Failure) for outcome in outcomes)
    if failed:
        parts.append(f"{failed:,} cannot be written")
    return ", ".join(parts)
