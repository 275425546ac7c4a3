"""`fovea sort`: sort photos into class folders, resume and undo."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from core.api import outputs
from core.base.errors import UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import percent
from core.cli import tables
from core.cli.classify import classify_request, summary
from core.cli.progress import job_bar, stages
from core.cli.streams import print_message
from core.evaluation.acceptance import acceptance_text
from core.outputs.sort import SortPlan
from core.outputs.sorting.records import list_sortings
from core.outputs.sorting.texts import left_texts, plan_details, sorted_text, undone_text
from core.outputs.sorting.values import PlanSummary, SortingState, SortingSummary, SortRequest, Step

_MAX_REPORTED: Final = 20
"""Issues printed as text; JSON has all of them."""
_COUNTS: Final = ("waiting", "sorted", "failed", "undone", "kept", "companions")


def run(arguments: argparse.Namespace) -> int:
    """Sort, resume, undo or list; return 0 if everything was done, 1 if not or if a listed record is damaged."""
    form: str = arguments.format
    if arguments.list:
        return _list(form)
    if arguments.undo is not None:
        return _undo(arguments.undo, form)
    if arguments.resume is not None:
        with _interruptible() as report:
            sorting = outputs.resume_sorting(arguments.resume, report=report, token=CancelToken())
        _show_sorted(sorting, None, form)
        return int(sorting.failed > 0)
    if arguments.folder is None or arguments.to is None:
        hint = tr("For example: `fovea sort photos --to sorted --dry-run`. See `fovea sort --help`.")
        raise UsageError(tr("FOLDER and --to DEST are required."), hint=hint)
    return _sort(arguments, form)


def _sort(arguments: argparse.Namespace, form: str) -> int:
    options = arguments.by, arguments.threshold, arguments.flat, arguments.groups
    request = SortRequest(arguments.folder, arguments.to, *options)
    classify = classify_request(arguments, arguments.folder, recursive=True, for_sorting=True)
    plan, totals = outputs.plan_sorting(
        request, classify, lambda _: job_bar(), dry_run=arguments.dry_run, warn=print_message, token=CancelToken()
    )
    if totals:
        print_message(summary(totals))
    failed = bool(totals and totals.has_failures)
    if arguments.dry_run and totals:
        _show_steps(plan, form)
        return int(failed)
    if not plan.summary.photos:
        _show_empty(plan, form)
        return int(failed)
    with _interruptible() as report:
        sorting = outputs.sort_photos(plan, report=report, token=CancelToken())
    _show_sorted(sorting, plan.summary, form)
    return int(failed or sorting.failed > 0)


def _undo(id_: str, form: str) -> int:
    with _interruptible() as report:
        sorting = outputs.undo_sorting(id_, report=report, token=CancelToken())
    if form == "json":
        tables.print_result(form, lambda: _content(sorting) | {"remarks": _issues(sorting)}, tuple)
    print_message(undone_text(sorting))
    _print_issues(sorting)
    return int(sorting.kept > 0)


@contextmanager
def _interruptible() -> Iterator[ProgressCallback]:
    try:
        with stages() as report:
            yield report
    except KeyboardInterrupt:
        hint = tr("Run `fovea sort --continue` to resume sorting, or `fovea sort --undo` to undo it.")
        print_message(tr("Interrupted. Every photo is safe."), hint=hint)
        raise


def _show_steps(plan: SortPlan, form: str) -> None:
    planned = plan.summary
    content = asdict(plan.request) | {"dry_run": True} | asdict(planned) | {"photos": planned.photos}
    content |= {"acceptance": asdict(plan.acceptance) if plan.acceptance else None}
    steps = map(asdict, plan.steps)
    tables.print_result(form, lambda: content | {"steps": list(steps)}, lambda: [_steps_table(plan)])
    count = tr_n(
        "{count:,} photo ({size}) to sort into class folders ({mode}).",
        "{count:,} photos ({size}) to sort into class folders ({mode}).",
        planned.photos,
        size=tables.size(planned.size),
        mode=plan.request.by,
    )
    accepted = (acceptance_text(plan.acceptance),) if plan.acceptance else ()
    print_message(" ".join((count, *plan_details(planned), *accepted, tr("This was a dry run. Nothing was changed."))))


def _steps_table(plan: SortPlan) -> Table:
    rows = []
    for step in plan.steps:
        target = "" if step.target is None else str(step.target.relative_to(plan.request.destination))
        place = tables.cell(target, "bold") if target else tables.cell(tr("stays"), "yellow")
        confidence = "" if step.confidence is None else percent(step.confidence)
        source, top = step.source, plan.request.source
        below = source.relative_to(top) if source.is_relative_to(top) else source
        rows.append((str(below), place, confidence, _note(step)))
    columns = tr("photo"), tr("destination"), tr("confidence"), tr("note")
    return tables.table(columns, rows, numbers=(tr("confidence"),))


def _show_empty(plan: SortPlan, form: str) -> None:
    """Report that there is nothing to sort, which is not an error."""
    planned = plan.summary
    if form == "json":
        content = asdict(plan.request) | {"sorted": 0, "failed": 0} | asdict(planned) | {"photos": 0}
        tables.print_result(form, lambda: content, tuple)
    left = tuple(left_texts(planned))
    print_message(" ".join((tr("Nothing to sort."), *left)), hint=tr("Add --dry-run to see why.") if left else "")


def _show_sorted(sorting: SortingSummary, planned: PlanSummary | None, form: str) -> None:
    folders = {} if planned is None else {"folders": planned.folders, "left": planned.left}
    tables.print_result(
        form,
        lambda: _content(sorting) | {"remarks": _issues(sorting)} | folders,
        lambda: [] if planned is None else [_folders_table(planned)],
    )
    hint = tr("To undo this, run `fovea sort --undo {id}`.", id=sorting.id)
    left = () if planned is None else left_texts(planned)
    print_message(" ".join((sorted_text(sorting), *left)), hint=hint)
    _print_issues(sorting)


def _folders_table(planned: PlanSummary) -> Table:
    rows = ((tables.cell(name, "bold"), f"{count:,}") for name, count in planned.folders.items())
    return tables.table((tr("folder"), tr("photos")), rows, numbers=(tr("photos"),))


def _print_issues(sorting: SortingSummary) -> None:
    issues = _issues(sorting)
    for issue in issues[:_MAX_REPORTED]:
        print_message(f"{issue['path']}: {issue['why']}")
    if len(issues) > _MAX_REPORTED:
        more = tr_n("{count:,} more issue.", "{count:,} more issues.", len(issues) - _MAX_REPORTED)
        print_message(more, hint=tr("Use --format json to list all of them."))


def _issues(sorting: SortingSummary) -> list[dict[str, str]]:
    return [{"path": str(issue.path), "why": issue.reason} for issue in outputs.list_issues(sorting)]


def _list(form: str) -> int:
    columns = (tr("id"), tr("started"), tr("state"), tr("by"), tr("photos"), tr("from"), tr("to"))
    return tables.print_records(form, list_sortings(), _content, _cells, columns, (tr("photos"),))


def _cells(one: SortingSummary) -> tuple[str | Text, ...]:
    photos = one.waiting + one.sorted + one.failed + one.undone
    style = "yellow" if one.state in (SortingState.SORTING, SortingState.UNDOING) else ""
    return (
        tables.cell(one.id, "bold"),
        tables.minute(tables.local_time(one.begun)),
        tables.cell(one.state.value, style),
        one.request.by.value,
        f"{photos:,}",
        str(one.request.source),
        str(one.request.destination),
    )


def _content(sorting: SortingSummary) -> dict[str, Any]:
    counts = {name: getattr(sorting, name) for name in _COUNTS}
    about = {"id": sorting.id, "begun": tables.local_time(sorting.begun).isoformat(), "state": sorting.state.value}
    return about | asdict(sorting.request) | counts


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
