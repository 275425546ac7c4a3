"""`fovea keywords`: write the results of a folder's job into the metadata of its photos, or remove them."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from contextlib import ExitStack
from typing import Any

from core.api import outputs
from core.api.outputs import KeywordRun
from core.base.errors import UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.text import display_path
from core.cli.classify import classify_request
from core.cli.problems import failure_json, print_failure
from core.cli.progress import job_bar
from core.cli.streams import print_message, results_to
from core.evaluation.acceptance import acceptance_text
from core.jobs.values import JobProgress
from core.outputs.keywords.from_job import KeywordPolicy
from core.outputs.keywords.values import KeywordChange, KeywordOutcome, KeywordRequest, KeywordResult
from core.prediction import Failure


def run(arguments: argparse.Namespace) -> int:
    """Write or remove keywords; return 0 if all succeeded, 1 if some failed."""
    totals: Counter[str] = Counter()
    done = _run(arguments, totals)
    if totals or done.unreadable:
        print_message(_summary(totals, dry_run=arguments.dry_run))
        if arguments.dry_run and done.acceptance:
            print_message(acceptance_text(done.acceptance))
    elif arguments.remove:
        print_message(tr("No photo here has a keyword of Fovea."), hint=_filter_hint(arguments, done.moved))
    else:
        raise UsageError(tr("No images found."), hint=_filter_hint(arguments, 0))
    return 1 if totals["failed"] or done.unreadable else 0


def _run(arguments: argparse.Namespace, totals: Counter[str]) -> KeywordRun:
    options = KeywordRequest(
        arguments.target, keep_time=arguments.keep_time, dry_run=arguments.dry_run, within=arguments.folder
    )
    with results_to(None) as stream, ExitStack() as classifying:
        show = classifying.enter_context(job_bar())

        def report(event: JobProgress | KeywordOutcome) -> None:
            if isinstance(event, JobProgress):
                show(event)
                return
            classifying.close()
            totals["failed" if isinstance(event, Failure) else event.change.value] += 1
            if arguments.format == "jsonl":
                stream.write(json.dumps(_content(event)) + "\n")
            elif isinstance(event, Failure):
                print_failure(event)
            elif event.change is not KeywordChange.UNCHANGED:
                stream.write(_line(event) + "\n")
            stream.flush()

        request, token = classify_request(arguments, arguments.folder), CancelToken()
        if arguments.remove:
            return outputs.remove_keywords(request, options, warn=print_message, report=report, token=token)
        policy = KeywordPolicy(arguments.threshold, arguments.unsure)
        return outputs.write_keywords(request, policy, options, warn=print_message, report=report, token=token)


def _filter_hint(arguments: argparse.Namespace, removed: int) -> str:
    if removed:
        return tr_n(
            "{count:,} photo with such a keyword has been moved. Run --remove where it is now.",
            "{count:,} photos with such keywords have been moved. Run --remove where they are now.",
            removed,
        )
    if not arguments.recursive:
        return tr("Add --recursive to include subfolders.")
    return tr("Check the folder and the patterns.") if arguments.include else tr("Check the folder.")


def _line(kept: KeywordResult) -> str:
    where = "" if kept.file.name == kept.photo.name else f"  {tr('in {file}', file=kept.file.name)}"
    text = f"{kept.change.value:8} {', '.join(kept.labels):20} {kept.photo}{where}"
    return display_path(f"{text}  ({kept.note})" if kept.note else text)


def _content(outcome: KeywordOutcome) -> dict[str, Any]:
    if isinstance(outcome, Failure):
        return failure_json(outcome)
    return {
        "path": str(outcome.photo),
        "file": str(outcome.file),
        "keyword": outcome.label,
        "keywords": list(outcome.labels),
        "done": outcome.change.value,
        "remark": outcome.note,
    }


def _summary(totals: Counter[str], *, dry_run: bool) -> str:
    parts = [tr_n("{count:,} image", "{count:,} images", totals.total())]
    parts += [f"{count:,} {change}" for change, count in sorted(totals.items())]
    counts = ", ".join(parts)
    return tr("Dry run, nothing was changed: {counts}", counts=counts) if dry_run else counts
