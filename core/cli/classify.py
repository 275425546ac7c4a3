"""`fovea classify`: classify files and folders."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final

from core.api.classification import classify
from core.api.classification_values import ClassifyRequest, ClassifyStart, ClassifyTotals, Outcomes, Report
from core.api.explanations import explainer
from core.base.errors import UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference, provider_text
from core.cli.parsing import check_csv, delimiter_for, format_for
from core.cli.progress import bar, job_bar
from core.cli.results import open_results
from core.cli.streams import is_terminal, print_message
from core.detection import DetectionOptions
from core.evaluation.acceptance import known_scores
from core.images.kinds import SAVE_HINT, describe_kinds
from core.images.listing import find_images, folder_name
from core.jobs.cluster.addresses import Address
from core.jobs.values import JobProgress
from core.outputs.reports.columns import ColumnSet, ReportRow
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.outputs.reports.write import check_not_image
from core.prediction import Outcome

_MAX_PATHS: Final = 5
_OPTIONS: Final = ("top", "provider", "precision", "recursive", "fresh", "keep_features")


def run(arguments: argparse.Namespace) -> int:
    """Classify all images; return 0 if all were classified, 1 if some failed."""
    on_cluster = arguments.engine == "ray"
    first, *others = (arguments.model or "").split(",")
    arguments.model = first or None
    more = {"on_cluster": on_cluster, "others": tuple(others)}
    request = classify_request(arguments, *arguments.paths, **more)
    arguments.format = format_for(arguments.output, arguments.format)
    check_csv(arguments, arguments.format)
    _check(request, arguments)
    open_report = partial(_open_report, arguments, request)
    totals = classify(request, open_report, warn=print_message, token=CancelToken())
    print_message(_cluster_summary(totals) if request.on_cluster else summary(totals))
    if totals.skipped:
        print_message(describe_kinds(totals.skipped), hint=tr(SAVE_HINT))
    return int(totals.has_failures)


def classify_request(arguments: argparse.Namespace, *paths: Path, **more: Any) -> ClassifyRequest:  # noqa: ANN401
    """The request to classify images with the options that a command has."""
    options: dict[str, Any] = {name: getattr(arguments, name) for name in _OPTIONS if hasattr(arguments, name)}
    options |= {"include": tuple(arguments.include), "exclude": tuple(arguments.exclude)}
    if hasattr(arguments, "crop"):
        options["detection"] = _detection(arguments)
    return ClassifyRequest(paths, arguments.model, **options | more)


def _detection(arguments: argparse.Namespace) -> DetectionOptions:
    return DetectionOptions(crop=arguments.crop is not None, count=arguments.count)


def summary(totals: ClassifyTotals) -> str:
    """The counts in one line, with the speed of the new images."""
    new = totals.images - totals.already_done
    parts = [tr_n("{count:,} image", "{count:,} images", totals.images)]
    parts += [tr("{count:,} new", count=new)] if totals.already_done else []
    parts += [tr("{count:,} failed", count=totals.failed)]
    parts += [tr("{count:,} with warnings", count=totals.warned)] if totals.warned else []
    if not new:
        return ", ".join((*parts, totals.model))
    parts += [tr("{rate:.1f} images/s", rate=new / totals.seconds)]
    return ", ".join((*parts, _what_ran(totals, new)))


def _what_ran(totals: ClassifyTotals, new: int) -> str:
    if totals.provider is not None:
        ran = provider_text(totals.provider, totals.precision or "")
        return tr("{model} on {provider}", model=totals.model, provider=ran)
    if totals.failed < new:
        return tr("{model} on stored features", model=totals.model)
    return totals.model  # all failed, so that nothing ran


def _cluster_summary(totals: ClassifyTotals) -> str:
    return tr_n(
        "{count:,} image, {failed:,} failed, {rate:.1f} images/s, {model} on Ray",
        "{count:,} images, {failed:,} failed, {rate:.1f} images/s, {model} on Ray",
        totals.images,
        failed=totals.failed,
        rate=totals.images / totals.seconds,
        model=totals.model,
    )


def _check(request: ClassifyRequest, arguments: argparse.Namespace) -> None:
    output, remote = arguments.output, [path for path in request.paths if isinstance(path, Address)]
    if not request.on_cluster and (remote or isinstance(output, Address)):
        raise UsageError(tr("Remote addresses work only with --engine ray."), hint=tr("Add --engine ray."))
    if output is not None:
        check_not_image(output)
    elif arguments.format != "table" and not ReportFormat(arguments.format).is_text:
        hint = tr("Add --output with a name such as results.{format}.", format=arguments.format)
        raise UsageError(tr("{format} can only be written to a file.", format=arguments.format), hint=hint)
    if arguments.maps and (arguments.format != ReportFormat.HTML or request.on_cluster):
        what = tr("--maps works only with --format html, on this computer.")
        raise UsageError(what, hint=tr("Add --output with a name such as results.html, or remove --maps."))
    if request.needs_journal and not all(map(os.path.isdir, request.paths)):
        what = tr("--include, --exclude, --fresh and --keep-features work only with folders.")
        raise UsageError(what, hint=tr("Give folders only."))
    if request.others:
        _check_models(request)
    if request.on_cluster:
        _check_cluster(request, arguments, has_remote=bool(remote))


def _check_models(request: ClassifyRequest) -> None:
    names = [request.model or "", *request.others]
    if "" in names or len(set(names)) < len(names):
        hint = tr("Separate the names with commas, for example --model everyday,general.")
        raise UsageError(tr("A model is missing, or named twice."), hint=hint)
    if request.on_cluster:
        raise UsageError(
            tr("--engine ray works only with one model."), hint=tr("Name one model, or remove the option.")
        )


def _check_cluster(request: ClassifyRequest, arguments: argparse.Namespace, *, has_remote: bool) -> None:
    if request.needs_journal:
        what = tr("--include, --exclude, --fresh and --keep-features do not work with --engine ray.")
        raise UsageError(what, hint=tr("Remove these options, or remove --engine ray."))
    if isinstance(arguments.output, Address) and arguments.format == "table":
        what = tr("A table cannot be written to a remote address.")
        raise UsageError(what, hint=tr("Add --format parquet, jsonl or csv."))
    if len(request.paths) > 1 and has_remote:
        what = tr("Only one remote address can be classified at a time.")
        raise UsageError(what, hint=tr("Give the parent folder, or run the command once for each address."))


@contextmanager
def _open_report(arguments: argparse.Namespace, request: ClassifyRequest, start: ClassifyStart) -> Iterator[Report]:
    """Open the output, and then the progress bar."""
    output, options = arguments.output, _options(arguments, start)
    if request.on_cluster and options and output and not isinstance(output, Address) and output.is_dir():
        output /= f"results.{options.format.value}"
    others = [one.name for one in start.others]
    with open_results(options, output, others) as results, _progress(arguments, request, start) as show:

        def report(event: Outcome | Outcomes | JobProgress) -> None:
            if isinstance(event, tuple):
                results.add(ReportRow(event[0], others=event[1:]))
            elif not isinstance(event, JobProgress):
                results.add(ReportRow(event))
            show(event)

        yield report


def _progress(
    arguments: argparse.Namespace, request: ClassifyRequest, start: ClassifyStart
) -> AbstractContextManager[Report]:
    """A progress bar, if standard error is a terminal and results are not printed to it line by line."""
    prints_lines = arguments.output is None and arguments.format != "table" and is_terminal(sys.stdout)
    if request.on_cluster or prints_lines or not is_terminal(sys.stderr):
        return nullcontext(lambda _: None)
    if start.is_job:
        return job_bar()
    return bar(find_images(request.paths, recursive=request.recursive, on_error=lambda *_: None))


def _options(arguments: argparse.Namespace, start: ClassifyStart) -> ReportOptions | None:
    if arguments.format == "table":
        return None
    card = start.model.card
    how = arguments.provider or ProviderPreference.AUTO, arguments.precision or Precision.AUTO
    about = (
        (tr("model"), f"{card.title} ({start.model.name})"),
        *((tr("model"), f"{one.card.title} ({one.name})") for one in start.others),
        (tr("backbone"), start.model.backbone.name),
        (tr("images"), ", ".join(map(_name, start.paths[:_MAX_PATHS]))),
    )
    return ReportOptions(
        ReportFormat(arguments.format),
        ColumnSet(start.top_k, others=tuple(one.name for one in start.others), detection=_detection(arguments)),
        byte_order_mark=arguments.bom,
        delimiter=delimiter_for(arguments, arguments.output),
        about=about,
        folder=start.paths[0] if len(start.paths) == 1 else None,
        known_scores=known_scores(card),
        explain=explainer(start.model, *how) if arguments.maps else None,
    )


def _name(path: Path | Address) -> str:
    """The name of a file or folder without its path, because reports are shared with others."""
    return str(path) if isinstance(path, Address) else folder_name(path)
