"""`fovea train`: train a model on labelled images and add it to the library."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TextIO

from rich.table import Table
from rich.text import Text

from core.base import paths, settings
from core.base.errors import FoveaError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback
from core.base.text import percent
from core.cli import tables
from core.cli.evaluate import evaluation_tables
from core.cli.problems import print_problems
from core.cli.progress import stages
from core.cli.streams import print_message, results_to
from core.datasets.dataset import Dataset
from core.datasets.problems import FolderError, Problem
from core.evaluation.comparison import compare
from core.evaluation.metrics import Evaluation, Misclassification, misclassification_json, to_json
from core.models.library import open_library
from core.training.protocol import Epoch, TrainerFailed, write_event
from core.training.request import Depth, Recipe, TrainRequest
from core.training.train import Trained, train

_MAX_EPOCHS_SHOWN: Final = 10
_MAX_SUSPECTS: Final = 15


def run(arguments: argparse.Namespace) -> int:
    """Train a model and report its accuracy; return 0 once it is in the library.

    Raises:
        FoveaError: training failed; the library is unchanged.
        BrokenPipeOutputError: the reader of standard output has gone.
    """
    request, started = _request(arguments), time.perf_counter()
    reported: set[Problem] = set()
    with results_to(None) as stream:
        trained = _train(request, stream if arguments.format == "jsonl" else None, reported)
        seconds = time.perf_counter() - started
        _print_new(trained.data.dataset.problems, reported)
        for failure in trained.data.failures:
            print_message(failure.message, hint=failure.hint)
        _write(trained, request, seconds, stream, arguments.format)
    _print_summary(trained)
    return 0


def _train(request: TrainRequest, events: TextIO | None, reported: set[Problem]) -> Trained:
    """Train; problems of the folder are printed before training starts, and added to `reported`."""

    def on_dataset(dataset: Dataset) -> None:
        _print_new(dataset.problems, reported)

    try:
        with _progress_callbacks(events) as (report, on_epoch):
            return train(
                request,
                open_library(),
                report=report,
                on_dataset=on_dataset,
                on_epoch=on_epoch,
                token=CancelToken(),
            )
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
def _progress_callbacks(events: TextIO | None) -> Iterator[tuple[ProgressCallback, Callable[[Epoch], None]]]:
    """The callbacks for progress and epochs: JSON lines for programs, a progress bar for users."""
    if events is None:
        with stages() as report:
            yield report, _print_epoch
        return

    def write(event: Any) -> None:  # noqa: ANN401 - Progress or Epoch
        events.write(write_event(event) + "\n")
        events.flush()

    yield write, write


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
    chosen = settings.load(paths.settings_file())
    return TrainRequest(
        folder=arguments.folder,
        name=arguments.name,
        validation=arguments.validation,
        test=arguments.test,
        seed=arguments.seed,
        provider=chosen.provider,
        precision=chosen.precision,
        recipe=Recipe(arguments.recipe),
        train=arguments.train,
        epochs=arguments.epochs,
        learning_rate=arguments.learning_rate,
        depth=Depth(arguments.depth),
        augment=not arguments.no_augmentation,
        restart=arguments.restart,
    )


def _write(trained: Trained, request: TrainRequest, seconds: float, stream: TextIO, format_: str) -> None:
    match format_:
        case "json":
            stream.write(json.dumps(_as_json(trained, request, seconds), indent=2) + "\n")
        case "jsonl":
            stream.write(json.dumps({"event": "done", **_as_json(trained, request, seconds)}) + "\n")
        case _:
            evaluation = trained.head.evaluation
            tables_ = [Text(), *evaluation_tables(evaluation)] if evaluation else []
            tables.show(stream, _summary(trained, seconds), *tables_, *_suspects_table(_suspects(trained)))


def _as_json(trained: Trained, request: TrainRequest, seconds: float) -> dict[str, Any]:
    model, data, evaluation = trained.model, trained.data, trained.head.evaluation
    content = {
        "name": model.name,
        "version": model.version,
        "in_use": trained.in_use,
        "folder": str(request.folder),
        "recipe": request.recipe.value,
        "parts": data.counts(),
        "computed": data.computed,
        "seconds": round(seconds, 2),
        "training": dict(model.card.training),
        "unknown_below": model.card.unknown_below,
        "began_with": model.card.evaluation.get("began_with"),
    }
    evaluated: dict[str, Any] = {"accuracy": None, "per_class": {}, "confusion": [], "ece": None, "images": 0}
    content["label_errors"] = [misclassification_json(one) for one in _suspects(trained)]
    content |= to_json(evaluation) if evaluation else evaluated | {"classes": model.card.classes}
    problems = [{"kind": one.kind, "message": one.message, "hint": one.hint} for one in data.dataset.problems]
    failures = [
        {"path": str(one.path), "error": {"kind": one.kind, "message": one.message, "hint": one.hint}}
        for one in data.failures
    ]
    return content | {"problems": problems, "failures": failures}


def _suspects(trained: Trained) -> tuple[Misclassification, ...]:
    return (trained.start or trained.head).suspects


def _suspects_table(suspects: tuple[Misclassification, ...]) -> Iterator[Table | Text]:
    """The images whose label is most likely wrong; in practice some of these labels are right."""
    if suspects:
        columns = (tr("image"), tr("label"), tr("prediction"), tr("confidence"))
        result = tables.table(columns, numbers=columns[3:])
        result.title = tables.cell(tr("Labels to check (cross-validation disagrees)"), "bold")
        for one in suspects[:_MAX_SUSPECTS]:
            place = tables.cell(str(one.path))
            result.add_row(place, tables.cell(one.label), tables.cell(one.predicted, "red"), percent(one.confidence))
        if len(suspects) > _MAX_SUSPECTS:
            more = tr("and {count:,} more; use --format json to list all", count=len(suspects) - _MAX_SUSPECTS)
            result.caption = tables.cell(more)
            result.caption_justify = "left"
        yield from (Text(), result)


def _summary(trained: Trained, seconds: float) -> Table:
    card, data = trained.model.card, trained.data
    counts, unknown = data.counts(), card.unknown_below
    result = tables.facts()
    model = tr("{name}, version {version}", name=card.name, version=trained.model.version)
    fitted = tr_n("{count:,} image", "{count:,} images", trained.head.trained.fitted)
    below = tr("too few images to tell") if unknown is None else tr("confidence below {limit}", limit=unknown)
    cached = sum(counts.values()) - data.computed
    result.add_row(tr("model"), tables.cell(model))
    result.add_row(tr("recipe"), tables.cell(trained.head.trained.recipe))
    result.add_row(tr("split"), ", ".join(f"{count:,} {part}" for part, count in counts.items()))
    result.add_row(tr("trained on"), fitted)
    for key, name in (("C", tr("regularization C")), ("best_epoch", tr("best epoch"))):
        if key in card.training:
            result.add_row(name, f"{card.training[key]:g}")
    result.add_row(tr("unknown"), below)
    features = tr("{computed:,} computed, {cached:,} from the cache", computed=data.computed, cached=cached)
    result.add_row(tr("features"), features)
    result.add_row(tr("time"), tr("{seconds:.1f} s", seconds=seconds))
    return result


def _print_summary(trained: Trained) -> None:
    name, version = trained.model.name, trained.model.version
    if trained.head.evaluation is None:
        print_message(tr("The accuracy is not known: there are no test images."), hint=tr("Add some with --test."))
    if trained.start is not None:
        _print_start_comparison(trained)
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


def _print_start_comparison(trained: Trained) -> None:
    """Print whether fine-tuning helped, on the same test images."""
    start, end = trained.start.evaluation if trained.start else None, trained.head.evaluation
    if start is None or end is None:
        return
    verdict = (
        tr("The fine-tuned model is better.")
        if trained.in_use
        else tr("The fine-tuned model is not significantly better.")
    )
    print_message(f"{verdict} {_accuracy_change(start, end)} {_loss_change(start, end)}")


def _accuracy_change(start: Evaluation, end: Evaluation) -> str:
    found = compare(start, end)
    return tr_n(
        "Accuracy: {after} on {count:,} test image, {before} before (gained {gained:,}, lost {lost:,}; McNemar's "
        "test: p = {p:.2f}).",
        "Accuracy: {after} on {count:,} test images, {before} before (gained {gained:,}, lost {lost:,}; McNemar's "
        "test: p = {p:.2f}).",
        end.images,
        after=percent(end.accuracy),
        before=percent(start.accuracy),
        gained=found.only_b_correct,
        lost=found.only_a_correct,
        p=found.p,
    )


def _loss_change(start: Evaluation, end: Evaluation) -> str:
    after, before = end.calibrated.log_loss, start.calibrated.log_loss
    return tr("Log loss: {after:.3f}, {before:.3f} before.", after=after, before=before)
