"""`fovea sort`: sort photos into class folders, resume and undo."""

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
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.base.text import percent
from core.cli import classify_folders, tables
from core.cli.classify_arguments import ClassifyRequest
from core.cli.classify_folders import Tally
from core.cli.progress import stages
from core.cli.sort_texts import left_text, plan_text, sorted_text, undone_text
from core.cli.streams import print_message, results_to
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
"""Issues printed as text; JSON has all of them."""
_COUNTS: Final = ("waiting", "sorted", "failed", "undone", "kept", "companions")


def _columns() -> tuple[str, ...]:
    return tr("id"), tr("started"), tr("state"), tr("by"), tr("photos"), tr("from"), tr("to")


def run(arguments: argparse.Namespace) -> int:
    """Sort, resume, undo or list; return 0 if everything was done, 1 if not or if a listed record is damaged.

    Raises:
        FoveaError: nothing could start, or the disk failed while running.
        BrokenPipeOutputError: the reader of standard output has gone.
    """
    as_json = arguments.format == "json"
    if arguments.list:
        return _list(as_json=as_json)
    if arguments.undo is not None:
        latest = (SortingState.SORTING, SortingState.SORTED, SortingState.UNDOING)
        return _undo(arguments.undo or _latest(*latest), as_json=as_json)
    if arguments.resume is not None:
        return _resume(arguments.resume or _latest(SortingState.SORTING), as_json=as_json)
    if arguments.folder is None or arguments.to is None:
        hint = tr("For example: `fovea sort photos --to sorted --dry-run`. See `fovea sort --help`.")
        raise UsageError(tr("FOLDER and --to DEST are required."), hint=hint)
    return _sort(arguments, as_json=as_json)


def _sort(arguments: argparse.Namespace, *, as_json: bool) -> int:
    by, threshold = TransferMode(arguments.by), arguments.threshold
    request = resolve_request(SortRequest(arguments.folder, arguments.to, by, threshold, arguments.flat))
    check_request(request)
    classify = _classify_request(arguments)
    if not classify_folders.has_images(classify, classify.paths[0]) and _was_sorted(request):
        return _show_empty(request, summarize((), request), as_json=as_json)
    totals = _classify(classify)
    with ResultStore(job_id(_job(classify))) as results:
        steps = list(make_plan(results.each(View()), request, RealFileSystem(request.destination)))
    planned = summarize(steps, request)
    failed = bool(totals.failed or totals.unreadable_folders)
    if arguments.dry_run:
        check_space(request, planned.size)
        _show_steps(steps, request, planned, as_json=as_json)
        return int(failed)
    if not planned.photos:
        return int(_show_empty(request, planned, as_json=as_json) or failed)
    with _interruptible(), stages() as report:
        sorting = execute(steps, request, report=report, token=CancelToken())
    follow_sorting(sorting.id)
    _show_sorted(sorting, planned, as_json=as_json)
    return int(failed or sorting.failed > 0)


def _was_sorted(request: SortRequest) -> bool:
    """Whether these folders were used before, so that a source without photos is expected."""
    folders = request.source, request.destination
    return any((sorting.request.source, sorting.request.destination) == folders for sorting in sortings())


def _resume(id_: str, *, as_json: bool) -> int:
    with _interruptible(), stages() as report:
        sorting = resume(id_, report=report, token=CancelToken())
    follow_sorting(id_)
    _show_sorted(sorting, None, as_json=as_json)
    return int(sorting.failed > 0)


def _undo(id_: str, *, as_json: bool) -> int:
    with _interruptible(), stages() as report:
        sorting = undo(id_, report=report, token=CancelToken())
    follow_sorting(id_)
    if as_json:
        with results_to(None) as stream:
            stream.write(json.dumps(_content(sorting) | {"remarks": _issues(sorting)}, indent=2) + "\n")
    print_message(undone_text(sorting))
    _print_issues(sorting)
    return int(sorting.kept > 0)


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        hint = tr("Run `fovea sort --continue` to resume sorting, or `fovea sort --undo` to undo it.")
        print_message(tr("Interrupted. Every photo is safe."), hint=hint)
        raise


def _latest(*states: SortingState) -> str:
    listed = list_sortings()
    found = next((one.id for one in listed if not isinstance(one, BrokenSorting) and one.state in states), "")
    broken = next((one for one in listed if isinstance(one, BrokenSorting) and one.id > found), None)
    if broken is not None:  # the latest one may be meant, and its state is not known
        raise broken.error
    if not found:
        raise UsageError(tr("No matching sorting."), hint=tr("Run `fovea sort --list` to list all sortings."))
    return found


# ---- classifying new photos


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
    """Classify what is new or changed; the journal has the rest."""
    if not classify_folders.is_possible(request):
        what = tr("Couldn't write the journal of the folder, which sorting needs.")
        raise StorageError(what, hint=tr("Set FOVEA_HOME to a folder you can write to."))
    classify_folders.check_folders(request)
    chosen, totals = settings.load(paths.settings_file()), Tally()
    model = _model(open_library(), request, chosen.model)
    classifier = LazyClassifier(model, request.provider or chosen.provider, request.precision or chosen.precision)
    top_k = min(chosen.top_k, len(model.card.classes))
    with closing(classify_folders.outcomes(request, classifier, top_k, totals)) as outcomes:
        for outcome in outcomes:
            totals.count(outcome)
    print_message(totals.summary(classifier))
    return totals


def _model(library: Library, request: ClassifyRequest, in_use: str) -> InstalledModel:
    """The requested model, otherwise the one that last classified the folder, otherwise the model in use."""
    if request.model is not None:
        return library.find(request.model)
    id_ = job_id(_job(request))
    job = next((job for job in list_jobs() if isinstance(job, JobSummary) and job.id == id_), None)
    if job is not None and job.model:
        try:
            return library.find(f"{job.model}@{job.version}" if job.version else job.model)
        except ModelError as error:
            print_message(tr("The model that classified this folder is not available: {reason}", reason=error.what))
    return library.find(in_use)


# ---- output


def _show_steps(steps: Sequence[Step], request: SortRequest, planned: PlanSummary, *, as_json: bool) -> None:
    with results_to(None) as stream:
        if as_json:
            content = _request_json(request) | {"dry_run": True} | asdict(planned) | {"photos": planned.photos}
            content["steps"] = [_step(step) for step in steps]
            stream.write(json.dumps(content, indent=2) + "\n")
        else:
            columns = (tr("photo"), tr("destination"), tr("confidence"), tr("note"))
            result = tables.table(columns, numbers=(tr("confidence"),))
            for step in steps:
                target = "" if step.target is None else str(step.target.relative_to(request.destination))
                place = tables.cell(target, "bold") if target else tables.cell(tr("stays"), "yellow")
                confidence = "" if step.confidence is None else percent(step.confidence)
                result.add_row(
                    tables.cell(_below(step.source, request.source)), place, confidence, tables.cell(_note(step))
                )
            tables.show(stream, result)
    print_message(f"{plan_text(planned, request)} {tr('This was a dry run. Nothing was changed.')}")


def _show_empty(request: SortRequest, planned: PlanSummary, *, as_json: bool) -> int:
    """Report that there is nothing to sort, which is not an error."""
    if as_json:
        content = _request_json(request) | {"sorted": 0, "failed": 0} | asdict(planned) | {"photos": 0}
        with results_to(None) as stream:
            stream.write(json.dumps(content, indent=2) + "\n")
    if planned.left:
        print_message(f"{tr('Nothing to sort.')} {left_text(planned.left)}", hint=tr("Add --dry-run to see why."))
    else:
        print_message(tr("Nothing to sort."))
    return 0


def _show_sorted(sorting: SortingSummary, planned: PlanSummary | None, *, as_json: bool) -> None:
    with results_to(None) as stream:
        if as_json:
            content = _content(sorting) | {"remarks": _issues(sorting)}
            content |= {} if planned is None else {"folders": planned.folders, "left": planned.left}
            stream.write(json.dumps(content, indent=2) + "\n")
        elif planned is not None:
            result = tables.table((tr("folder"), tr("photos")), numbers=(tr("photos"),))
            for name, count in planned.folders.items():
                result.add_row(tables.cell(name, "bold"), f"{count:,}")
            tables.show(stream, result)
    hint = tr("To undo this, run `fovea sort --undo {id}`.", id=sorting.id)
    print_message(sorted_text(sorting, planned), hint=hint)
    _print_issues(sorting)


def _print_issues(sorting: SortingSummary) -> None:
    issues = _issues(sorting)
    for issue in issues[:_MAX_REPORTED]:
        print_message(f"{issue['path']}: {issue['why']}")
    if len(issues) > _MAX_REPORTED:
        more = tr_n("{count:,} more issue.", "{count:,} more issues.", len(issues) - _MAX_REPORTED)
        print_message(more, hint=tr("Use --format json to list all of them."))


def _issues(sorting: SortingSummary) -> list[dict[str, str]]:
    with SortingRecord(sorting.id) as record:
        return [{"path": str(issue.path), "why": issue.reason} for issue in record.issues()]


def _list(*, as_json: bool) -> int:
    found = list_sortings()
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps([_listed_json(one) for one in found], indent=2) + "\n")
        else:
            result = tables.table(_columns(), numbers=(tr("photos"),))
            for one in found:
                result.add_row(*_cells(one))
            tables.show(stream, result)
    return int(any(isinstance(one, BrokenSorting) for one in found))


def _cells(one: SortingSummary | BrokenSorting) -> tuple[Text, ...]:
    if isinstance(one, BrokenSorting):
        empty = [Text() for _ in _columns()[2:]]
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


def _content(sorting: SortingSummary) -> dict[str, Any]:
    counts = {name: getattr(sorting, name) for name in _COUNTS}
    about = {"id": sorting.id, "begun": _timestamp(sorting).isoformat(), "state": sorting.state.value}
    return about | _request_json(sorting.request) | counts


def _request_json(request: SortRequest) -> dict[str, Any]:
    folders = {"source": str(request.source), "destination": str(request.destination)}
    return folders | {"by": request.by.value, "threshold": request.threshold, "flat": request.flat}


def _note(step: Step) -> str:
    """The note on a photo in a dry run: why it stays or is renamed, and its companion files."""
    notes = [step.note] if step.note else []
    if step.companions:
        notes.append(tr("With {files}.", files=", ".join(one.source.name for one in step.companions)))
    if step.shared:
        files = ", ".join(one.name for one in step.shared)
        notes.append(
            tr_n(
                "{files} stays because several photos share it.",
                "{files} stay because several photos share them.",
                len(step.shared),
                files=files,
            )
        )
    return " ".join(notes)


def _step(step: Step) -> dict[str, Any]:
    target = None if step.target is None else str(step.target)
    along = [{"source": str(one.source), "target": str(one.target), "size": one.size} for one in step.companions]
    shared = [str(file) for file in step.shared]
    return asdict(step) | {"source": str(step.source), "target": target, "companions": along, "shared": shared}


def _below(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _timestamp(sorting: SortingSummary) -> datetime:
    return datetime.fromtimestamp(sorting.begun, UTC).astimezone()
