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
from core.base.providers import Precision, ProviderWish
from core.cli.classify_arguments import ClassifyRequest
from core.cli.classify_folders import Tally, where_else
from core.cli.classify_report import plan
from core.cli.results import open_results
from core.cli.streams import tell
from core.datasets.problems import quantity
from core.images.listing import find_images
from core.jobs.cluster.addresses import Address, Store, written
from core.jobs.cluster.classify import classify
from core.jobs.cluster.worker import Task, sums_of
from core.models.library import InstalledModel, load_head, open_library
from core.outputs.reports.columns import Reported
from core.outputs.reports.plan import Plan
from core.outputs.reports.write import Writer, open_writer


def run(request: ClassifyRequest) -> int:
    """Classify all images; 0 if every one was, 1 if some could not be.

    Raises:
        FoveaError: nothing could start, or the cluster or the output failed under way.
        ReaderGoneError: nobody reads standard output any more.
    """
    _check(request)
    chosen, tally = settings.load(paths.settings_file()), Tally()
    model = open_library().find(chosen.model if request.model is None else request.model)
    load_head(model)  # a damaged model is told before anything starts
    top_k = min(request.top or chosen.top_k, len(model.card.classes))
    request, place, images = _find(request, tally)
    task = _task(model, request.provider or chosen.provider, request.precision or chosen.precision, top_k, place)
    started = time.perf_counter()
    with _results(plan(request, model, top_k), request) as results, closing(classify(images, task)) as outcomes:
        for outcome in outcomes:
            results.add(Reported(outcome))
            tally.count(outcome)
    rate = tally.images / (time.perf_counter() - started)
    tell(f"{quantity(tally.images)}, {tally.failed:,} failed, {rate:.1f} images/s, {model.name} on Ray")
    return 1 if tally.failed or tally.unreadable_folders else 0


def _check(request: ClassifyRequest) -> None:
    if request.include or request.exclude or request.fresh or request.keep_features:
        what = "--include, --exclude, --fresh and --keep-features belong to journals, which Ray does not keep."
        raise UsageError(what, hint="Leave them out, or leave out --engine ray.")
    if isinstance(request.output, Address) and request.format == "table":
        raise UsageError("A table is for reading here.", hint="Add --format parquet, jsonl or csv.")
    if len(request.paths) > 1 and any(isinstance(path, Address) for path in request.paths):
        raise UsageError("One address at a time can be classified.", hint="Name the folder above, or run it twice.")


def _find(request: ClassifyRequest, tally: Tally) -> tuple[ClassifyRequest, Store | str, Iterator[str]]:
    """The request without what lets one in, where images are, and the images; at least one, or it is an error."""

    def on_error(folder: Path, error: ImageError) -> None:  # noqa: ARG001 - the message names the folder
        tally.unreadable_folders += 1
        tell(error.what, hint=error.hint)

    place: Store | str = os.getcwd()  # noqa: PTH109 - a text, for machines with other paths
    if isinstance(request.paths[0], Address):
        place = Store(str(request.paths[0]))
        request = replace(request, paths=(place.shown(place.root),))
        images = place.images(recursive=request.recursive, on_error=on_error)
    else:
        images = map(str, find_images(request.paths, recursive=request.recursive, on_error=on_error))
    first = next(images, None)
    if first is None:
        raise UsageError("No image was found.", hint=where_else(request))
    return request, place, chain([first], images)


def _task(model: InstalledModel, provider: ProviderWish, precision: Precision, top_k: int, place: Store | str) -> Task:
    name = f"{model.name}@{model.version}" if model.version else model.name
    return Task(name, sums_of(model), provider, precision, top_k, place)


@contextmanager
def _results(form: Plan | None, request: ClassifyRequest) -> Iterator[Writer]:
    """Where outcomes go: as without a cluster, into a folder as results.parquet, or into a store."""
    output = request.output
    if form is not None and isinstance(output, Address):
        with (
            written(str(output), f"results.{form.form.value}") as stream,
            open_writer(stream, form, lambda _: None, CancelToken()) as writer,
        ):
            yield writer
        return
    if form is not None and output is not None and output.is_dir():
        output /= f"results.{form.form.value}"
    with open_results(form, output) as writer:
        yield writer
