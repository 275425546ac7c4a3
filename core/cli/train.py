"""`fovea train`: train a model on labelled images and add it to the library."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final, TextIO

from rich.table import Table
from rich.text import Text

from core import api
from core.api import model_files, scripts
from core.base.errors import FoveaError, UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, Progress
from core.base.text import percent
from core.cli import tables
from core.cli.evaluate import evaluation_tables, prediction_table
from core.cli.fetch import network_request
from core.cli.multi_label_tables import class_suspects_table
from core.cli.problems import failure_json, print_failures, print_problems, problem_json
from core.cli.progress import stages
from core.cli.streams import print_message, results_to
from core.cli.train_arguments import label_source
from core.datasets.problems import FolderError, Problem
from core.evaluation.metrics import prediction_json
from core.evaluation.multi_label import evaluation_json, suspect_json
from core.evaluation.values import BaselineComparison, Evaluation
from core.training.evaluated_head import KEPT
from core.training.fitting import FIT_CHOSEN
from core.training.networks import BackboneRequest, check_request
from core.training.outlook_text import outlook_lines
from core.training.protocol import Epoch, TrainerFailed, write_event
from core.training.request import HeadKind, Recipe, TrainRequest
from core.training.values import Outlook, TrainingResult

_MAX_EPOCHS_SHOWN: Final = 10
_MAX_SUSPECTS: Final = 15
_OPTIONS: Final = (
    "folder",
    "name",
    "validation",
    "test",
    "seed",
    "train",
    "epochs",
    "learning_rate",
    "depth",
    "restart",
    "keep_classes_of",
    "nested",
    "hierarchy",
    "fit",
)
"""The options that have the names of what they request."""


def run(arguments: argparse.Namespace) -> int:
    """Train a model and report its accuracy; return 0 once it is in the library."""
    request = _request(arguments)
    reported: set[Problem] = set()
    with results_to(None) as stream:
        result = _train(request, stream if arguments.format == "jsonl" else None, reported)
        _print_new(result.problems, reported)
        print_failures(result.failures)
        _write(result, request, stream, arguments.format)
    _print_summary(result)
    return 0


def _train(request: TrainRequest, events: TextIO | None, reported: set[Problem]) -> TrainingResult:
    """Train; problems of the folder are printed before training starts, and added to `reported`."""

    def on_problems(problems: Sequence[Problem]) -> None:
        _print_new(problems, reported)

    try:
        with _progress_callback(events) as report:
            return api.train(request, None, report=report, on_problems=on_problems, token=CancelToken())
    except FoveaError as error:
        if isinstance(error, FolderError):
            _print_new([problem for problem in error.problems if not problem.is_fatal], reported)
        if events is not None:
            events.write(write_event(TrainerFailed(error.kind, error.what, error.hint)) + "\n")
        raise


def _print_new(problems: Sequence[Problem], reported: set[Problem]) -> None:
    print_problems(problem for problem in problems if problem not in reported)
    reported.update(problems)


@contextmanager
def _progress_callback(events: TextIO | None) -> Iterator[Callable[[Progress | Epoch], None]]:
    """The callback for progress and epochs: JSON lines for programs, a progress bar for users."""
    if events is None:
        with stages() as report:
            yield lambda event: _print_epoch(event) if isinstance(event, Epoch) else report(event)
        return

    def write(event: Progress | Epoch) -> None:
        events.write(write_event(event) + "\n")
        events.flush()

    yield write


def _print_epoch(epoch: Epoch) -> None:
    """Print the metrics of an epoch; of many epochs, about ten are printed."""
    if epoch.number % max(1, epoch.of // _MAX_EPOCHS_SHOWN):
        return
    metrics = {
        tr("loss"): epoch.loss,
        tr("accuracy"): epoch.accuracy,
        tr("validation loss"): epoch.validation_loss,
        tr("validation accuracy"): epoch.validation_accuracy,
    }
    text = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items() if value is not None)
    values = {"metrics": text or tr("no metrics"), "seconds": epoch.seconds}
    if epoch.number:
        print_message(
            tr("Epoch {number} of {total}: {metrics} ({seconds:.1f} s)", number=epoch.number, total=epoch.of, **values)
        )
    else:
        print_message(tr("Before training: {metrics} ({seconds:.1f} s)", **values))


def _request(arguments: argparse.Namespace) -> TrainRequest:
    chosen = scripts.load_settings()
    recipe, head = _method(arguments)
    return TrainRequest(
        **{name: getattr(arguments, name) for name in _OPTIONS},
        provider=chosen.provider,
        precision=chosen.precision,
        recipe=recipe,
        head=head,
        augment=not arguments.no_augmentation,
        backbone=_backbone(arguments),
        thumbnails=not arguments.no_thumbnails,
        labels=label_source(arguments),
        labels_file=arguments.labels,
    )


def _method(arguments: argparse.Namespace) -> tuple[Recipe, HeadKind]:
    """The recipe, and the head of the recipe quick; a UsageError if the recipe trains another head."""
    recipe: Recipe | None = arguments.recipe
    match arguments.head:
        case "dense" if recipe in (None, Recipe.DENSE):
            return Recipe.DENSE, HeadKind.LINEAR
        case "prototype" if recipe in (None, Recipe.QUICK):
            return Recipe.QUICK, HeadKind.PROTOTYPE
        case "linear" if recipe is not Recipe.DENSE:
            return recipe or Recipe.QUICK, HeadKind.LINEAR
        case None:
            return recipe or Recipe.QUICK, HeadKind.LINEAR
    what = tr("The recipe {recipe} can't train the head {head}.", recipe=recipe, head=arguments.head)
    raise UsageError(what, hint=tr("Remove --recipe: quick trains linear and prototype, dense trains dense."))


def _backbone(arguments: argparse.Namespace) -> str:
    """The name of the requested backbone; empty for the default."""
    request = network_request(arguments.backbone, arguments)
    if arguments.weights is None:
        if request == BackboneRequest(arguments.backbone):
            return str(arguments.backbone)
        check_request(request)
        return request.name
    with stages() as report:
        return model_files.provide_backbone(request, report=report, token=CancelToken())


def _write(result: TrainingResult, request: TrainRequest, stream: TextIO, format_: str) -> None:
    match format_:
        case "json":
            stream.write(json.dumps(_as_json(result, request), indent=2) + "\n")
        case "jsonl":
            stream.write(json.dumps({"event": "done", **_as_json(result, request)}) + "\n")
        case _:
            measured = result.evaluation or result.multi_label
            tables_ = [Text(), *evaluation_tables(measured)] if measured else []
            tables.show(stream, _summary(result), *tables_, *_suspects_table(result), *_advice(result.outlook))


def _as_json(result: TrainingResult, request: TrainRequest) -> dict[str, Any]:
    card = result.card
    content = {
        "name": result.name,
        "version": result.version,
        "in_use": result.in_use,
        "folder": str(request.folder),
        "recipe": request.recipe.value,
        "backbone": card.backbone.name,
        "parts": dict(result.subsets),
        "computed": result.computed,
        "seconds": round(result.seconds, 2),
        "training": dict(card.training),
        "unknown_below": card.unknown_below,
        "began_with": card.evaluation.get("began_with"),
    }
    evaluated: dict[str, Any] = {"accuracy": None, "per_class": {}, "confusion": [], "ece": None, "images": 0}
    content["outlook"] = asdict(result.outlook) if result.outlook else None
    content["label_errors"] = [*map(prediction_json, result.suspects), *map(suspect_json, result.class_suspects)]
    measured = result.evaluation or result.multi_label
    content |= evaluation_json(measured) if measured else evaluated | {"classes": card.classes}
    content |= {"thresholds": card.thresholds} if card.thresholds else {}
    problems, failures = map(problem_json, result.problems), map(failure_json, result.failures)
    return content | {"problems": list(problems), "failures": list(failures)}


def _suspects_table(trained: TrainingResult) -> Iterator[Table | Text]:
    suspects = trained.suspects
    if trained.class_suspects:
        yield from (Text(), class_suspects_table(trained.class_suspects, _MAX_SUSPECTS))
    if suspects:
        title = tr("Labels to check (cross-validation disagrees)")
        result = prediction_table(tr("label"), suspects[:_MAX_SUSPECTS], title)
        tables.limit_rows(result, len(suspects), _MAX_SUSPECTS)
        yield from (Text(), result)


def _advice(outlook: Outlook | None) -> Iterator[Text]:
    if outlook is not None:
        yield from (Text(), Text(tr("What more images would do"), style="bold"), *map(Text, outlook_lines(outlook)))


def _summary(trained: TrainingResult) -> Table:
    card, counts = trained.card, trained.subsets
    kept = card.training.get(KEPT)
    never = tr("never, like the model that was extended") if kept else tr("too few images to tell")
    cached = sum(counts.values()) - trained.computed
    fitted = [("C", tr("regularization C")), ("best_epoch", tr("best epoch"))]
    return tables.facts(
        [
            (tr("model"), tr("{name}, version {version}", name=card.name, version=trained.version)),
            (tr("recipe"), card.training["recipe"]),
            (tr("backbone"), card.backbone.name),
            *([(tr("fit"), card.training[FIT_CHOSEN])] if FIT_CHOSEN in card.training else []),
            (tr("split"), ", ".join(f"{count:,} {part}" for part, count in counts.items())),
            (tr("trained on"), tr_n("{count:,} image", "{count:,} images", trained.fitted)),
            *((name, f"{card.training[key]:g}") for key, name in fitted if key in card.training),
            (tr("unknown"), tables.unknown_rule(card) or never),
            (
                tr("features"),
                tr("{computed:,} computed, {cached:,} from the cache", computed=trained.computed, cached=cached),
            ),
            (tr("time"), tr("{seconds:.1f} s", seconds=trained.seconds)),
        ]
    )


def _print_summary(trained: TrainingResult) -> None:
    name, version = trained.name, trained.version
    if trained.evaluation is None and trained.multi_label is None:
        print_message(tr("The accuracy is not known: there are no test images."), hint=tr("Add some with --test."))
    if trained.start is not None and trained.evaluation is not None:
        _print_start_comparison(trained.start, trained.evaluation, is_better=trained.in_use)
    if trained.in_use:
        hint = tr("To use it by default, run `fovea models use {name}`.", name=name)
        print_message(tr("Added {name!r} to the library as version {version}.", name=name, version=version), hint=hint)
    else:
        what = tr(
            "Added version {version} of {name!r} to the library, but did not activate it: it is not significantly "
            "better.",
            version=version,
            name=name,
        )
        hint = tr("To use it anyway, run `fovea models activate {name}@{version}`.", name=name, version=version)
        print_message(what, hint=hint)


def _print_start_comparison(start: BaselineComparison, end: Evaluation, *, is_better: bool) -> None:
    verdict = (
        tr("The fine-tuned model is better.") if is_better else tr("The fine-tuned model is not significantly better.")
    )
    after, before = end.calibrated.log_loss, start.log_loss
    loss = tr("Log loss: {after:.3f}, {before:.3f} before.", after=after, before=before)
    print_message(f"{verdict} {_accuracy_change(start, end)} {loss}")


def _accuracy_change(start: BaselineComparison, end: Evaluation) -> str:
    found = start.result
    return tr_n(
        "Accuracy: {after} on {count:,} test image, {before} before (gained {gained:,}, lost {lost:,}; McNemar's "
        "test: p = {p:.2f}).",
        "Accuracy: {after} on {count:,} test images, {before} before (gained {gained:,}, lost {lost:,}; McNemar's "
        "test: p = {p:.2f}).",
        end.images,
        after=percent(end.accuracy),
        before=percent(found.a.fraction),
        gained=found.only_b_correct,
        lost=found.only_a_correct,
        p=found.p,
    )
