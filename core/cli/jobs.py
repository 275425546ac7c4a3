"""`fovea jobs`: the classifications of folders, and what their journals hold."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from rich.text import Text

from core.cli import tables
from core.cli.streams import print_message, results_to
from core.datasets.problems import pluralize
from core.jobs.job_list import BrokenJob, existing_job, job_summary, list_jobs
from core.jobs.queries import ResultStore
from core.jobs.trash import RemovedJob, purge, removed_jobs, restore, trash
from core.jobs.values import Filter, JobState, JobSummary
from core.models.versions import KEPT_DAYS

_COLUMNS: Final = ("id", "folder", "images", "failed", "to do", "state", "model", "begun")
_CLASSES_SHOWN: Final = 40


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; 0 once it is done, 1 if the journal of a listed job cannot be read.

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
            print_message(f"The job {arguments.id} is there again.")
        case _:
            return _list(as_json=arguments.format == "json")
    return 0


def _list(*, as_json: bool) -> int:
    jobs = list_jobs()
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps([_content(job) for job in jobs], indent=2) + "\n")
        else:
            result = tables.table(_COLUMNS, numbers=("images", "failed", "to do"))
            for job in jobs:
                result.add_row(*_cells(job))
            tables.show(stream, result)
    return int(any(isinstance(job, BrokenJob) for job in jobs))


def _remove(id_: str) -> None:
    existing_job(id_)
    trash(id_)
    purge()
    hint = f"`fovea jobs restore {id_}` takes that back for {KEPT_DAYS} days."
    print_message(f"The job {id_} is removed; no image was touched.", hint=hint)


def _list_removed(*, as_json: bool) -> None:
    jobs = removed_jobs()
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps([_removed_content(job) for job in jobs], indent=2) + "\n")
            return
        result = tables.table(("id", "folder", "images", "reviewed", "removed"), numbers=("images", "reviewed"))
        for job in jobs:
            result.add_row(*_removed_cells(job))
        tables.show(stream, result)


def _removed_content(job: RemovedJob) -> dict[str, Any]:
    content = {"id": job.id} if job.summary is None else _content(job.summary)
    content.pop("state", None)
    content |= {} if job.damaged_file is None else {"damaged": str(job.damaged_file)}
    return content | {"removed": job.removed_at.astimezone().isoformat()}


def _removed_cells(job: RemovedJob) -> tuple[Text, ...]:
    facts = job.summary
    cells = ("its journal cannot be read", "", "")
    if job.damaged_file is not None:
        cells = (f"damaged; what could be read is in the job. Kept as {job.damaged_file}", "", "")
    elif facts is not None:
        cells = (str(facts.folder), f"{facts.counts.found:,}", f"{facts.counts.reviewed:,}")
    removed = f"{job.removed_at.astimezone():%Y-%m-%d %H:%M}"
    return tables.cell(job.id, "bold"), *(tables.cell(text) for text in (*cells, removed))


def _content(job: JobSummary | BrokenJob) -> dict[str, Any]:
    if isinstance(job, BrokenJob):
        return {"id": job.id, "error": {"kind": job.error.kind, "message": job.error.what, "hint": job.error.hint}}
    counts = asdict(job.counts)
    return asdict(job) | {"folder": str(job.folder), "begun": _timestamp(job.begun).isoformat(), "counts": counts}


def _cells(job: JobSummary | BrokenJob) -> tuple[Text, ...]:
    if isinstance(job, BrokenJob):
        empty = [Text() for _ in _COLUMNS[2:]]
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
    with ResultStore(id_) as answers:
        classes, errors = answers.class_counts(Filter()), answers.unreadable_folders()
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
            result.add_row("unreadable", tables.cell(f"{error.message} {error.hint}", "red"))
        tables.show(stream, result)


def _summary_rows(job: JobSummary, classes: dict[str, int]) -> list[tuple[str, str]]:
    counts = job.counts
    summary = f"{counts.done:,} classified, {counts.failed:,} failed, {counts.waiting:,} to do"
    removed = f", {counts.gone:,} gone" if counts.gone else ""
    shown = [f"{label} {count:,}" for label, count in list(classes.items())[:_CLASSES_SHOWN]]
    more = [f"{len(classes) - _CLASSES_SHOWN:,} more classes"] if len(classes) > _CLASSES_SHOWN else []
    return [
        ("folder", str(job.folder)),
        ("subfolders", "yes" if job.recursive else "no"),
        *([("only", ", ".join(job.include))] if job.include else []),
        *([("without", ", ".join(job.exclude))] if job.exclude else []),
        ("state", job.state.value),
        ("images", f"{pluralize(counts.found)}: {summary}{removed}"),
        ("reviewed", f"{counts.reviewed:,}"),
        ("model", _model(job)),
        ("begun", f"{_timestamp(job.begun):%Y-%m-%d %H:%M}"),
        ("answers", ", ".join([*shown, *more])),
    ]


def _model(job: JobSummary) -> str:
    return f"{job.model}@{job.version}" if job.version else job.model


def _timestamp(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone()
