"""`fovea jobs`: list, show, remove and restore jobs."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from rich.text import Text

from core.base.i18n import tr, tr_n
from core.cli import tables
from core.cli.streams import print_message, results_to
from core.jobs.job_list import BrokenJob, existing_job, job_summary, list_jobs
from core.jobs.queries import ResultStore
from core.jobs.trash import RemovedJob, purge, removed_jobs, restore, trash
from core.jobs.values import Filter, JobState, JobSummary
from core.models.versions import KEPT_DAYS

_CLASSES_SHOWN: Final = 40
_NOT_STORED: Final = ("progress", "sortings", "interrupted", "message")
"""The fields of a job that only the window uses."""


def _columns() -> tuple[str, ...]:
    counts = tr("images"), tr("failed"), tr("remaining")
    return tr("id"), tr("folder"), *counts, tr("state"), tr("model"), tr("started")


def run(arguments: argparse.Namespace) -> int:
    """Run an action; return 0 on success, 1 if the journal of a listed job cannot be read.

    Raises:
        FoveaError: it could not be done.
    """
    match arguments.action:
        case "show":
            _show(arguments.id, as_json=arguments.format == "json")
        case "remove":
            _remove(arguments.id)
        case "restore" if arguments.id is None:
            _list_removed(as_json=arguments.format == "json")
        case "restore":
            restore(arguments.id)
            print_message(tr("Restored job {id}.", id=arguments.id))
        case _:
            return _list(as_json=arguments.format == "json")
    return 0


def _list(*, as_json: bool) -> int:
    jobs = list_jobs()
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps([_content(job) for job in jobs], indent=2) + "\n")
        else:
            columns = _columns()
            result = tables.table(columns, numbers=columns[2:5])
            for job in jobs:
                result.add_row(*_cells(job))
            tables.show(stream, result)
    return int(any(isinstance(job, BrokenJob) for job in jobs))


def _remove(id_: str) -> None:
    existing_job(id_)
    trash(id_)
    purge()
    hint = tr_n(
        "To undo this within {count} day, run `fovea jobs restore {id}`.",
        "To undo this within {count} days, run `fovea jobs restore {id}`.",
        KEPT_DAYS,
        id=id_,
    )
    print_message(tr("Removed job {id}. No image was changed.", id=id_), hint=hint)


def _list_removed(*, as_json: bool) -> None:
    jobs = removed_jobs()
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps([_removed_content(job) for job in jobs], indent=2) + "\n")
            return
        counts = tr("images"), tr("reviewed")
        result = tables.table((tr("id"), tr("folder"), *counts, tr("removed")), numbers=counts)
        for job in jobs:
            result.add_row(*_removed_cells(job))
        tables.show(stream, result)


def _removed_content(job: RemovedJob) -> dict[str, Any]:
    content = {"id": job.id} if job.summary is None else _content(job.summary)
    content.pop("state", None)
    content |= {} if job.damaged_file is None else {"damaged": str(job.damaged_file)}
    return content | {"removed": job.removed_at.astimezone().isoformat()}


def _removed_cells(job: RemovedJob) -> tuple[Text, ...]:
    summary = job.summary
    cells = (tr("unreadable journal"), "", "")
    if job.damaged_file is not None:
        note = tr("damaged journal, kept as {file}; the readable part is in the job", file=job.damaged_file)
        cells = (note, "", "")
    elif summary is not None:
        cells = (str(summary.folder), f"{summary.counts.found:,}", f"{summary.counts.reviewed:,}")
    removed = f"{job.removed_at.astimezone():%Y-%m-%d %H:%M}"
    return tables.cell(job.id, "bold"), *(tables.cell(text) for text in (*cells, removed))


def _content(job: JobSummary | BrokenJob) -> dict[str, Any]:
    if isinstance(job, BrokenJob):
        return {"id": job.id, "error": {"kind": job.error.kind, "message": job.error.what, "hint": job.error.hint}}
    content = {name: value for name, value in asdict(job).items() if name not in _NOT_STORED}
    return content | {"folder": str(job.folder), "begun": _timestamp(job.begun).isoformat()}


def _cells(job: JobSummary | BrokenJob) -> tuple[Text, ...]:
    if isinstance(job, BrokenJob):
        empty = [Text() for _ in _columns()[2:]]
        return tables.cell(job.id, "bold"), tables.cell(f"{job.error.what} {job.error.hint}", "red"), *empty
    counts, style = job.counts, "yellow" if job.state is JobState.STOPPED else ""
    return (
        tables.cell(job.id, "bold"),
        tables.cell(str(job.folder)),
        *(tables.cell(f"{count:,}") for count in (counts.found, counts.failed, counts.waiting)),
        tables.cell(job.state.value, style),
        tables.cell(_model(job)),
        tables.cell(f"{_timestamp(job.begun):%Y-%m-%d %H:%M}"),
    )


def _show(id_: str, *, as_json: bool) -> None:
    job = job_summary(id_)
    with ResultStore(id_) as results:
        classes, errors = results.class_counts(Filter()), results.unreadable_folders()
    with results_to(None) as stream:
        if as_json:
            listed = [{"folder": str(each.folder), "message": each.message, "hint": each.hint} for each in errors]
            content = _content(job) | {"classes": classes, "unreadable_folders": listed}
            stream.write(json.dumps(content, indent=2) + "\n")
            return
        result = tables.facts(job.id)
        for name, value in _summary_rows(job, classes):
            result.add_row(name, tables.cell(value))
        for error in errors:
            result.add_row(tr("unreadable"), tables.cell(f"{error.message} {error.hint}", "red"))
        tables.show(stream, result)


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
        (tr("started"), f"{_timestamp(job.begun):%Y-%m-%d %H:%M}"),
        (tr("predictions"), ", ".join(predictions)),
    ]


def _model(job: JobSummary) -> str:
    return f"{job.model}@{job.version}" if job.version else job.model


def _timestamp(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone()
