"""`fovea jobs`: list, show, remove and restore jobs."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from core.api import jobs as api
from core.base.i18n import tr, tr_n
from core.cli import tables
from core.cli.streams import print_message
from core.jobs.trash import RemovedJob
from core.jobs.values import JobState, JobSummary
from core.models.versions import KEPT_DAYS

_CLASSES_SHOWN: Final = 40
_NOT_STORED: Final = ("progress", "sortings", "interrupted", "message")
"""The fields of a job that only the window uses."""


def run(arguments: argparse.Namespace) -> int:
    """Run an action; return 0 on success, 1 if the journal of a listed job cannot be read."""
    match arguments.action:
        case "show":
            job = api.describe_job(arguments.id)
            tables.print_result(arguments.format, lambda: _details_json(job), lambda: [_details(job)])
        case "remove":
            _remove(arguments.id)
        case "restore" if arguments.id is None:
            _list_removed(arguments.format)
        case "restore":
            api.restore_job(arguments.id)
            print_message(tr("Restored job {id}.", id=arguments.id))
        case _:
            return _list(arguments.format)
    return 0


def _list(form: str) -> int:
    counts = tr("images"), tr("failed"), tr("remaining")
    columns = tr("id"), tr("folder"), *counts, tr("state"), tr("model"), tr("started")
    return tables.print_records(form, api.read_jobs(), _content, _cells, columns, counts)


def _remove(id_: str) -> None:
    api.remove_job(id_)
    hint = tr_n(
        "To undo this within {count} day, run `fovea jobs restore {id}`.",
        "To undo this within {count} days, run `fovea jobs restore {id}`.",
        KEPT_DAYS,
        id=id_,
    )
    print_message(tr("Removed job {id}. No image was changed.", id=id_), hint=hint)


def _list_removed(form: str) -> None:
    jobs, counts = api.list_removed_jobs(), (tr("images"), tr("reviewed"))
    columns = tr("id"), tr("folder"), *counts, tr("removed")
    shown = tables.table(columns, map(_removed_cells, jobs), numbers=counts)
    tables.print_result(form, lambda: list(map(_removed_content, jobs)), lambda: [shown])


def _removed_content(job: RemovedJob) -> dict[str, Any]:
    content = {"id": job.id} if job.summary is None else _content(job.summary)
    content.pop("state", None)
    content |= {} if job.damaged_file is None else {"damaged": str(job.damaged_file)}
    return content | {"removed": job.removed_at.astimezone().isoformat()}


def _removed_cells(job: RemovedJob) -> tuple[str | Text, ...]:
    summary = job.summary
    cells = (tr("unreadable journal"), "", "")
    if job.damaged_file is not None:
        note = tr("damaged journal, kept as {file}; the readable part is in the job", file=job.damaged_file)
        cells = (note, "", "")
    elif summary is not None:
        cells = (str(summary.folder), f"{summary.counts.found:,}", f"{summary.counts.reviewed:,}")
    return (tables.cell(job.id, "bold"), *cells, tables.minute(job.removed_at))


def _content(job: JobSummary) -> dict[str, Any]:
    content = {name: value for name, value in asdict(job).items() if name not in _NOT_STORED}
    return content | {"begun": tables.local_time(job.begun).isoformat()}


def _cells(job: JobSummary) -> tuple[str | Text, ...]:
    counts, style = job.counts, "yellow" if job.state is JobState.STOPPED else ""
    return (
        tables.cell(job.id, "bold"),
        str(job.folder),
        *(f"{count:,}" for count in (counts.found, counts.failed, counts.waiting)),
        tables.cell(job.state.value, style),
        _model(job),
        tables.minute(tables.local_time(job.begun)),
    )


def _details_json(job: api.JobDetails) -> dict[str, Any]:
    folders = [
        {"folder": str(each.path), "message": each.message, "hint": each.hint} for each in job.unreadable_folders
    ]
    return _content(job.summary) | {"classes": job.classes, "unreadable_folders": folders}


def _details(job: api.JobDetails) -> Table:
    unreadable = (
        (tr("unreadable"), tables.cell(f"{error.message} {error.hint}", "red")) for error in job.unreadable_folders
    )
    return tables.facts([*_summary_rows(job.summary, job.classes), *unreadable], job.summary.id)


def _summary_rows(job: JobSummary, classes: dict[str, int]) -> list[tuple[str, str]]:
    counts = job.counts
    images = [
        tr("{count:,} found", count=counts.found),
        tr("{count:,} classified", count=counts.done),
        tr("{count:,} failed", count=counts.failed),
        tr("{count:,} remaining", count=counts.waiting),
        *([tr("{count:,} missing", count=counts.gone)] if counts.gone else []),
    ]
    predictions = [f"{label} {count:,}" for label, count in list(classes.items())[:_CLASSES_SHOWN]]
    if len(classes) > _CLASSES_SHOWN:
        predictions += [tr_n("{count:,} more class", "{count:,} more classes", len(classes) - _CLASSES_SHOWN)]
    return [
        (tr("folder"), str(job.folder)),
        (tr("subfolders"), tr("yes") if job.recursive else tr("no")),
        *([(tr("include"), ", ".join(job.include))] if job.include else []),
        *([(tr("exclude"), ", ".join(job.exclude))] if job.exclude else []),
        (tr("state"), job.state.value),
        (tr("images"), ", ".join(images)),
        (tr("reviewed"), f"{counts.reviewed:,}"),
        (tr("model"), _model(job)),
        (tr("started"), tables.minute(tables.local_time(job.begun))),
        (tr("predictions"), ", ".join(predictions)),
    ]


def _model(job: JobSummary) -> str:
    return ", ".join((f"{job.model}@{job.version}" if job.version else job.model, *job.others))
