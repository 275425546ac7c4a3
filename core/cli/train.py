"""`fovea train`: labelled images in, a model in the library out."""

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
from core.base.progress import CancelToken, ProgressCallback
from core.cli import tables
from core.cli.evaluate import evaluation_tables
from core.cli.problems import print_problems
from core.cli.progress import stages
from core.cli.streams import print_message, results_to
from core.datasets.dataset import Dataset
from core.datasets.problems import FolderError, Problem, pluralize
from core.evaluation.comparison import compare
from core.evaluation.metrics import Misclassification, misclassification_json, to_json
from core.evaluation.plots import percent
from core.models.library import open_library
from core.training.protocol import Epoch, TrainerFailed, write_event
from core.training.request import Depth, Recipe, TrainRequest
from core.training.train import Trained, train

_MAX_EPOCHS_SHOWN: Final = 10
_MAX_SUSPECTS: Final = 15


def run(arguments: argparse.Namespace) -> int:
    """Train a model and tell how good it is; 0 once it is in the library.

    Raises:
        FoveaError: it could not be made; the library is as it was.
        BrokenPipeOutputError: the reader of standard output has gone.
    """
    request, started = _request(arguments), time.perf_counter()
    text: set[Problem] = set()
    with results_to(None) as stream:
        trained = _train(request, stream if arguments.format == "jsonl" else None, text)
        seconds = time.perf_counter() - started
        _tell_new(trained.data.dataset.problems, text)
        for failure in trained.data.failures:
            print_message(failure.message, hint=failure.hint)
        _write(trained, request, seconds, stream, arguments.format)
    _print_summary(trained)
    return 0


def _train(request: TrainRequest, events: TextIO | None, text: set[Problem]) -> Trained:
    """Train; what is odd about the folder is told before that takes its time, and noted in `text`."""

    def on_dataset(dataset: Dataset) -> None:
        _tell_new(dataset.problems, text)

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
            _tell_new([problem for problem in error.problems if not problem.is_fatal], text)
        if events is not None:
            events.write(write_event(TrainerFailed(error.kind, error.what, error.hint)) + "\n")
        raise


def _tell_new(problems: Sequence[Problem], text: set[Problem]) -> None:
    print_problems(problem for problem in problems if problem not in text)
    text.update(problems)


@contextmanager
def _progress_callbacks(events: TextIO | None) -> Iterator[tuple[ProgressCallback, Callable[[Epoch], None]]]:
    """Who is told how far it is: a program that reads lines of JSON, or a person."""
    if events is None:
        with stages() as report:
            yield report, _print_epoch
        return

    def write(event: Any) -> None:  # noqa: ANN401 - Progress or Epoch
        events.write(write_event(event) + "\n")
        events.flush()

    yield write, write


def _print_epoch(epoch: Epoch) -> None:
    """Say how an epoch went; of many, every tenth part."""
    if epoch.number % max(1, epoch.of // _MAX_EPOCHS_SHOWN):
        return
    figures = {
        "loss": epoch.loss,
        "accuracy": epoch.accuracy,
        "validation loss": epoch.validation_loss,
        "validation accuracy": epoch.validation_accuracy,
    }
    text = ", ".join(f"{name} {value:.4f}" for name, value in figures.items() if value is not None)
    when = f"epoch {epoch.number} of {epoch.of}" if epoch.number else "before training"
    print_message(f"{when}: {text or 'nothing to tell'} ({epoch.seconds:.1f} s)")


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
    """The photos whose label is most likely wrong; every model of real photos has some that only look so."""
    if suspects:
        result = tables.table(("image", "label", "looks like", "confidence"), numbers=("confidence",))
        result.title = tables.cell("Labels to check: cross-validation disagrees with them", "bold")
        for one in suspects[:_MAX_SUSPECTS]:
            place = tables.cell(str(one.path))
            result.add_row(place, tables.cell(one.label), tables.cell(one.predicted, "red"), percent(one.confidence))
        if len(suspects) > _MAX_SUSPECTS:
            result.caption = tables.cell(f"and {len(suspects) - _MAX_SUSPECTS:,} more, see --format json")
            result.caption_justify = "left"
        yield from (Text(), result)


def _summary(trained: Trained, seconds: float) -> Table:
    card, data = trained.model.card, trained.data
    counts, unknown = data.counts(), card.unknown_below
    result = tables.facts()
    result.add_row("model", tables.cell(f"{card.name}, version {trained.model.version}"))
    result.add_row("recipe", tables.cell(trained.head.trained.recipe))
    result.add_row("parts", ", ".join(f"{count:,} {part}" for part, count in counts.items()))
    result.add_row("fitted to", f"{trained.head.trained.fitted:,} images")
    for key, name in (("C", "strength C"), ("best_epoch", "best epoch")):
        if key in card.training:
            result.add_row(name, f"{card.training[key]:g}")
    result.add_row(
        "none of them", "too few images to tell" if unknown is None else f"a best probability under {unknown}"
    )
    result.add_row("features", f"{data.computed:,} computed, {sum(counts.values()) - data.computed:,} kept before")
    result.add_row("took", f"{seconds:.1f} s")
    return result


def _print_summary(trained: Trained) -> None:
    name, version = trained.model.name, trained.model.version
    if trained.head.evaluation is None:
        print_message("Without test images nobody knows how good it is.", hint="Let --test set some aside.")
    if trained.start is not None:
        _print_start_comparison(trained)
    if trained.in_use:
        print_message(
            f"{name!r} is in the library, version {version}.", hint=f"`fovea models use {name}` asks it by default."
        )
    else:
        what = f"Version {version} of {name!r} is in the library, but not in use: it isn't shown to be better."
        print_message(what, hint=f"`fovea models activate {name}@{version}` uses it all the same.")


def _print_start_comparison(trained: Trained) -> None:
    """Whether fine-tuning helped, on the very same test images."""
    start, end = trained.start.evaluation if trained.start else None, trained.head.evaluation
    if start is None or end is None:
        return
    found = compare(start, end)
    verdict = "is better" if trained.in_use else "is not shown to be better"
    print_message(
        f"The fine-tuned model {verdict}: {percent(end.accuracy)} correct on {pluralize(end.images, 'test image')}, "
        f"{percent(start.accuracy)} before ({found.only_b_correct} gained, {found.only_a_correct} lost, McNemar's "
        "test: "
        f"p = {found.p:.2f}); log loss {end.calibrated.log_loss:.3f}, {start.calibrated.log_loss:.3f} before."
    )
