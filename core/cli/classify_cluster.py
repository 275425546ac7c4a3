"""`fovea classify --engine ray`: classify folders or a remote store on a Ray cluster."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

from core.base import paths, settings
from core.base.errors import ImageError, UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.cli.classify_arguments import ClassifyRequest
from core.cli.classify_folders import Tally, filter_hint
from core.cli.classify_report import plan
from core.cli.results import open_results
from core.cli.streams import print_message
from core.images.listing import find_images
from core.jobs.cluster.addresses import Address, RemoteStore, open_atomic
from core.jobs.cluster.classify import classify
from core.jobs.cluster.worker import ClusterTask, model_hashes
from core.models.library import InstalledModel, load_head, open_library
from core.outputs.reports.columns import ReportRow
from core.outputs.reports.plan import ReportOptions
from core.outputs.reports.write import Writer, open_writer


def run(request: ClassifyRequest) -> int:
    """Classify all images; return 0 if all were classified, 1 if some failed.

    Raises:
        FoveaError: nothing could start, or the cluster or the output failed while running.
        BrokenPipeOutputError: the reader of standard output has gone.
    """
    _check(request)
    chosen, totals = settings.load(paths.settings_file()), Tally()
    model = open_library().find(chosen.model if request.model is None else request.model)
    load_head(model)  # report a damaged model before anything starts
    top_k = min(request.top or chosen.top_k, len(model.card.classes))
    request, place, images = _find(request, totals)
    task = _task(model, request.provider or chosen.provider, request.precision or chosen.precision, top_k, place)
    started = time.perf_counter()
    with _results(plan(request, model, top_k), request) as results, closing(classify(images, task)) as outcomes:
        for outcome in outcomes:
            results.add(ReportRow(outcome))
            totals.count(outcome)
    rate = totals.images / (time.perf_counter() - started)
    print_message(
        tr_n(
            "{count:,} image, {failed:,} failed, {rate:.1f} images/s, {model} on Ray",
            "{count:,} images, {failed:,} failed, {rate:.1f} images/s, {model} on Ray",
            totals.images,
            failed=totals.failed,
            rate=rate,
            model=model.name,
        )
    )
    return 1 if totals.failed or totals.unreadable_folders else 0


def _check(request: ClassifyRequest) -> None:
    if request.include or request.exclude or request.fresh or request.keep_features:
        what = tr("--include, --exclude, --fresh and --keep-features do not work with --engine ray.")
        raise UsageError(what, hint=tr("Remove these options, or remove --engine ray."))
    if isinstance(request.output, Address) and request.format == "table":
        what = tr("A table cannot be written to a remote address.")
        raise UsageError(what, hint=tr("Add --format parquet, jsonl or csv."))
    if len(request.paths) > 1 and any(isinstance(path, Address) for path in request.paths):
        what = tr("Only one remote address can be classified at a time.")
        raise UsageError(what, hint=tr("Give the parent folder, or run the command once for each address."))


def _find(request: ClassifyRequest, totals: Tally) -> tuple[ClassifyRequest, RemoteStore | str, Iterator[str]]:
    """Find the images; return the request without credentials, their location, and their names, at least one."""

    def on_error(folder: Path, error: ImageError) -> None:  # noqa: ARG001 - the message names the folder
        totals.unreadable_folders += 1
        print_message(error.what, hint=error.hint)

    place: RemoteStore | str = os.getcwd()  # noqa: PTH109 - a text, for machines with other paths
    if isinstance(request.paths[0], Address):
        place = RemoteStore(str(request.paths[0]))
        request = replace(request, paths=(place.display_url(place.root),))
        images = place.images(recursive=request.recursive, on_error=on_error)
    else:
        images = map(str, find_images(request.paths, recursive=request.recursive, on_error=on_error))
    first = next(images, None)
    if first is None:
        raise UsageError(tr("No images found."), hint=filter_hint(request))
    return request, place, chain([first], images)


def _task(
    model: InstalledModel, provider: ProviderPreference, precision: Precision, top_k: int, place: RemoteStore | str
) -> ClusterTask:
    name = f"{model.name}@{model.version}" if model.version else model.name
    return ClusterTask(name, model_hashes(model), provider, precision, top_k, place)


@contextmanager
def _results(form: ReportOptions | None, request: ClassifyRequest) -> Iterator[Writer]:
    """Open the writer of outcomes: a file, results.<format> in a folder, or a remote store."""
    output = request.output
    if form is not None and isinstance(output, Address):
        with (
            open_atomic(str(output), f"results.{form.format.value}") as stream,
            open_writer(stream, form, lambda _: None, CancelToken()) as writer,
        ):
            yield writer
        return
    if form is not None and output is not None and output.is_dir():
        output /= f"results.{form.format.value}"
    with open_results(form, output) as writer:
        yield writer
