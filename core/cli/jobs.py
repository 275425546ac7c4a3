"""`fovea jobs`: the classifications of folders, and what their journals hold."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from rich.text import Text

from core.cli import tables
from core.cli.streams import results_to, tell
from core.datasets.problems import quantity
from core.jobs.job_list import BrokenJob, existing_job, job_facts, list_jobs
from core.jobs.queries import Answers
from core.jobs.trash import RemovedJob, bring_back, put_aside, removed_jobs, sweep
from core.jobs.values import Filter, JobFacts, JobState
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
            bring_back(arguments.id)
            tell(f"The job {arguments.id} is there again.")
        case _:
            return _list(as_json=arguments.format == "json")
    return 0


def _list(*, as_json: bool) -> int:
    jobs = list_jobs()
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps([_content(job) for job in jobs], indent=2) + "\n")
        else:
            made = tables.table(_COLUMNS, numbers=("images", "failed", "to do"))
            for job in jobs:
                made.add_row(*_cells(job))
            tables.show(stream, made)
    return int(any(isinstance(job, BrokenJob) for job in jobs))


def _remove(id_: str) -> None:
    existing_job(id_)
    put_aside(id_)
    sweep()
    hint = f"`fovea jobs restore {id_}` takes that back for {KEPT_DAYS} days."
    tell(f"The job {id_} is removed; no image was touched.", hint=hint)


def _list_removed(*, as_json: bool) -> None:
    jobs = removed_jobs()
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps([_removed_content(job) for job in jobs], indent=2) + "\n")
            return
        made = tables.table(("id", "folder", "images", "reviewed", "removed"), numbers=("images", "reviewed"))
        for job in jobs:
            made.add_row(*_removed_cells(job))
        tables.show(stream, made)


def _removed_content(job: RemovedJob) -> dict[str, Any]:
    told = {"id": job.id} if job.facts is None else _content(job.facts)
    told.pop("state", None)
    told |= {} if job.damaged is None else {"damaged": str(job.damaged)}
    return told | {"removed": job.moment.astimezone().isoformat()}


def _removed_cells(job: RemovedJob) -> tuple[Text, ...]:
    facts = job.facts
    told = ("its journal cannot be read", "", "")
    if job.damaged is not None:
        told = (f"damaged; what could be read is in the job. Kept as {job.damaged}", "", "")
    elif facts is not None:
        told = (str(facts.folder), f"{facts.counts.found:,}", f"{facts.counts.reviewed:,}")
    removed = f"{job.moment.astimezone():%Y-%m-%d %H:%M}"
    return tables.cell(job.id, "bold"), *(tables.cell(text) for text in (*told, removed))


def _content(job: JobFacts | BrokenJob) -> dict[str, Any]:
    if isinstance(job, BrokenJob):
        return {"id": job.id, "error": {"kind": job.error.kind, "message": job.error.what, "hint": job.error.hint}}
    counts = asdict(job.counts)
    return asdict(job) | {"folder": str(job.folder), "begun": _moment(job.begun).isoformat(), "counts": counts}


def _cells(job: JobFacts | BrokenJob) -> tuple[Text, ...]:
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
        tables.cell(f"{_moment(job.begun):%Y-%m-%d %H:%M}"),
    )


def _show(id_: str, *, as_json: bool) -> None:
    job = job_facts(id_)
    with Answers(id_) as answers:
        classes, troubles = answers.class_counts(Filter()), answers.troubles()
    with results_to(None) as stream:
        if as_json:
            told = [{"folder": str(each.folder), "message": each.message, "hint": each.hint} for each in troubles]
            content = _content(job) | {"classes": classes, "unreadable_folders": told}
            stream.write(json.dumps(content, indent=2) + "\n")
            return
        made = tables.facts(job.id)
        for name, value in _facts(job, classes):
            made.add_row(name, tables.cell(value))
        for trouble in troubles:
            made.add_row("unreadable", tables.cell(f"{trouble.message} {trouble.hint}", "red"))
        tables.show(stream, made)


def _facts(job: JobFacts, classes: dict[str, int]) -> list[tuple[str, str]]:
    counts = job.counts
    told = f"{counts.done:,} classified, {counts.failed:,} failed, {counts.waiting:,} to do"
    gone = f", {counts.gone:,} gone" if counts.gone else ""
    shown = [f"{label} {count:,}" for label, count in list(classes.items())[:_CLASSES_SHOWN]]
    more = [f"{len(classes) - _CLASSES_SHOWN:,} more classes"] if len(classes) > _CLASSES_SHOWN else []
    return [
        ("folder", str(job.folder)),
        ("subfolders", "yes" if job.recursive else "no"),
        *([("only", ", ".join(job.include))] if job.include else []),
        *([("without", ", ".join(job.exclude))] if job.exclude else []),
        ("state", job.state.value),
        ("images", f"{quantity(counts.found)}: {told}{gone}"),
        ("reviewed", f"{counts.reviewed:,}"),
        ("model", _model(job)),
        ("begun", f"{_moment(job.begun):%Y-%m-%d %H:%M}"),
        ("answers", ", ".join([*shown, *more])),
    ]


def _model(job: JobFacts) -> str:
    return f"{job.model}@{job.version}" if job.version else job.model


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone()
