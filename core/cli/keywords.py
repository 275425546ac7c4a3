"""`fovea keywords`: write the results of a folder's job into the metadata of its photos, or remove them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, nullcontext
from itertools import chain
from pathlib import Path
from typing import Any, Final

from core.base import paths, settings
from core.base.errors import ImageError, UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.text import display_path
from core.cli.progress import job_bar
from core.cli.streams import is_terminal, print_message, results_to
from core.images.listing import find_images
from core.jobs.job import Job
from core.jobs.pipeline import LazyClassifier
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, JobRequest, View
from core.jobs.walk import check_folder
from core.models.library import open_library
from core.outputs.keywords.exiftool import ExifTool, find_exiftool
from core.outputs.keywords.from_job import KeywordPolicy, write_results
from core.outputs.keywords.record import SidecarRecord, open_record
from core.outputs.keywords.values import (
    KeywordChange,
    KeywordOutcome,
    KeywordRequest,
    KeywordResult,
    KeywordTarget,
    sidecar_of,
)
from core.outputs.keywords.writing import remove
from core.prediction import Failure

_CLASSIFIED: Final = View(filter=Filter(failed=False))
_FAILED: Final = View(filter=Filter(failed=True))


def run(arguments: argparse.Namespace) -> int:
    """Write or remove keywords; return 0 if all succeeded, 1 if some failed.

    Raises:
        FoveaError: nothing could start, or the disk failed while running.
        BrokenPipeOutputError: the reader of standard output has gone.
    """
    check_folder(arguments.folder)
    tool = find_exiftool()
    request = KeywordRequest(
        KeywordTarget(arguments.target),
        keep_time=arguments.keep_time,
        dry_run=arguments.dry_run,
        within=arguments.folder,
    )
    unreadable: list[Path] = []
    with ExitStack() as stack:
        record = stack.enter_context(open_record(paths.keyword_record()))
        work = _remove if arguments.remove else _write
        totals = _print_outcomes(work(arguments, request, tool, record, stack, unreadable), arguments.format)
        removed = len(record.photos_in(_record_file(arguments.folder)))
    if totals or unreadable:
        print_message(_summary(totals, dry_run=request.dry_run))
    elif arguments.remove:
        print_message(tr("No photo here has a keyword of Fovea."), hint=_filter_hint(arguments, removed))
    else:
        raise UsageError(tr("No images found."), hint=_filter_hint(arguments, 0))
    return 1 if totals["failed"] or unreadable else 0


def _record_file(folder: Path) -> Path:
    """A folder's absolute path, as the record stores it."""
    return Path(os.path.abspath(folder))  # noqa: PTH100 - Path.resolve follows links


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


def _write(
    arguments: argparse.Namespace,
    request: KeywordRequest,
    tool: ExifTool,
    record: SidecarRecord,
    stack: ExitStack,
    unreadable: list[Path],
) -> Iterator[KeywordOutcome]:
    """Classify new photos, then write; yields photos that could not be classified first."""
    results = stack.enter_context(ResultStore(_classify(arguments, unreadable)))
    policy = KeywordPolicy(arguments.threshold, arguments.unsure)
    failures = (row.failure for row in results.each(_FAILED) if row.failure is not None)
    written = write_results(results, results.each(_CLASSIFIED), policy, request, tool, record, token=CancelToken())
    return chain(failures, written)


def _classify(arguments: argparse.Namespace, unreadable: list[Path]) -> str:
    """Run the folder's job and return its ID."""
    chosen = settings.load(paths.settings_file())
    model = open_library().find(arguments.model or chosen.model)
    classifier = LazyClassifier(model, chosen.provider, chosen.precision)
    job = JobRequest(arguments.folder, arguments.recursive, tuple(arguments.include), tuple(arguments.exclude))
    with ExitStack() as stack:
        report = stack.enter_context(job_bar() if is_terminal(sys.stderr) else nullcontext(lambda _: None))
        running = stack.enter_context(Job(job, classifier, token=CancelToken(), report=report))
        for _ in running.results():
            pass
        for error in running.unreadable_folders:
            unreadable.append(error.folder)
            print_message(error.message, hint=error.hint)
        for note in running.warnings:
            print_message(note)
        return running.id


def _remove(
    arguments: argparse.Namespace,
    request: KeywordRequest,
    tool: ExifTool,
    record: SidecarRecord,
    _: ExitStack,
    unreadable: list[Path],
) -> Iterator[KeywordOutcome]:
    """Remove keywords from recorded photos and from those found in the folder; the files mark which are Fovea's."""

    def on_error(folder: Path, error: ImageError) -> None:
        unreadable.append(folder)
        print_message(error.what, hint=error.hint)

    known = record.photos_in(_record_file(arguments.folder))
    there = find_images([arguments.folder], recursive=arguments.recursive, on_error=on_error)
    images = (Path(os.path.abspath(path)) for path in chain(known, there) if _is_there(path))  # noqa: PTH100
    return remove(_unique(images), request, tool, record, token=CancelToken())


def _is_there(photo: Path) -> bool:
    """Whether the photo exists, or the sidecar of one that was moved away."""
    return os.path.exists(photo) or os.path.exists(sidecar_of(photo))  # noqa: PTH110 - a name may be too long


def _unique(images: Iterable[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for image in images:
        if image not in seen:
            seen.add(image)
            yield image


def _print_outcomes(outcomes: Iterator[KeywordOutcome], form: str) -> Counter[str]:
    totals: Counter[str] = Counter()
    with results_to(None) as stream:
        for outcome in outcomes:
            totals["failed" if isinstance(outcome, Failure) else outcome.change.value] += 1
            if form == "jsonl":
                stream.write(json.dumps(_content(outcome)) + "\n")
            elif isinstance(outcome, Failure):
                print_message(outcome.message, hint=outcome.hint)
            elif outcome.change is not KeywordChange.UNCHANGED:
                stream.write(_line(outcome) + "\n")
            stream.flush()
    return totals


def _line(kept: KeywordResult) -> str:
    where = "" if kept.file.name == kept.photo.name else f"  {tr('in {file}', file=kept.file.name)}"
    text = f"{kept.change.value:8} {kept.label or '':20} {kept.photo}{where}"
    return display_path(f"{text}  ({kept.note})" if kept.note else text)


def _content(outcome: KeywordOutcome) -> dict[str, Any]:
    if isinstance(outcome, Failure):
        error = {"kind": outcome.kind, "message": outcome.message, "hint": outcome.hint}
        return {"path": str(outcome.path), "error": error}
    return {
        "path": str(outcome.photo),
        "file": str(outcome.file),
        "keyword": outcome.label,
        "done": outcome.change.value,
        "remark": outcome.note,
    }


def _summary(totals: Counter[str], *, dry_run: bool) -> str:
    parts = [tr_n("{count:,} image", "{count:,} images", totals.total())]
    parts += [f"{count:,} {change}" for change, count in sorted(totals.items())]
    counts = ", ".join(parts)
    return tr("Dry run, nothing was changed: {counts}", counts=counts) if dry_run else counts
