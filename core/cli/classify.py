"""`fovea classify`: classify files and folders."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import chain
from pathlib import Path

from core.base import paths, settings
from core.base.errors import ImageError, UsageError
from core.base.i18n import tr
from core.cli import classify_folders
from core.cli.classify_arguments import ClassifyRequest
from core.cli.classify_folders import Outcomes, Tally, filter_hint, no_image_error, shows_progress
from core.cli.classify_report import plan
from core.cli.progress import bar
from core.cli.results import open_results
from core.cli.streams import print_message
from core.images.kinds import SAVE_HINT, describe_kinds
from core.images.listing import find_images
from core.jobs.cluster.addresses import Address
from core.jobs.pipeline import LazyClassifier
from core.models.classifier import Classifier
from core.models.library import open_library
from core.outputs.reports.columns import ReportRow
from core.outputs.reports.plan import ReportFormat
from core.outputs.reports.write import check_not_image


def run(arguments: argparse.Namespace) -> int:
    """Classify all images; return 0 if all were classified, 1 if some failed.

    Raises:
        FoveaError: nothing could start, or the provider or the output failed while running.
        BrokenPipeOutputError: the reader of standard output has gone.
    """
    request = ClassifyRequest.of(arguments)
    check(request)
    if request.engine == "ray":
        from core.cli import classify_cluster

        return classify_cluster.run(request)
    chosen, totals = settings.load(paths.settings_file()), Tally()
    by_jobs = classify_folders.is_possible(request)
    images = iter(()) if by_jobs else _find_images(request, totals)
    if by_jobs:
        classify_folders.check_folders(request)
    model = open_library().find(chosen.model if request.model is None else request.model)
    top_k = min(request.top or chosen.top_k, len(model.card.classes))
    with open_results(plan(request, model, top_k), request.output) as results:
        classifier = LazyClassifier(model, request.provider or chosen.provider, request.precision or chosen.precision)
        if by_jobs:
            outcomes = classify_folders.outcomes(request, classifier, top_k, totals)
        else:
            outcomes = _outcomes(request, classifier.open(), images, top_k)
        with closing(outcomes):
            for outcome in outcomes:
                results.add(ReportRow(outcome))
                totals.count(outcome)
    print_message(totals.summary(classifier))
    if totals.skipped:
        print_message(describe_kinds(totals.skipped), hint=tr(SAVE_HINT))
    return 1 if totals.failed or totals.unreadable_folders else 0


def check(request: ClassifyRequest) -> None:
    """Refuse requests that cannot work, before any work is done."""
    if request.engine == "local" and any(isinstance(path, Address) for path in (*request.paths, request.output)):
        raise UsageError(tr("Remote addresses work only with --engine ray."), hint=tr("Add --engine ray."))
    if request.output is not None:
        check_not_image(request.output)
    elif request.format != "table" and not ReportFormat(request.format).is_text:
        hint = tr("Add --output with a name such as results.{format}.", format=request.format)
        raise UsageError(tr("{format} can only be written to a file.", format=request.format), hint=hint)
    asks_jobs = request.include or request.exclude or request.fresh or request.keep_features
    if asks_jobs and not all(map(os.path.isdir, request.paths)):
        what = tr("--include, --exclude, --fresh and --keep-features work only with folders.")
        raise UsageError(what, hint=tr("Give folders only."))


def _find_images(request: ClassifyRequest, totals: Tally) -> Iterator[Path]:
    """Find the requested images; having none is an error."""

    def on_error(folder: Path, error: ImageError) -> None:  # noqa: ARG001 - the message names the folder
        totals.unreadable_folders += 1
        print_message(error.what, hint=error.hint)

    images = find_images(request.paths, recursive=request.recursive, on_error=on_error, skipped=totals.skipped)
    first = next(images, None)
    if first is None:
        raise no_image_error(request, totals.skipped)
    for folder in request.paths:
        if _is_empty(folder, recursive=request.recursive):
            print_message(tr("No images found in {folder!r}.", folder=str(folder)), hint=filter_hint(request))
    return chain([first], images)


def _is_empty(folder: Path, *, recursive: bool) -> bool:
    """Whether a folder can be read and contains no images."""
    unreadable: list[Path] = []
    images = find_images([folder], recursive=recursive, on_error=lambda where, _: unreadable.append(where))
    return next(images, None) is None and not unreadable


def _outcomes(request: ClassifyRequest, model: Classifier, images: Iterator[Path], top_k: int) -> Outcomes:
    with _progress(request) as advance:
        for outcome in model.classify(images, top_k=top_k):
            yield outcome
            advance()


def _progress(request: ClassifyRequest) -> AbstractContextManager[Callable[[], None]]:
    if not shows_progress(request):
        return nullcontext(lambda: None)
    return bar(find_images(request.paths, recursive=request.recursive, on_error=lambda *_: None))
