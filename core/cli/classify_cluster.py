"""`fovea classify --engine ray`: the same outcomes by the machines of a cluster, from folders or from a store."""

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
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.cli.classify_arguments import ClassifyRequest
from core.cli.classify_folders import Tally, filter_hint
from core.cli.classify_report import plan
from core.cli.results import open_results
from core.cli.streams import print_message
from core.datasets.problems import pluralize
from core.images.listing import find_images
from core.jobs.cluster.addresses import Address, RemoteStore, open_atomic
from core.jobs.cluster.classify import classify
from core.jobs.cluster.worker import ClusterTask, model_hashes
from core.models.library import InstalledModel, load_head, open_library
from core.outputs.reports.columns import ReportRow
from core.outputs.reports.plan import ReportOptions
from core.outputs.reports.write import Writer, open_writer


def run(request: ClassifyRequest) -> int:
    """Classify all images; 0 if every one was, 1 if some could not be.

    Raises:
        FoveaError: nothing could start, or the cluster or the output failed under way.
        ReaderGoneError: nobody reads standard output any more.
    """
    _check(request)
    chosen, totals = settings.load(paths.settings_file()), Tally()
    model = open_library().find(chosen.model if request.model is None else request.model)
    load_head(model)  # a damaged model is told before anything starts
    top_k = min(request.top or chosen.top_k, len(model.card.classes))
    request, place, images = _find(request, totals)
    task = _task(model, request.provider or chosen.provider, request.precision or chosen.precision, top_k, place)
    started = time.perf_counter()
    with _results(plan(request, model, top_k), request) as results, closing(classify(images, task)) as outcomes:
        for outcome in outcomes:
            results.add(ReportRow(outcome))
            totals.count(outcome)
    rate = totals.images / (time.perf_counter() - started)
    print_message(f"{pluralize(totals.images)}, {totals.failed:,} failed, {rate:.1f} images/s, {model.name} on Ray")
    return 1 if totals.failed or totals.unreadable_folders else 0


def _check(request: ClassifyRequest) -> None:
    if request.include or request.exclude or request.fresh or request.keep_features:
        what = "--include, --exclude, --fresh and --keep-features belong to journals, which Ray does not keep."
        raise UsageError(what, hint="Leave them out, or leave out --engine ray.")
    if isinstance(request.output, Address) and request.format == "table":
        raise UsageError("A table is for reading here.", hint="Add --format parquet, jsonl or csv.")
    if len(request.paths) > 1 and any(isinstance(path, Address) for path in request.paths):
        raise UsageError("One address at a time can be classified.", hint="Name the folder above, or run it twice.")


def _find(request: ClassifyRequest, totals: Tally) -> tuple[ClassifyRequest, RemoteStore | str, Iterator[str]]:
    """The request without what lets one in, where images are, and the images; at least one, or it is an error."""

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
        raise UsageError("No image was found.", hint=filter_hint(request))
    return request, place, chain([first], images)


def _task(
    model: InstalledModel, provider: ProviderPreference, precision: Precision, top_k: int, place: RemoteStore | str
) -> ClusterTask:
    name = f"{model.name}@{model.version}" if model.version else model.name
    return ClusterTask(name, model_hashes(model), provider, precision, top_k, place)


@contextmanager
def _results(form: ReportOptions | None, request: ClassifyRequest) -> Iterator[Writer]:
    """Where outcomes go: as without a cluster, into a folder as results.parquet, or into a store."""
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
