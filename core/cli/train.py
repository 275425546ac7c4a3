"""`fovea train`: labelled images in, a model in the library out."""

from __future__ import annotations

import argparse
import json
import shlex
import time
from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from core import paths, settings
from core.cli import tables
from core.cli.evaluate import evaluation_tables
from core.cli.progress import stages
from core.cli.streams import results_to, tell
from core.dataset.problems import Problem
from core.errors import DatasetError
from core.judging.evaluation import to_json
from core.learning.train import Trained, TrainRequest, train
from core.library.library import open_library
from core.prediction import Failure
from core.progress import CancelToken


def run(arguments: argparse.Namespace) -> int:
    """Train a model and tell how good it is; 0 once it is in the library.

    Raises:
        FoveaError: it could not be made; the library is as it was.
        ReaderGoneError: nobody reads standard output any more.
    """
    request, started = _request(arguments), time.perf_counter()
    try:
        with stages() as report:
            trained = train(request, open_library(), report=report, token=CancelToken())
    except DatasetError as error:
        _tell_all(problem for problem in error.problems if not problem.is_fatal)
        raise
    seconds = time.perf_counter() - started
    _tell_all([*trained.problems, *trained.failures])
    with results_to(None) as stream:
        if arguments.format == "json":
            stream.write(json.dumps(_as_json(trained, request, seconds), indent=2) + "\n")
        else:
            evaluation = trained.lesson.evaluation
            told = [Text(), *evaluation_tables(evaluation)] if evaluation else []
            tables.show(stream, _summary(trained, seconds), *told)
    _sum_up(trained)
    return 0


def _request(arguments: argparse.Namespace) -> TrainRequest:
    chosen = settings.load(paths.settings_file())
    words = ("fovea", "train", str(arguments.folder), "--name", arguments.name, "--recipe", arguments.recipe)
    drawn = ("--validation", arguments.validation, "--test", arguments.test, "--seed", arguments.seed)
    return TrainRequest(
        folder=arguments.folder,
        name=arguments.name,
        validation=arguments.validation,
        test=arguments.test,
        seed=arguments.seed,
        provider=chosen.provider,
        precision=chosen.precision,
        command=shlex.join(map(str, (*words, *drawn))),
    )


def _tell_all(problems: Iterable[Problem | Failure]) -> None:
    for problem in problems:
        tell(problem.message, hint=problem.hint)


def _as_json(trained: Trained, request: TrainRequest, seconds: float) -> dict[str, Any]:
    model, evaluation = trained.model, trained.lesson.evaluation
    content = {
        "name": model.name,
        "version": model.version,
        "folder": str(request.folder),
        "parts": trained.images,
        "computed": trained.computed,
        "seconds": round(seconds, 2),
        "training": dict(model.card.training),
        "unknown_below": model.card.unknown_below,
    }
    judged: dict[str, Any] = {"accuracy": None, "per_class": {}, "confusion": [], "ece": None, "images": 0}
    content |= to_json(evaluation) if evaluation else judged | {"classes": model.card.classes}
    problems = [{"kind": one.kind, "message": one.message, "hint": one.hint} for one in trained.problems]
    failures = [
        {"path": str(one.path), "error": {"kind": one.kind, "message": one.message, "hint": one.hint}}
        for one in trained.failures
    ]
    return content | {"problems": problems, "failures": failures}


def _summary(trained: Trained, seconds: float) -> Table:
    model, counts = trained.model, trained.images
    unknown = model.card.unknown_below
    made = tables.facts()
    made.add_row("model", tables.cell(f"{model.name}, version {model.version}"))
    made.add_row("parts", ", ".join(f"{count:,} {part}" for part, count in counts.items()))
    made.add_row("head fitted to", f"{trained.lesson.fitted:,} images, C = {trained.choice.strength:g}")
    made.add_row("none of them", "too few images to tell" if unknown is None else f"a best probability under {unknown}")
    made.add_row("features", f"{trained.computed:,} computed, {sum(counts.values()) - trained.computed:,} kept before")
    made.add_row("took", f"{seconds:.1f} s")
    return made


def _sum_up(trained: Trained) -> None:
    name = trained.model.name
    if trained.lesson.evaluation is None:
        tell("Without test images nobody knows how good it is.", hint="Let --test set some aside.")
    tell(
        f"{name!r} is in the library, version {trained.model.version}.",
        hint=f"`fovea models use {name}` asks it by default.",
    )
