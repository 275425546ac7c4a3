"""Writing keywords, for the batch process: every step first, and then done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.base import paths
from core.base.progress import CancelToken, Report, StageClock
from core.base.text import printable
from core.jobs.queries import Answers
from core.jobs.values import State
from core.outputs.keywords.exiftool import find_exiftool
from core.outputs.keywords.from_job import Choice
from core.outputs.keywords.record import open_record
from core.outputs.keywords.values import Done, Kept, KeywordOutcome, KeywordRequest, Wish
from core.outputs.keywords.writing import write
from core.prediction import Failure
from core.services.batch_messages import PlanSteps, TaskDone
from core.services.batch_values import KeywordWish, Step


@dataclass(frozen=True, slots=True, eq=False)
class KeywordPlan:
    """Keywords that are to be written.

    Attributes:
        job: whose photos.
        numbers: of their rows.
        wishes: what each is to have.
        outcomes: what would become of each.
        request: how.
        top: the job's folder.
    """

    job: str
    numbers: tuple[int, ...]
    wishes: tuple[Wish, ...]
    outcomes: tuple[KeywordOutcome, ...]
    request: KeywordRequest
    top: Path

    @property
    def summary(self) -> str:
        """What they come to, in words."""
        told = _counted(self.outcomes)
        return f"{told}. Nothing is written yet." if told else "There is no photo to write into."

    def __len__(self) -> int:
        """How many there are."""
        return len(self.outcomes)

    def steps(self, first: int, count: int) -> tuple[Step, ...]:
        """Some of them, in words."""
        return tuple(_keyword_step(outcome, self.top) for outcome in self.outcomes[first : first + count])

    def carry_out(self, ticket: int, report: Report, token: CancelToken) -> TaskDone:
        """Write them; photos that were written into still count as answered.

        Raises:
            KeywordError: exiftool is gone.
            StorageError: the record of what was written, or the journal, cannot be written.
            Cancelled: it was called off; photos not reached are untouched.
        """
        tool, clock = find_exiftool(), StageClock("Writing keywords", len(self.wishes), report)
        done: list[KeywordOutcome] = []
        try:
            with open_record(paths.keyword_record()) as record:
                for outcome in write(self.wishes, self.request, tool, record, token=token):
                    done.append(outcome)
                    clock.advance()
        finally:
            self._note_written(done)
        return TaskDone(ticket, f"{_counted(done)}.")

    def _note_written(self, done: Sequence[KeywordOutcome]) -> None:
        changed = [
            number
            for number, outcome in zip(self.numbers, done, strict=False)
            if isinstance(outcome, Kept) and outcome.done is not Done.UNCHANGED and outcome.file == outcome.photo
        ]
        with Answers(self.job) as answers:
            answers.note_written(changed)


def plan_keywords(
    answers: Answers, task: PlanSteps, wish: KeywordWish, report: Report, token: CancelToken
) -> KeywordPlan:
    """Work out what writing keywords would do; nothing is written.

    Raises:
        KeywordError: exiftool is not there.
        StorageError: the journal or the record cannot be read.
        Cancelled: it was called off.
    """
    tool, top = find_exiftool(), answers.facts().folder
    request = KeywordRequest(place=wish.place, dry_run=True, within=top)
    numbers: list[int] = []
    wishes: list[Wish] = []
    choice = Choice(wish.threshold)
    for row in answers.each(task.view):
        token.check()
        if row.state is State.DONE:
            numbers.append(row.number)
            wishes.append(choice.wish(row))
    clock = StageClock("Looking into the photos", len(wishes), report)
    outcomes: list[KeywordOutcome] = []
    with open_record(paths.keyword_record()) as record:
        for outcome in write(wishes, request, tool, record, token=token):
            outcomes.append(outcome)
            clock.advance()
    return KeywordPlan(
        task.job,
        tuple(numbers),
        tuple(wishes),
        tuple(outcomes),
        replace(request, dry_run=False),
        top,
    )


def below(path: Path, top: Path) -> str:
    """A path as it is seen from a job's folder."""
    return printable(path.relative_to(top) if path.is_relative_to(top) else path)


def _keyword_step(outcome: KeywordOutcome, top: Path) -> Step:
    if isinstance(outcome, Failure):
        return Step(below(outcome.path, top), "cannot be written", outcome.message, is_unsure=True)
    deed = {
        Done.ADDED: f"add “{outcome.label}”",
        Done.CHANGED: f"change to “{outcome.label}”",
        Done.REMOVED: "take Fovea's keyword out",
        Done.UNCHANGED: "nothing to do",
    }[outcome.done]
    place = "in the photo" if outcome.file == outcome.photo else printable(outcome.file.name)
    return Step(below(outcome.photo, top), deed, f"{place}. {outcome.remark}" if outcome.remark else place)


_WORDS = {
    Done.ADDED: "get a keyword",
    Done.CHANGED: "get another",
    Done.REMOVED: "lose Fovea's",
    Done.UNCHANGED: "stay as they are",
}


def _counted(outcomes: Sequence[KeywordOutcome]) -> str:
    counts = Counter(outcome.done for outcome in outcomes if isinstance(outcome, Kept))
    parts = [f"{counts[done]:,} {words}" for done, words in _WORDS.items() if counts[done]]
    failed = sum(isinstance(outcome, Failure) for outcome in outcomes)
    if failed:
        parts.append(f"{failed:,} cannot be written")
    return ", ".join(parts)
