"""Planning and writing keywords."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.base import paths
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import display_path
from core.evaluation.acceptance import Acceptance, acceptance_text
from core.jobs.acceptance import accept
from core.jobs.queries import ResultStore
from core.jobs.values import View
from core.outputs.keywords.exiftool import find_exiftool
from core.outputs.keywords.from_job import KeywordPolicy, RowAssignment, write_assigned
from core.outputs.keywords.record import open_record
from core.outputs.keywords.values import (
    KeywordAssignment,
    KeywordChange,
    KeywordOutcome,
    KeywordRequest,
    KeywordResult,
    KeywordTarget,
)
from core.prediction import Failure
from core.services.job_values import KeywordOptions, OutputResult, PlannedStep


@dataclass(frozen=True, slots=True, eq=False)
class KeywordPlan:
    """A plan for writing keywords, or for removing those of Fovea; the acceptance is None without predictions."""

    job: str
    assigned: tuple[RowAssignment, ...]
    outcomes: tuple[KeywordOutcome, ...]
    request: KeywordRequest
    top: Path
    removes: bool = False
    acceptance: Acceptance | None = None

    @property
    def summary(self) -> str:
        """The numbers of photos by outcome, as a message."""
        counts = _counts_text(self.outcomes)
        if not counts:
            return tr("No keywords to remove.") if self.removes else tr("No photos to write keywords to.")
        planned = tr("Planned: {counts}. Nothing has been written yet.", counts=counts)
        return f"{planned} {acceptance_text(self.acceptance)}" if self.acceptance else planned

    def __len__(self) -> int:
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
        name = tr("Removing keywords") if self.removes else tr("Writing keywords")
        clock = ProgressReporter(name, len(self.assigned), report)
        with ResultStore(self.job) as results:
            counts = _counts_text(_write(results, self.assigned, self.request, clock, token))
        if self.removes:
            return OutputResult(tr("Keywords: {counts}.", counts=counts))
        return OutputResult(tr("Keywords written: {counts}.", counts=counts))


def plan_keywords(
    job: str, results: ResultStore, view: View, options: KeywordOptions, report: ProgressCallback, token: CancelToken
) -> KeywordPlan:
    """Plan what writing or removing keywords would do, without writing anything.

    Removing has no steps for photos without keywords of Fovea.

    Raises KeywordError if exiftool is missing; StorageError if the journal or the record cannot be read.
    """
    find_exiftool()
    top = results.summary().folder
    removes = options.place is None
    request = KeywordRequest(place=options.place or KeywordTarget.SIDECAR, within=top)
    assigned = []
    for number, one in KeywordPolicy(options.threshold).assign(results.each(view)):
        token.check()
        assigned.append((number, KeywordAssignment(one.photo, None) if removes else one))
    clock = ProgressReporter(tr("Reading photos"), len(assigned), report)
    outcomes = _write(results, assigned, replace(request, dry_run=True), clock, token)
    if removes:
        kept = [pair for pair, outcome in zip(assigned, outcomes, strict=True) if not _is_unchanged(outcome)]
        outcomes = [outcome for outcome in outcomes if not _is_unchanged(outcome)]
        return KeywordPlan(job, tuple(kept), tuple(outcomes), request, top, removes=True)
    accepted = accept(results, view.filter, options.threshold)
    return KeywordPlan(job, tuple(assigned), tuple(outcomes), request, top, acceptance=accepted)


def _is_unchanged(outcome: KeywordOutcome) -> bool:
    return isinstance(outcome, KeywordResult) and outcome.change is KeywordChange.UNCHANGED


def _write(
    results: ResultStore,
    assigned: Iterable[RowAssignment],
    request: KeywordRequest,
    clock: ProgressReporter,
    token: CancelToken,
) -> list[KeywordOutcome]:
    outcomes = []
    with open_record(paths.keyword_record()) as record:
        for outcome in write_assigned(results, assigned, request, find_exiftool(), record, token=token):
            outcomes.append(outcome)
            clock.advance()
    return outcomes


def below(path: Path, top: Path) -> str:
    """A path relative to a job's folder, for display."""
    return display_path(path.relative_to(top) if path.is_relative_to(top) else path)


def _keyword_step(outcome: KeywordOutcome, top: Path) -> PlannedStep:
    if isinstance(outcome, Failure):
        return PlannedStep(below(outcome.path, top), tr("Can't write"), outcome.message)
    label = ", ".join(outcome.labels)
    action = {
        KeywordChange.ADDED: tr("Add “{label}”", label=label),
        KeywordChange.CHANGED: tr("Change to “{label}”", label=label),
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
