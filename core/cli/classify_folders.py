"""`fovea classify` of folders: by jobs, so that it goes on where it was interrupted."""

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
from core.base.progress import CancelToken
from core.base.providers import TITLES
from core.base.storage import storage_errors
from core.cli.classify_arguments import ClassifyRequest
from core.cli.progress import job_bar
from core.cli.streams import is_terminal, print_message
from core.datasets.problems import pluralize
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
    """What came of the images so far; those that answers were kept of count to `images`, not to `fresh`."""

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
        """All of it in one line; the speed is that of the images that were new."""
        new = self.images - self.already_done
        parts = [pluralize(self.images), *([f"{new:,} new"] if self.already_done else []), f"{self.failed:,} failed"]
        parts += [f"{self.warned:,} with warnings"] if self.warned else []
        if not new:
            return f"{', '.join(parts)}, {model.model.name}"
        rate = new / (time.perf_counter() - self._started)
        provider = TITLES[model.provider] if model.provider else "kept features"
        return f"{', '.join(parts)}, {rate:.1f} images/s, {model.model.name} on {provider}"


def is_possible(request: ClassifyRequest) -> bool:
    """Whether jobs can do it: folders alone are asked for, none within another, and journals can be kept.

    Raises:
        FoveaError: they cannot, and what is asked needs them.
    """
    if not all(map(os.path.isdir, request.paths)):
        return False
    needed = bool(request.include or request.exclude or request.fresh or request.keep_features)
    if _overlap(request.paths):
        if needed:
            raise UsageError("One of the folders lies within another.", hint="Name the outer one alone.")
        return False
    try:
        with storage_errors(paths.jobs()):
            paths.jobs().mkdir(parents=True, exist_ok=True)
            if not os.access(paths.jobs(), os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except StorageError as error:
        if needed:
            raise
        print_message(f"No journal is kept: {error.what}", hint="Interrupted, the command would begin anew.")
        return False
    return True


def check_folders(request: ClassifyRequest) -> None:
    """Say which folders have no image; it is an error if none has.

    Raises:
        UsageError: there is no image at all, or a pattern means nothing.
    """
    skipped: Counter[str] = Counter()
    empty = []
    for folder in request.paths:
        walk = _walk(request, folder)
        if walk.is_empty() and not walk.unreadable_folders:  # which the job tells
            empty.append(folder)
            skipped += walk.skipped
    if len(empty) == len(request.paths):
        raise no_image_error(request, skipped)
    for folder in empty:
        print_message(f"No image was found in {str(folder)!r}.", hint=filter_hint(request))


def outcomes(request: ClassifyRequest, model: LazyClassifier, top_k: int, totals: Tally) -> Outcomes:
    """What came of every image, in input order, those of earlier runs included.

    Raises:
        FoveaError: as `TrainerJob`.
    """
    with _progress(request) as report:
        for folder in request.paths:
            job = _job(request, folder)
            if request.fresh:
                reset_results(job_id(job))
            with Job(replace(job, top_k=top_k), model, token=CancelToken(), report=report) as running:
                yield from _job_outcomes(running, top_k, totals)


def shows_progress(request: ClassifyRequest) -> bool:
    """Whether a person waits, and results do not themselves run over the same terminal."""
    results_run_by = request.output is None and request.format != "table" and is_terminal(sys.stdout)
    return is_terminal(sys.stderr) and not results_run_by


def no_image_error(request: ClassifyRequest, skipped: Counter[str]) -> UsageError:
    """Nothing was found but perhaps files of other kinds."""
    if skipped:
        return UsageError(f"No image was found. {describe_kinds(skipped)}", hint=SAVE_HINT)
    return UsageError("No image was found.", hint=filter_hint(request))


def filter_hint(request: ClassifyRequest) -> str:
    """What to do where nothing was found."""
    if request.include or request.exclude:
        return "Look whether --include and --exclude are as you mean them."
    if not request.recursive:
        return "Add --recursive to look into subfolders, or name image files."
    suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
    return f"In folders, images are files that end in {suffixes}. Name other files, and folders that links lead to."


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
    """What decides which job it is; who answers is told to the job itself."""
    return JobRequest(folder, request.recursive, request.include, request.exclude, keep_features=request.keep_features)


def has_images(request: ClassifyRequest, folder: Path) -> bool:
    """Whether a folder has an image that counts, or cannot be read, which the job will tell."""
    walk = _walk(request, folder)
    return not walk.is_empty() or bool(walk.unreadable_folders)


def _walk(request: ClassifyRequest, folder: Path) -> Walk:
    job = _job(request, folder)
    return Walk(job, job_folder(job_id(job)))


def _progress(request: ClassifyRequest) -> AbstractContextManager[Callable[[JobProgress], None]]:
    return job_bar() if shows_progress(request) else nullcontext(lambda _: None)


def _overlap(folders: tuple[Path, ...]) -> bool:
    """Whether one of the folders is another one or lies in it, however they are spelt."""
    named = [identity(folder) for folder in folders]
    above = {identity(one) for folder in folders for one in Path(os.path.realpath(folder)).parents}
    return len(set(named)) < len(named) or not above.isdisjoint(named)
