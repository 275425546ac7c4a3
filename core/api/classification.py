"""Verbs of scripts: classification of folders as jobs, which can be resumed, of other images, and on a cluster."""

from __future__ import annotations

import errno
import os
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from core.api.classification_values import (
    ClassifyRequest,
    ClassifyStart,
    ClassifyTotals,
    OpenReport,
    Outcomes,
    Report,
    Warn,
)
from core.base import paths, settings
from core.base.errors import ImageError, ModelError, StorageError, UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.base.storage import storage_errors
from core.engine.engine import Engine
from core.images.kinds import SAVE_HINT, describe_kinds
from core.images.listing import IMAGE_SUFFIXES, find_images, is_empty, overlap
from core.jobs.job import Job
from core.jobs.job_list import list_jobs, reset_results
from core.jobs.journal import job_folder, job_id
from core.jobs.pipeline import LazyClassifier
from core.jobs.values import JobRequest, JobSummary
from core.jobs.walk import Walk
from core.models.installed import load_head
from core.models.joint_classifier import open_joint
from core.models.library import Library, open_library
from core.models.values import InstalledModel
from core.prediction import Failure, Outcome, Prediction

if TYPE_CHECKING:
    from core.jobs.cluster.addresses import RemoteStore

AnyImage = TypeVar("AnyImage", Path, str)


def classify(request: ClassifyRequest, open_report: OpenReport, *, warn: Warn, token: CancelToken) -> ClassifyTotals:
    """Classify all images in files and folders, in order.

    Args:
        request: what to classify.
        open_report: opens what takes the outcomes, and the progress of jobs, once the request is known to be possible.
        warn: takes messages and hints about what is left out.
        token: cancels the classification.
    """
    run = _Run(request, warn, token)
    return run.on_cluster(open_report) if request.on_cluster else run.here(open_report)


def empty_folders(request: ClassifyRequest) -> dict[Path, Counter[str]]:
    """The folders without matching images, and how many files of other types each has.

    A folder that could not be read in full is not among them: the job reports it.
    """
    walks = {folder: _walk(request.job(folder)) for folder in request.paths}
    return {path: walk.skipped for path, walk in walks.items() if walk.is_empty() and not walk.unreadable_folders}


class _Run:
    """One classification."""

    def __init__(self, request: ClassifyRequest, warn: Warn, token: CancelToken) -> None:
        self._request, self._warn, self._token = request, warn, token
        self._chosen, self._totals = settings.load(paths.settings_file()), ClassifyTotals()
        self._started = time.perf_counter()

    def here(self, open_report: OpenReport) -> ClassifyTotals:
        """Classify on this computer."""
        is_job = self._is_job()
        images: Iterator[Path] = iter(())
        if is_job:
            self._check_folders()
        elif self._request.for_sorting:
            what = tr("Couldn't write the journal of the folder, which sorting needs.")
            raise StorageError(what, hint=tr("Set FOVEA_HOME to a folder you can write to."))
        else:
            images = self._local_images()
        start = ClassifyStart.of(self._request, self._chosen, self._find_model(), is_job=is_job)
        start = replace(start, others=tuple(map(open_library().find, self._request.others)))
        if start.others and not is_job:
            return self._jointly(start, images, open_report)
        with open_report(start) as report:
            how = self._provider, self._precision, self._request.detection
            classifier = LazyClassifier(start.model, *how, start.others)
            self._report(self._outcomes(classifier, images, start, report), report)
        return self._end(start, classifier.engine)

    def _jointly(self, start: ClassifyStart, images: Iterator[Path], open_report: OpenReport) -> ClassifyTotals:
        """Classify with several models in one pass."""
        models = start.model, *start.others
        classifier = open_joint(models, self._provider, self._precision, self._request.detection)
        with open_report(start) as report:
            for outcomes in classifier.classify(images, top_k=start.top_k):
                self._token.check()
                report(outcomes)
                self._totals.count(outcomes[0])
        return self._end(start, classifier.engines[0])

    def on_cluster(self, open_report: OpenReport) -> ClassifyTotals:
        """Classify on a Ray cluster."""
        from core.jobs.cluster import classify as cluster
        from core.jobs.cluster.worker import ClusterTask, model_hashes

        model = self._find_model()
        load_head(model)  # report a damaged model before anything starts
        place, images = self._remote_images()
        start = ClassifyStart.of(self._request, self._chosen, model, is_job=False)
        name = f"{model.name}@{model.version}" if model.version else model.name
        how = self._provider, self._precision, start.top_k
        task = ClusterTask(name, model_hashes(model), *how, place, self._request.detection)
        self._started = time.perf_counter()
        with open_report(start) as report:
            self._report(cluster.classify(images, task), report)
        return self._end(start, None)

    @property
    def _provider(self) -> ProviderPreference:
        return self._request.provider or self._chosen.provider

    @property
    def _precision(self) -> Precision:
        return self._request.precision or self._chosen.precision

    def _report(self, outcomes: Generator[Outcome | Outcomes, None, None], report: Report) -> None:
        with closing(outcomes):
            for outcome in outcomes:
                report(outcome)
                self._totals.count(outcome[0] if isinstance(outcome, tuple) else outcome)

    def _end(self, start: ClassifyStart, engine: Engine | None) -> ClassifyTotals:
        self._totals.model = ", ".join(one.name for one in (start.model, *start.others))
        if engine is not None:
            self._totals.provider, self._totals.precision = engine.provider, engine.precision
        self._totals.seconds = time.perf_counter() - self._started
        return self._totals

    def _find_model(self) -> InstalledModel:
        """The requested model, otherwise the one in use; for sorting rather the one that last classified the folder."""
        library, request = open_library(), self._request
        job = self._last_run() if request.for_sorting else None
        if job is not None:
            self._request = replace(request, detection=job.detection, others=_installed(library, job.others))
        if job is not None and job.model and request.model is None:
            try:
                return library.find(f"{job.model}@{job.version}" if job.version else job.model)
            except ModelError as error:
                what = tr("The model that classified this folder is not available: {reason}", reason=error.what)
                self._warn(what, "")
        return library.find(self._chosen.model if request.model is None else request.model)

    def _last_run(self) -> JobSummary | None:
        """The job of the first folder; None if it has none."""
        id_ = job_id(self._request.job(self._request.paths[0]))
        return next((job for job in list_jobs() if isinstance(job, JobSummary) and job.id == id_), None)

    # ---- folders, as jobs

    def _is_job(self) -> bool:
        """Whether jobs can be used: all paths are folders, none inside another, and journals can be written.

        Raises:
            FoveaError: they cannot, and the request needs them.
        """
        request = self._request
        if not all(map(os.path.isdir, request.paths)):
            return False
        if overlap(request.paths):
            if request.needs_journal:
                what = tr("One of the folders is inside another.")
                raise UsageError(what, hint=tr("Give only the outer folder."))
            return False
        try:
            with storage_errors(paths.jobs()):
                paths.jobs().mkdir(parents=True, exist_ok=True)
                if not os.access(paths.jobs(), os.W_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except StorageError as error:
            if request.needs_journal:
                raise
            what = tr("No journal is kept: {reason}", reason=error.what)
            self._warn(what, tr("If interrupted, the command will start over."))
            return False
        return True

    def _check_folders(self) -> None:
        """Report folders without images.

        Raises:
            UsageError: there are no images at all, or a pattern is invalid.
        """
        empty = empty_folders(self._request)
        if len(empty) == len(self._request.paths):
            raise self._no_image_error(sum(empty.values(), Counter()))
        for folder in empty:
            self._warn_empty(folder)

    def _outcomes(
        self, classifier: LazyClassifier, images: Iterator[Path], start: ClassifyStart, report: Report
    ) -> Generator[Outcome | Outcomes, None, None]:
        """Yield the outcome of every image in input order, by each model, including those of earlier runs."""
        if not start.is_job:
            yield from classifier.open().classify(images, top_k=start.top_k)
            return
        for folder in self._request.paths:
            request = replace(self._request.job(folder), top_k=start.top_k)
            if self._request.fresh:
                reset_results(job_id(request))
            with Job(request, classifier, token=self._token, report=report) as job:
                yield from self._job_outcomes(job, start.top_k)

    def _job_outcomes(self, job: Job, top_k: int) -> Iterator[Outcome | Outcomes]:
        reported: set[Failure] = set()
        for result in job.results():
            self._totals.already_done += not result.is_new
            first, *others = (_shortened(one, top_k) for one in (result.outcome, *result.others))
            yield (first, *others) if others else first
            self._warn_unreadable(job, reported)
        self._warn_unreadable(job, reported)
        self._totals.skipped += job.walk.skipped
        for note in job.warnings:
            self._warn(note, "")

    def _warn_unreadable(self, job: Job, reported: set[Failure]) -> None:
        for folder in job.walk.unreadable_folders:
            if folder not in reported:
                reported.add(folder)
                self._totals.unreadable_folders += 1
                self._warn(folder.message, folder.hint)

    # ---- other images

    def _local_images(self) -> Iterator[Path]:
        """Find the images, at least one, and report folders without any."""
        request = self._request
        on_error, skipped = self._on_unreadable, self._totals.skipped
        images = find_images(request.paths, recursive=request.recursive, on_error=on_error, skipped=skipped)
        found = self._not_empty(images, skipped)
        for folder in request.paths:
            if is_empty(folder, recursive=request.recursive):
                self._warn_empty(folder)
        return found

    def _remote_images(self) -> tuple[RemoteStore | str, Iterator[str]]:
        """Find the images; return their location and their names, at least one. The request loses its credentials."""
        from core.jobs.cluster.addresses import Address, RemoteStore

        request = self._request
        if isinstance(request.paths[0], Address):
            place = RemoteStore(str(request.paths[0]))
            images = place.images(recursive=request.recursive, on_error=self._on_unreadable)
            request = self._request = replace(request, paths=(place.display_url(place.root),))
            return place, self._not_empty(images, Counter())
        local = find_images(request.paths, recursive=request.recursive, on_error=self._on_unreadable)
        here = os.getcwd()  # noqa: PTH109 - a text, for machines with other paths
        return here, self._not_empty(map(str, local), Counter())

    def _not_empty(self, images: Iterator[AnyImage], skipped: Counter[str]) -> Iterator[AnyImage]:
        first = next(images, None)
        if first is None:
            raise self._no_image_error(skipped)
        return chain([first], images)

    def _on_unreadable(self, folder: Path, error: ImageError) -> None:  # noqa: ARG002 - the message names the folder
        self._totals.unreadable_folders += 1
        self._warn(error.what, error.hint)

    def _warn_empty(self, folder: Path) -> None:
        self._warn(tr("No images found in {folder!r}.", folder=str(folder)), self._filter_hint())

    def _no_image_error(self, skipped: Counter[str]) -> UsageError:
        if skipped:
            return UsageError(f"{tr('No images found.')} {describe_kinds(skipped)}", hint=tr(SAVE_HINT))
        return UsageError(tr("No images found."), hint=self._filter_hint())

    def _filter_hint(self) -> str:
        request = self._request
        if request.include or request.exclude:
            return tr("Check --include and --exclude.")
        if not request.recursive:
            return tr("Add --recursive to include subfolders, or give image files.")
        return tr(
            "In folders, only files that end in {suffixes} are classified. Give other files, and folders behind links, "
            "by name.",
            suffixes=", ".join(sorted(IMAGE_SUFFIXES)),
        )


def _shortened(outcome: Outcome, top_k: int) -> Outcome:
    return replace(outcome, scores=outcome.likely(top_k)) if isinstance(outcome, Prediction) else outcome


def _installed(library: Library, models: Iterable[str]) -> tuple[str, ...]:
    """Those of the further models of a job that are still in the library."""
    found = []
    for name in models:
        with suppress(ModelError):
            library.find(name)
            found.append(name)
    return tuple(found)


def _walk(request: JobRequest) -> Walk:
    return Walk(request, job_folder(job_id(request)))
