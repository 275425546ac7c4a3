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
from core.base.providers import Precision, ProviderWish
from core.cli import classify_folders, tables
from core.cli.classify_arguments import ClassifyRequest
from core.cli.classify_folders import Tally
from core.cli.progress import stages
from core.cli.streams import results_to, tell
from core.datasets.problems import quantity
from core.evaluation.plots import percent
from core.jobs.job_list import list_jobs
from core.jobs.journal import job_id
from core.jobs.pipeline import Answering
from core.jobs.queries import Answers
from core.jobs.values import JobFacts, JobRequest, View
from core.models.library import InstalledModel, Library, open_library
from core.outputs.following import follow_sorting
from core.outputs.sorting.disk import RealDisk, check, check_space, real
from core.outputs.sorting.execute import carry_out, go_on
from core.outputs.sorting.plan import plan, sum_up
from core.outputs.sorting.record import Record
from core.outputs.sorting.records import BrokenSorting, list_sortings, sortings
from core.outputs.sorting.undo import undo
from core.outputs.sorting.values import By, PlanFacts, SortingFacts, SortingState, SortRequest, Step

_TOLD: Final = 20
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
        return _go_on(arguments.go_on or _latest(SortingState.SORTING), as_json=as_json)
    if arguments.folder is None or arguments.to is None:
        hint = "As in `fovea sort photos --to sorted --dry-run`; `fovea sort --help` tells more."
        raise UsageError("Which photos are to be sorted, and where to, is not said.", hint=hint)
    return _sort(arguments, as_json=as_json)


def _sort(arguments: argparse.Namespace, *, as_json: bool) -> int:
    by, threshold = By(arguments.by), arguments.threshold
    request = real(SortRequest(arguments.folder, arguments.to, by, threshold, arguments.flat))
    check(request)
    classify = _classify_request(arguments)
    if not classify_folders.has_images(classify, classify.paths[0]) and _was_sorted(request):
        return _show_nothing(request, sum_up((), request), as_json=as_json)
    tally = _classify(classify)
    with Answers(job_id(_job(classify))) as answers:
        steps = list(plan(answers.each(View()), request, RealDisk(request.destination)))
    planned = sum_up(steps, request)
    failed = bool(tally.failed or tally.unreadable_folders)
    if arguments.dry_run:
        check_space(request, planned.size)
        _show_steps(steps, request, planned, as_json=as_json)
        return int(failed)
    if not planned.photos:
        return int(_show_nothing(request, planned, as_json=as_json) or failed)
    with _interruptible(), stages() as report:
        facts = carry_out(steps, request, report=report, token=CancelToken())
    follow_sorting(facts.id)
    _show_sorted(facts, planned, as_json=as_json)
    return int(failed or facts.failed > 0)


def _was_sorted(request: SortRequest) -> bool:
    """Whether photos were sorted from here to there before, so that none being left is no mistake."""
    folders = request.source, request.destination
    return any((facts.request.source, facts.request.destination) == folders for facts in sortings())


def _go_on(id_: str, *, as_json: bool) -> int:
    with _interruptible(), stages() as report:
        facts = go_on(id_, report=report, token=CancelToken())
    follow_sorting(id_)
    _show_sorted(facts, None, as_json=as_json)
    return int(facts.failed > 0)


def _undo(id_: str, *, as_json: bool) -> int:
    with _interruptible(), stages() as report:
        facts = undo(id_, report=report, token=CancelToken())
    follow_sorting(id_)
    if as_json:
        with results_to(None) as stream:
            stream.write(json.dumps(_content(facts) | {"remarks": _remarks(facts)}, indent=2) + "\n")
    tell(f"{quantity(facts.undone, 'photo')} of the sorting {facts.id} undone: {_way_back(facts.request.by)}.")
    _tell_remarks(facts)
    return int(facts.kept > 0)


def _way_back(by: By) -> str:
    return "moved back to where they were" if by is By.MOVE else f"the {_plural(by)} are removed"


def _plural(by: By) -> str:
    return {By.COPY: "copies", By.HARDLINK: "hard links", By.SYMLINK: "links", By.MOVE: "moved photos"}[by]


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        hint = "`fovea sort --continue` goes on with a sorting; `fovea sort --undo` goes back, or on with that."
        tell("Interrupted; every photo is safe.", hint=hint)
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
        provider=None if provider is None else ProviderWish(provider),
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
    classify_folders.look(request)
    chosen, tally = settings.load(paths.settings_file()), Tally()
    model = _model(open_library(), request, chosen.model)
    asked = Answering(model, request.provider or chosen.provider, request.precision or chosen.precision)
    top_k = min(chosen.top_k, len(model.card.classes))
    with closing(classify_folders.outcomes(request, asked, top_k, tally)) as outcomes:
        for outcome in outcomes:
            tally.count(outcome)
    tell(tally.sum(asked))
    return tally


def _model(library: Library, request: ClassifyRequest, in_use: str) -> InstalledModel:
    """The model asked for, else the one that classified the folder last, else the one in use."""
    if request.model is not None:
        return library.find(request.model)
    id_ = job_id(_job(request))
    job = next((job for job in list_jobs() if isinstance(job, JobFacts) and job.id == id_), None)
    if job is not None and job.model:
        try:
            return library.find(f"{job.model}@{job.version}" if job.version else job.model)
        except ModelError as error:
            tell(f"The model that classified this folder cannot be asked any more: {error.what}")
    return library.find(in_use)


# ---- telling


def _show_steps(steps: Sequence[Step], request: SortRequest, planned: PlanFacts, *, as_json: bool) -> None:
    with results_to(None) as stream:
        if as_json:
            content = _asked(request) | {"dry_run": True} | asdict(planned) | {"photos": planned.photos}
            content["steps"] = [_step(step) for step in steps]
            stream.write(json.dumps(content, indent=2) + "\n")
        else:
            made = tables.table(("photo", "comes to", "confidence", "note"), numbers=("confidence",))
            for step in steps:
                target = "" if step.target is None else str(step.target.relative_to(request.destination))
                place = tables.cell(target, "bold") if target else tables.cell("stays", "yellow")
                sure = "" if step.confidence is None else percent(step.confidence)
                made.add_row(tables.cell(_below(step.source, request.source)), place, sure, tables.cell(_note(step)))
            tables.show(stream, made)
    tell(f"{_in_words(planned, request)} Nothing was changed: this was a dry run.")


def _show_nothing(request: SortRequest, planned: PlanFacts, *, as_json: bool) -> int:
    """Say that there is nothing to sort, which is no failure."""
    if as_json:
        content = _asked(request) | {"sorted": 0, "failed": 0} | asdict(planned) | {"photos": 0}
        with results_to(None) as stream:
            stream.write(json.dumps(content, indent=2) + "\n")
    left = f": {quantity(planned.left, 'photo')} stay where they are" if planned.left else ""
    tell(f"Nothing to sort{left}.", hint="--dry-run says why." if planned.left else "")
    return 0


def _show_sorted(facts: SortingFacts, planned: PlanFacts | None, *, as_json: bool) -> None:
    with results_to(None) as stream:
        if as_json:
            content = _content(facts) | {"remarks": _remarks(facts)}
            content |= {} if planned is None else {"folders": planned.folders, "left": planned.left}
            stream.write(json.dumps(content, indent=2) + "\n")
        elif planned is not None:
            made = tables.table(("folder", "photos"), numbers=("photos",))
            for name, count in planned.folders.items():
                made.add_row(tables.cell(name, "bold"), f"{count:,}")
            tables.show(stream, made)
    along = f" and {quantity(facts.companions, 'companion file')}" if facts.companions else ""
    left = f", {planned.left:,} stay" if planned is not None and planned.left else ""
    shared = f"; {_shared(planned)}" if planned is not None and planned.shared else ""
    failed = f", {facts.failed:,} failed" if facts.failed else ""
    told = (
        f"{quantity(facts.sorted, 'photo')}{along} sorted by {facts.request.by} into {str(facts.request.destination)!r}"
    )
    tell(f"{told}{left}{failed}{shared}.", hint=f"`fovea sort --undo {facts.id}` puts everything back.")
    _tell_remarks(facts)


def _in_words(planned: PlanFacts, request: SortRequest) -> str:
    renamed = f", {planned.renamed:,} of them under other names" if planned.renamed else ""
    along = f" and {quantity(planned.companions, 'companion file')}" if planned.companions else ""
    shared = f"; {_shared(planned)}" if planned.shared else ""
    return (
        f"{quantity(planned.photos, 'photo')}{along} ({tables.size(planned.size)}) to sort by {request.by} into "
        f"{quantity(len(planned.folders), 'folder')}{renamed}; {planned.left:,} stay{shared}."
    )


def _shared(planned: PlanFacts) -> str:
    """Files beside photos that stay, in words."""
    return f"{quantity(planned.shared, 'companion file')} shared by several photos left in place"


def _tell_remarks(facts: SortingFacts) -> None:
    remarks = _remarks(facts)
    for remark in remarks[:_TOLD]:
        tell(f"{remark['path']}: {remark['why']}")
    if len(remarks) > _TOLD:
        tell(f"{len(remarks) - _TOLD:,} more like these.", hint="--format json tells all of them.")


def _remarks(facts: SortingFacts) -> list[dict[str, str]]:
    with Record(facts.id) as record:
        return [{"path": str(remark.path), "why": remark.why} for remark in record.remarks()]


def _list(*, as_json: bool) -> int:
    found = list_sortings()
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps([_listed(one) for one in found], indent=2) + "\n")
        else:
            made = tables.table(_COLUMNS, numbers=("photos",))
            for one in found:
                made.add_row(*_cells(one))
            tables.show(stream, made)
    return int(any(isinstance(one, BrokenSorting) for one in found))


def _cells(one: SortingFacts | BrokenSorting) -> tuple[Text, ...]:
    if isinstance(one, BrokenSorting):
        empty = [Text() for _ in _COLUMNS[2:]]
        return tables.cell(one.id, "bold"), tables.cell(f"{one.error.what} {one.error.hint}", "red"), *empty
    photos = one.waiting + one.sorted + one.failed + one.undone
    style = "yellow" if one.state in (SortingState.SORTING, SortingState.UNDOING) else ""
    return (
        tables.cell(one.id, "bold"),
        tables.cell(f"{_moment(one):%Y-%m-%d %H:%M}"),
        tables.cell(one.state.value, style),
        tables.cell(one.request.by.value),
        tables.cell(f"{photos:,}"),
        *(tables.cell(str(folder)) for folder in (one.request.source, one.request.destination)),
    )


def _listed(one: SortingFacts | BrokenSorting) -> dict[str, Any]:
    if isinstance(one, BrokenSorting):
        return {"id": one.id, "error": {"kind": one.error.kind, "message": one.error.what, "hint": one.error.hint}}
    return _content(one)


def _content(facts: SortingFacts) -> dict[str, Any]:
    counts = {name: getattr(facts, name) for name in _COUNTS}
    about = {"id": facts.id, "begun": _moment(facts).isoformat(), "state": facts.state.value}
    return about | _asked(facts.request) | counts


def _asked(request: SortRequest) -> dict[str, Any]:
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


def _moment(facts: SortingFacts) -> datetime:
    return datetime.fromtimestamp(facts.begun, UTC).astimezone()
