"""`fovea sort`: photos into class folders, step by step on record, and back."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from core.base import paths, settings
from core.base.errors import ModelError, StorageError, UsageError
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.cli import classify_folders, tables
from core.cli.classify_arguments import ClassifyRequest
from core.cli.classify_folders import Tally
from core.cli.progress import stages
from core.cli.streams import print_message, results_to
from core.datasets.problems import pluralize
from core.evaluation.plots import percent
from core.jobs.job_list import list_jobs
from core.jobs.journal import job_id
from core.jobs.pipeline import LazyClassifier
from core.jobs.queries import ResultStore
from core.jobs.values import JobRequest, JobSummary, View
from core.models.library import InstalledModel, Library, open_library
from core.outputs.following import follow_sorting
from core.outputs.sorting.disk import RealFileSystem, check_request, check_space, resolve_request
from core.outputs.sorting.execute import execute, resume
from core.outputs.sorting.plan import make_plan, summarize
from core.outputs.sorting.record import SortingRecord
from core.outputs.sorting.records import BrokenSorting, list_sortings, sortings
from core.outputs.sorting.undo import undo
from core.outputs.sorting.values import PlanSummary, SortingState, SortingSummary, SortRequest, Step, TransferMode

_MAX_REPORTED: Final = 20
"""Remarks in words; JSON holds all."""
_COUNTS: Final = ("waiting", "sorted", "failed", "undone", "kept", "companions")
_COLUMNS: Final = ("id", "begun", "state", "by", "photos", "from", "to")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; 0 if every photo is where it should be, 1 if some are not or a listed record is damaged.

    Raises:
        FoveaError: nothing could start, or the disk failed under way.
        ReaderGoneError: nobody reads standard output any more.
    """
    as_json = arguments.format == "json"
    if arguments.list:
        return _list(as_json=as_json)
    if arguments.undo is not None:
        latest = (SortingState.SORTING, SortingState.SORTED, SortingState.UNDOING)
        return _undo(arguments.undo or _latest(*latest), as_json=as_json)
    if arguments.go_on is not None:
        return _resume(arguments.go_on or _latest(SortingState.SORTING), as_json=as_json)
    if arguments.folder is None or arguments.to is None:
        hint = "As in `fovea sort photos --to sorted --dry-run`; `fovea sort --help` tells more."
        raise UsageError("Which photos are to be sorted, and where to, is not said.", hint=hint)
    return _sort(arguments, as_json=as_json)


def _sort(arguments: argparse.Namespace, *, as_json: bool) -> int:
    by, threshold = TransferMode(arguments.by), arguments.threshold
    request = resolve_request(SortRequest(arguments.folder, arguments.to, by, threshold, arguments.flat))
    check_request(request)
    classify = _classify_request(arguments)
    if not classify_folders.has_images(classify, classify.paths[0]) and _was_sorted(request):
        return _show_empty(request, summarize((), request), as_json=as_json)
    totals = _classify(classify)
    with ResultStore(job_id(_job(classify))) as answers:
        steps = list(make_plan(answers.each(View()), request, RealFileSystem(request.destination)))
    planned = summarize(steps, request)
    failed = bool(totals.failed or totals.unreadable_folders)
    if arguments.dry_run:
        check_space(request, planned.size)
        _show_steps(steps, request, planned, as_json=as_json)
        return int(failed)
    if not planned.photos:
        return int(_show_empty(request, planned, as_json=as_json) or failed)
    with _interruptible(), stages() as report:
        facts = execute(steps, request, report=report, token=CancelToken())
    follow_sorting(facts.id)
    _show_sorted(facts, planned, as_json=as_json)
    return int(failed or facts.failed > 0)


def _was_sorted(request: SortRequest) -> bool:
    """Whether photos were sorted from here to there before, so that none being left is no mistake."""
    folders = request.source, request.destination
    return any((facts.request.source, facts.request.destination) == folders for facts in sortings())


def _resume(id_: str, *, as_json: bool) -> int:
    with _interruptible(), stages() as report:
        facts = resume(id_, report=report, token=CancelToken())
    follow_sorting(id_)
    _show_sorted(facts, None, as_json=as_json)
    return int(facts.failed > 0)


def _undo(id_: str, *, as_json: bool) -> int:
    with _interruptible(), stages() as report:
        facts = undo(id_, report=report, token=CancelToken())
    follow_sorting(id_)
    if as_json:
        with results_to(None) as stream:
            stream.write(json.dumps(_content(facts) | {"remarks": _issues(facts)}, indent=2) + "\n")
    print_message(
        f"{pluralize(facts.undone, 'photo')} of the sorting {facts.id} undone: {_undo_hint(facts.request.by)}."
    )
    _print_issues(facts)
    return int(facts.kept > 0)


def _undo_hint(mode: TransferMode) -> str:
    return "moved back to where they were" if mode is TransferMode.MOVE else f"the {_plural(mode)} are removed"


def _plural(mode: TransferMode) -> str:
    return {
        TransferMode.COPY: "copies",
        TransferMode.HARDLINK: "hard links",
        TransferMode.SYMLINK: "links",
        TransferMode.MOVE: "moved photos",
    }[mode]


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        hint = "`fovea sort --continue` goes on with a sorting; `fovea sort --undo` goes back, or on with that."
        print_message("Interrupted; every photo is safe.", hint=hint)
        raise


def _latest(*states: SortingState) -> str:
    listed = list_sortings()
    found = next((one.id for one in listed if not isinstance(one, BrokenSorting) and one.state in states), "")
    broken = next((one for one in listed if isinstance(one, BrokenSorting) and one.id > found), None)
    if broken is not None:  # it may be the one that is meant
        raise broken.error
    if not found:
        raise UsageError("There is no such sorting.", hint="`fovea sort --list` lists all of them.")
    return found


# ---- classifying what is missing


def _classify_request(arguments: argparse.Namespace) -> ClassifyRequest:
    provider, precision = arguments.provider, arguments.precision
    return ClassifyRequest(
        paths=(arguments.folder,),
        model=arguments.model,
        top=None,
        provider=None if provider is None else ProviderPreference(provider),
        precision=None if precision is None else Precision(precision),
        recursive=True,
        include=tuple(arguments.include),
        exclude=tuple(arguments.exclude),
        fresh=False,
        keep_features=False,
        format="table",
        output=None,
        byte_order_mark=False,
    )


def _job(request: ClassifyRequest) -> JobRequest:
    return JobRequest(request.paths[0], request.recursive, request.include, request.exclude)


def _classify(request: ClassifyRequest) -> Tally:
    """Classify what is new or changed; of the rest the journal knows."""
    if not classify_folders.is_possible(request):
        raise StorageError("Photos are sorted by the folder's journal.", hint="Have FOVEA_HOME name another folder.")
    classify_folders.check_folders(request)
    chosen, totals = settings.load(paths.settings_file()), Tally()
    model = _model(open_library(), request, chosen.model)
    asked = LazyClassifier(model, request.provider or chosen.provider, request.precision or chosen.precision)
    top_k = min(chosen.top_k, len(model.card.classes))
    with closing(classify_folders.outcomes(request, asked, top_k, totals)) as outcomes:
        for outcome in outcomes:
            totals.count(outcome)
    print_message(totals.summary(asked))
    return totals


def _model(library: Library, request: ClassifyRequest, in_use: str) -> InstalledModel:
    """The model asked for, else the one that classified the folder last, else the one in use."""
    if request.model is not None:
        return library.find(request.model)
    id_ = job_id(_job(request))
    job = next((job for job in list_jobs() if isinstance(job, JobSummary) and job.id == id_), None)
    if job is not None and job.model:
        try:
            return library.find(f"{job.model}@{job.version}" if job.version else job.model)
        except ModelError as error:
            print_message(f"The model that classified this folder cannot be asked any more: {error.what}")
    return library.find(in_use)


# ---- telling


def _show_steps(steps: Sequence[Step], request: SortRequest, planned: PlanSummary, *, as_json: bool) -> None:
    with results_to(None) as stream:
        if as_json:
            content = _request_json(request) | {"dry_run": True} | asdict(planned) | {"photos": planned.photos}
            content["steps"] = [_step(step) for step in steps]
            stream.write(json.dumps(content, indent=2) + "\n")
        else:
            result = tables.table(("photo", "comes to", "confidence", "note"), numbers=("confidence",))
            for step in steps:
                target = "" if step.target is None else str(step.target.relative_to(request.destination))
                place = tables.cell(target, "bold") if target else tables.cell("stays", "yellow")
                confidence = "" if step.confidence is None else percent(step.confidence)
                result.add_row(
                    tables.cell(_below(step.source, request.source)), place, confidence, tables.cell(_note(step))
                )
            tables.show(stream, result)
    print_message(f"{_describe_plan(planned, request)} Nothing was changed: this was a dry run.")


def _show_empty(request: SortRequest, planned: PlanSummary, *, as_json: bool) -> int:
    """Say that there is nothing to sort, which is no failure."""
    if as_json:
        content = _request_json(request) | {"sorted": 0, "failed": 0} | asdict(planned) | {"photos": 0}
        with results_to(None) as stream:
            stream.write(json.dumps(content, indent=2) + "\n")
    left = f": {pluralize(planned.left, 'photo')} stay where they are" if planned.left else ""
    print_message(f"Nothing to sort{left}.", hint="--dry-run says why." if planned.left else "")
    return 0


def _show_sorted(facts: SortingSummary, planned: PlanSummary | None, *, as_json: bool) -> None:
    with results_to(None) as stream:
        if as_json:
            content = _content(facts) | {"remarks": _issues(facts)}
            content |= {} if planned is None else {"folders": planned.folders, "left": planned.left}
            stream.write(json.dumps(content, indent=2) + "\n")
        elif planned is not None:
            result = tables.table(("folder", "photos"), numbers=("photos",))
            for name, count in planned.folders.items():
                result.add_row(tables.cell(name, "bold"), f"{count:,}")
            tables.show(stream, result)
    along = f" and {pluralize(facts.companions, 'companion file')}" if facts.companions else ""
    left = f", {planned.left:,} stay" if planned is not None and planned.left else ""
    shared = f"; {_shared(planned)}" if planned is not None and planned.shared else ""
    failed = f", {facts.failed:,} failed" if facts.failed else ""
    text = (
        f"{pluralize(facts.sorted, 'photo')}{along} sorted by {facts.request.by} into "
        f"{str(facts.request.destination)!r}"
    )
    print_message(f"{text}{left}{failed}{shared}.", hint=f"`fovea sort --undo {facts.id}` puts everything back.")
    _print_issues(facts)


def _describe_plan(planned: PlanSummary, request: SortRequest) -> str:
    renamed = f", {planned.renamed:,} of them under other names" if planned.renamed else ""
    along = f" and {pluralize(planned.companions, 'companion file')}" if planned.companions else ""
    shared = f"; {_shared(planned)}" if planned.shared else ""
    return (
        f"{pluralize(planned.photos, 'photo')}{along} ({tables.size(planned.size)}) to sort by {request.by} into "
        f"{pluralize(len(planned.folders), 'folder')}{renamed}; {planned.left:,} stay{shared}."
    )


def _shared(planned: PlanSummary) -> str:
    """Files beside photos that stay, in words."""
    return f"{pluralize(planned.shared, 'companion file')} shared by several photos left in place"


def _print_issues(facts: SortingSummary) -> None:
    notes = _issues(facts)
    for note in notes[:_MAX_REPORTED]:
        print_message(f"{note['path']}: {note['why']}")
    if len(notes) > _MAX_REPORTED:
        print_message(f"{len(notes) - _MAX_REPORTED:,} more like these.", hint="--format json tells all of them.")


def _issues(facts: SortingSummary) -> list[dict[str, str]]:
    with SortingRecord(facts.id) as record:
        return [{"path": str(note.path), "why": note.reason} for note in record.issues()]


def _list(*, as_json: bool) -> int:
    found = list_sortings()
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps([_listed_json(one) for one in found], indent=2) + "\n")
        else:
            result = tables.table(_COLUMNS, numbers=("photos",))
            for one in found:
                result.add_row(*_cells(one))
            tables.show(stream, result)
    return int(any(isinstance(one, BrokenSorting) for one in found))


def _cells(one: SortingSummary | BrokenSorting) -> tuple[Text, ...]:
    if isinstance(one, BrokenSorting):
        empty = [Text() for _ in _COLUMNS[2:]]
        return tables.cell(one.id, "bold"), tables.cell(f"{one.error.what} {one.error.hint}", "red"), *empty
    photos = one.waiting + one.sorted + one.failed + one.undone
    style = "yellow" if one.state in (SortingState.SORTING, SortingState.UNDOING) else ""
    return (
        tables.cell(one.id, "bold"),
        tables.cell(f"{_timestamp(one):%Y-%m-%d %H:%M}"),
        tables.cell(one.state.value, style),
        tables.cell(one.request.by.value),
        tables.cell(f"{photos:,}"),
        *(tables.cell(str(folder)) for folder in (one.request.source, one.request.destination)),
    )


def _listed_json(one: SortingSummary | BrokenSorting) -> dict[str, Any]:
    if isinstance(one, BrokenSorting):
        return {"id": one.id, "error": {"kind": one.error.kind, "message": one.error.what, "hint": one.error.hint}}
    return _content(one)


def _content(facts: SortingSummary) -> dict[str, Any]:
    counts = {name: getattr(facts, name) for name in _COUNTS}
    about = {"id": facts.id, "begun": _timestamp(facts).isoformat(), "state": facts.state.value}
    return about | _request_json(facts.request) | counts


def _request_json(request: SortRequest) -> dict[str, Any]:
    folders = {"source": str(request.source), "destination": str(request.destination)}
    return folders | {"by": request.by.value, "threshold": request.threshold, "flat": request.flat}


def _note(step: Step) -> str:
    """What is said about a photo in a dry run: why it stays or is called otherwise, and what goes along."""
    along = f"With {', '.join(one.source.name for one in step.companions)}." if step.companions else ""
    shared = f"{', '.join(one.name for one in step.shared)} stays, as several photos share it." if step.shared else ""
    return " ".join(filter(None, (step.note, along, shared)))


def _step(step: Step) -> dict[str, Any]:
    target = None if step.target is None else str(step.target)
    along = [{"source": str(one.source), "target": str(one.target), "size": one.size} for one in step.companions]
    shared = [str(file) for file in step.shared]
    return asdict(step) | {"source": str(step.source), "target": target, "companions": along, "shared": shared}


def _below(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _timestamp(facts: SortingSummary) -> datetime:
    return datetime.fromtimestamp(facts.begun, UTC).astimezone()
