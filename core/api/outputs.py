"""Verbs of scripts: sorting, keywords, and watching a folder; its photos are classified first."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from core.api.classification import classify, empty_folders
from core.api.classification_values import ClassifyRequest, ClassifyStart, ClassifyTotals, OpenReport, Warn
from core.base import paths, settings
from core.base.errors import BrokenRecord, ImageError, UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback
from core.evaluation.acceptance import Acceptance
from core.images.listing import find_images
from core.jobs.acceptance import accept
from core.jobs.job import Job, open_lazy_classifier
from core.jobs.journal import job_id
from core.jobs.pipeline import LazyClassifier
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, JobProgress, Row, View
from core.jobs.walk import check_folder
from core.jobs.watch import Watch, WatchPhase, WatchState
from core.models.library import open_library
from core.outputs import sort as sorting
from core.outputs.keywords.exiftool import find_exiftool
from core.outputs.keywords.from_job import KeywordPolicy, write_assigned
from core.outputs.keywords.record import open_record
from core.outputs.keywords.values import KeywordOutcome, KeywordRequest, sidecar_of
from core.outputs.keywords.writing import remove
from core.outputs.sort import SortPlan
from core.outputs.sorting.disk import check_request, check_space, resolve_request
from core.outputs.sorting.plan import summarize
from core.outputs.sorting.record import SortingRecord
from core.outputs.sorting.records import list_sortings, sortings
from core.outputs.sorting.values import SortingState, SortingSummary, SortIssue, SortRequest
from core.outputs.watch_outputs import OutputRequest, OutputSinks
from core.prediction import Failure

_CLASSIFIED = View(filter=Filter(failed=False))
_FAILED = View(filter=Filter(failed=True))

OnKeywords: TypeAlias = Callable[[JobProgress | KeywordOutcome], None]

# ---- sorting


def plan_sorting(
    sort: SortRequest, request: ClassifyRequest, open_report: OpenReport, *, dry_run: bool, warn: Warn,
    token: CancelToken,
) -> tuple[SortPlan, ClassifyTotals | None]:  # fmt: skip
    """Classify a folder as `classify` does, and plan how to sort its photos; a dry run also checks the space.

    Returns:
        The plan, and the totals of the classification; None if the folder had been sorted before and has no images
        any more.
    """
    sort = resolve_request(sort)
    check_request(sort)
    if empty_folders(request) and _was_sorted(sort):
        return SortPlan(sort, (), summarize((), sort)), None
    totals = classify(request, open_report, warn=warn, token=token)
    with ResultStore(job_id(request.job(request.paths[0]))) as results:
        plan = sorting.plan_sorting(results, View(), sort, report=lambda _: None, token=token)
    if dry_run:
        check_space(sort, plan.summary.size)
    return plan, totals


def _was_sorted(request: SortRequest) -> bool:
    """Whether these folders were used before, so that a source without photos is expected."""
    folders = request.source, request.destination
    return any((one.request.source, one.request.destination) == folders for one in sortings())


def sort_photos(plan: SortPlan, *, report: ProgressCallback, token: CancelToken) -> SortingSummary:
    """Sort photos as planned."""
    return sorting.execute(plan, report=report, token=token)


def resume_sorting(id_: str, *, report: ProgressCallback, token: CancelToken) -> SortingSummary:
    """Resume an interrupted sorting; the latest one if no id is given."""
    return sorting.resume(id_ or _latest(SortingState.SORTING), report=report, token=token)


def undo_sorting(id_: str, *, report: ProgressCallback, token: CancelToken) -> SortingSummary:
    """Undo a sorting; the latest one if no id is given."""
    undoable = SortingState.SORTING, SortingState.SORTED, SortingState.UNDOING
    return sorting.undo(id_ or _latest(*undoable), report=report, token=token)


def list_issues(of: SortingSummary) -> tuple[SortIssue, ...]:
    """List what a sorting, or undoing it, left as it was."""
    with SortingRecord(of.id) as record:
        return tuple(record.issues())


def _latest(*states: SortingState) -> str:
    """The latest sorting in one of these states.

    Raises:
        UsageError: there is none.
        StorageError: the record of the latest one is damaged, so that its state is not known.
    """
    listed = list_sortings()
    found = next((one.id for one in listed if not isinstance(one, BrokenRecord) and one.state in states), "")
    broken = next((one for one in listed if isinstance(one, BrokenRecord) and one.id > found), None)
    if broken is not None:
        raise broken.error
    if not found:
        raise UsageError(tr("No matching sorting."), hint=tr("Run `fovea sort --list` to list all sortings."))
    return found


# ---- keywords


@dataclass(frozen=True, slots=True)
class KeywordRun:
    """What came of writing or removing keywords.

    Attributes:
        unreadable: the folders that could not be read.
        moved: the number of photos with keywords that were moved away.
        acceptance: what it means to use the predictions; None if keywords were removed, or there are no predictions.
    """

    unreadable: tuple[Path, ...]
    moved: int
    acceptance: Acceptance | None = None


def write_keywords(
    request: ClassifyRequest, policy: KeywordPolicy, options: KeywordRequest, *, warn: Warn, report: OnKeywords,
    token: CancelToken,
) -> KeywordRun:  # fmt: skip
    """Classify a folder, and write the results into its photos.

    Args:
        request: the folder, its only path, and the model.
        policy: which keyword a photo gets.
        options: where and how keywords are written.
        warn: takes messages and hints about what is left out.
        report: takes the progress of the classification, and then the outcome for each photo.
        token: cancels it.
    """
    folder = request.paths[0]
    check_folder(folder)
    tool, chosen = find_exiftool(), settings.load(paths.settings_file())
    job = replace(
        request.job(folder),
        model=request.model or chosen.model,
        provider=chosen.provider,
        precision=chosen.precision,
    )
    with open_record(paths.keyword_record()) as record:
        with Job(job, open_lazy_classifier(job), token=token, report=report) as running:
            deque(running.results(), maxlen=0)
        unreadable = running.walk.unreadable_folders
        for error in unreadable:
            warn(error.message, error.hint)
        for note in running.warnings:
            warn(note, "")
        with ResultStore(running.id) as results:
            failures = (row.failure for row in results.each(_FAILED) if row.failure is not None)
            assigned = policy.assign(results.each(_CLASSIFIED))
            written = write_assigned(results, assigned, options, tool, record, token=token)
            for outcome in chain(failures, written):
                report(outcome)
            accepted = accept(results, Filter(), policy.threshold)
        moved = len(record.photos_in(_absolute(folder)))
    return KeywordRun(tuple(error.path for error in unreadable), moved, accepted)


def remove_keywords(
    request: ClassifyRequest, options: KeywordRequest, *, warn: Warn, report: OnKeywords, token: CancelToken
) -> KeywordRun:
    """Remove keywords from recorded photos and from those found in a folder; the files mark which are Fovea's."""
    folder = request.paths[0]
    check_folder(folder)
    tool = find_exiftool()
    unreadable: list[Path] = []

    def on_error(place: Path, error: ImageError) -> None:
        unreadable.append(place)
        warn(error.what, error.hint)

    with open_record(paths.keyword_record()) as record:
        found = find_images([folder], recursive=request.recursive, on_error=on_error)
        images = (_absolute(path) for path in chain(record.photos_in(_absolute(folder)), found) if _is_there(path))
        for outcome in remove(_unique(images), options, tool, record, token=token):
            report(outcome)
        moved = len(record.photos_in(_absolute(folder)))
    return KeywordRun(tuple(unreadable), moved)


# ---- watching


def watch_folder(
    request: ClassifyRequest,
    open_outputs: Callable[[ClassifyStart], OutputRequest],
    *,
    report: Callable[[WatchState | Sequence[Row]], None],
    warn: Callable[[Failure], None],
    token: CancelToken,
) -> None:
    """Classify photos as they arrive in a folder, until the token is cancelled.

    Args:
        request: the folder, its only path.
        open_outputs: what to do with the photos, given the model; called once the request is known to be possible.
        report: takes the state of the watch, first of all when it starts, and the rows of photos.
        warn: takes what could not be written or sorted.
        token: its cancelling, which raises `Cancelled`, is the only normal end.
    """
    chosen = settings.load(paths.settings_file())
    model = open_library().find(request.model or chosen.model)
    classifier = LazyClassifier(model, chosen.provider, chosen.precision, request.detection)
    start = ClassifyStart.of(request, chosen, model)
    with OutputSinks(open_outputs(start), model, warn=warn) as sinks:

        def deliver(results: ResultStore, rows: Sequence[Row]) -> None:
            sinks(results, rows)
            report(rows)

        job = replace(request.job(request.paths[0]), top_k=start.top_k)
        watch = Watch(job, classifier, deliver, token=token, looked=sinks.bring_late, state=report)
        report(WatchState(WatchPhase.WAITING))
        watch.run()


def _absolute(path: Path) -> Path:
    """An absolute path, as the record stores it."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve follows links


def _is_there(photo: Path) -> bool:
    """Whether the photo exists, or the sidecar of one that was moved away."""
    return os.path.exists(photo) or os.path.exists(sidecar_of(photo))  # noqa: PTH110 - a name may be too long


def _unique(images: Iterable[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for image in images:
        if image not in seen:
            seen.add(image)
            yield image
