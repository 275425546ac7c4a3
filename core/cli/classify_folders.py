"""`fovea classify` of folders: as jobs, which can be resumed."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from core.base import paths
from core.base.errors import StorageError, UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.providers import TITLES
from core.base.storage import storage_errors
from core.cli.classify_arguments import ClassifyRequest
from core.cli.progress import job_bar
from core.cli.streams import is_terminal, print_message
from core.images.kinds import SAVE_HINT, describe_kinds
from core.images.listing import IMAGE_SUFFIXES, identity
from core.jobs.job import Job
from core.jobs.job_list import reset_results
from core.jobs.journal import job_folder, job_id
from core.jobs.pipeline import LazyClassifier
from core.jobs.values import JobProgress, JobRequest, UnreadableFolder
from core.jobs.walk import Walk
from core.prediction import Failure, Outcome, Prediction

Outcomes: TypeAlias = Generator[Outcome, None, None]


@dataclass(slots=True)
class Tally:
    """Counts of the outcomes so far; `already_done` are those of earlier runs."""

    images: int = 0
    already_done: int = 0
    failed: int = 0
    warned: int = 0
    unreadable_folders: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    _started: float = field(default_factory=time.perf_counter)

    def count(self, outcome: Outcome) -> None:
        """Count one image."""
        self.images += 1
        self.failed += isinstance(outcome, Failure)
        self.warned += isinstance(outcome, Prediction) and bool(outcome.warnings)

    def summary(self, model: LazyClassifier) -> str:
        """The counts in one line, with the speed of the new images."""
        new, name = self.images - self.already_done, model.model.name
        parts = [tr_n("{count:,} image", "{count:,} images", self.images)]
        parts += [tr("{count:,} new", count=new)] if self.already_done else []
        parts += [tr("{count:,} failed", count=self.failed)]
        parts += [tr("{count:,} with warnings", count=self.warned)] if self.warned else []
        if not new:
            return ", ".join((*parts, name))
        parts += [tr("{rate:.1f} images/s", rate=new / (time.perf_counter() - self._started))]
        if model.provider is None:
            return ", ".join((*parts, tr("{model} on stored features", model=name)))
        return ", ".join((*parts, tr("{model} on {provider}", model=name, provider=TITLES[model.provider])))


def is_possible(request: ClassifyRequest) -> bool:
    """Whether jobs can be used: all paths are folders, none inside another, and journals can be written.

    Raises:
        FoveaError: they cannot, and the request needs them.
    """
    if not all(map(os.path.isdir, request.paths)):
        return False
    needed = bool(request.include or request.exclude or request.fresh or request.keep_features)
    if _overlap(request.paths):
        if needed:
            what = tr("One of the folders is inside another.")
            raise UsageError(what, hint=tr("Give only the outer folder."))
        return False
    try:
        with storage_errors(paths.jobs()):
            paths.jobs().mkdir(parents=True, exist_ok=True)
            if not os.access(paths.jobs(), os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except StorageError as error:
        if needed:
            raise
        what = tr("No journal is kept: {reason}", reason=error.what)
        print_message(what, hint=tr("If interrupted, the command will start over."))
        return False
    return True


def check_folders(request: ClassifyRequest) -> None:
    """Report folders without images.

    Raises:
        UsageError: there are no images at all, or a pattern is invalid.
    """
    skipped: Counter[str] = Counter()
    empty = []
    for folder in request.paths:
        walk = _walk(request, folder)
        if walk.is_empty() and not walk.unreadable_folders:  # the job reports those
            empty.append(folder)
            skipped += walk.skipped
    if len(empty) == len(request.paths):
        raise no_image_error(request, skipped)
    for folder in empty:
        print_message(tr("No images found in {folder!r}.", folder=str(folder)), hint=filter_hint(request))


def outcomes(request: ClassifyRequest, model: LazyClassifier, top_k: int, totals: Tally) -> Outcomes:
    """Yield the outcome of every image in input order, including those of earlier runs.

    Raises:
        FoveaError: as `Job`.
    """
    with _progress(request) as report:
        for folder in request.paths:
            job = _job(request, folder)
            if request.fresh:
                reset_results(job_id(job))
            with Job(replace(job, top_k=top_k), model, token=CancelToken(), report=report) as running:
                yield from _job_outcomes(running, top_k, totals)


def shows_progress(request: ClassifyRequest) -> bool:
    """Whether standard error is a terminal and results are not printed to it line by line."""
    results_run_by = request.output is None and request.format != "table" and is_terminal(sys.stdout)
    return is_terminal(sys.stderr) and not results_run_by


def no_image_error(request: ClassifyRequest, skipped: Counter[str]) -> UsageError:
    """The error if no images were found; it names the kinds of other files that were."""
    if skipped:
        return UsageError(f"{tr('No images found.')} {describe_kinds(skipped)}", hint=tr(SAVE_HINT))
    return UsageError(tr("No images found."), hint=filter_hint(request))


def filter_hint(request: ClassifyRequest) -> str:
    """What to do if no images were found."""
    if request.include or request.exclude:
        return tr("Check --include and --exclude.")
    if not request.recursive:
        return tr("Add --recursive to include subfolders, or give image files.")
    return tr(
        "In folders, only files that end in {suffixes} are classified. Give other files, and folders behind links, by "
        "name.",
        suffixes=", ".join(sorted(IMAGE_SUFFIXES)),
    )


def _job_outcomes(job: Job, top_k: int, totals: Tally) -> Iterator[Outcome]:
    reported: set[UnreadableFolder] = set()
    for result in job.results():
        totals.already_done += not result.is_new
        outcome = result.outcome
        yield replace(outcome, scores=outcome.scores[:top_k]) if isinstance(outcome, Prediction) else outcome
        _warn_unreadable(job, reported, totals)
    _warn_unreadable(job, reported, totals)
    totals.skipped += job.skipped
    for note in job.warnings:
        print_message(note)


def _warn_unreadable(job: Job, reported: set[UnreadableFolder], totals: Tally) -> None:
    for folder in job.unreadable_folders:
        if folder not in reported:
            reported.add(folder)
            totals.unreadable_folders += 1
            print_message(folder.message, hint=folder.hint)


def _job(request: ClassifyRequest, folder: Path) -> JobRequest:
    """The part of the request that identifies the job."""
    return JobRequest(folder, request.recursive, request.include, request.exclude, keep_features=request.keep_features)


def has_images(request: ClassifyRequest, folder: Path) -> bool:
    """Whether a folder has matching images, or cannot be read, which the job will report."""
    walk = _walk(request, folder)
    return not walk.is_empty() or bool(walk.unreadable_folders)


def _walk(request: ClassifyRequest, folder: Path) -> Walk:
    job = _job(request, folder)
    return Walk(job, job_folder(job_id(job)))


def _progress(request: ClassifyRequest) -> AbstractContextManager[Callable[[JobProgress], None]]:
    return job_bar() if shows_progress(request) else nullcontext(lambda _: None)


def _overlap(folders: tuple[Path, ...]) -> bool:
    """Whether a folder equals or contains another, however their paths are written."""
    named = [identity(folder) for folder in folders]
    above = {identity(one) for folder in folders for one in Path(os.path.realpath(folder)).parents}
    return len(set(named)) < len(named) or not above.isdisjoint(named)
