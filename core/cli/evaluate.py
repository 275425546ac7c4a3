"""`fovea evaluate`: how good a model is on a folder of labelled images."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from core.base import paths, settings
from core.base.progress import CancelToken
from core.base.storage import write_atomically
from core.cli import tables
from core.cli.problems import tell_problems
from core.cli.progress import stages
from core.cli.streams import results_to, tell
from core.datasets.problems import quantity
from core.engine.feature_store import FeatureStore
from core.evaluation.folder_evaluation import Judgement, Unseen, judge
from core.evaluation.leakage import Familiar
from core.evaluation.metrics import Evaluation, most_confused, to_json
from core.evaluation.plots import percent
from core.evaluation.reports import html_report
from core.evaluation.sources import feature_source
from core.images.listing import folder_name
from core.models.library import InstalledModel, load_head, open_library
from core.outputs.reports.plan import Form, check_suffix
from core.outputs.reports.write import refuse_image

_MATRIX_CLASSES: Final = 15
"""Beyond this a matrix does not fit a terminal."""
_PAIRS_SHOWN: Final = 15
_MISTAKES_SHOWN: Final = 10


def run(arguments: argparse.Namespace) -> int:
    """Evaluate a model; 0 if every image could be read, 1 if some could not.

    Raises:
        FoveaError: nothing could be judged, or the report could not be written.
        ReaderGoneError: nobody reads standard output any more.
    """
    if arguments.report is not None:
        refuse_image(arguments.report, "report.html")
        check_suffix(arguments.report, Form.HTML)
    chosen = settings.load(paths.settings_file())
    model = open_library().find(arguments.model or chosen.model)
    judgement = _judge(arguments.folder, model, chosen)
    tell_problems(judgement.problems)
    for failure in judgement.failures:
        tell(failure.message, hint=failure.hint)
    if judgement.learnt:
        tell(_flattered(judgement), hint=_honest(judgement.unseen))
    with results_to(None) as stream:
        if arguments.format == "json":
            stream.write(json.dumps(_as_json(judgement, model, arguments.folder), indent=2) + "\n")
        else:
            tables.show(stream, *evaluation_tables(judgement.evaluation))
    if arguments.report is not None:
        _write_report(arguments.report, judgement, model, arguments.folder)
    return 1 if judgement.failures else 0


def _judge(folder: Path, model: InstalledModel, chosen: settings.Settings) -> Judgement:
    head, source = load_head(model), feature_source(model, chosen.provider, chosen.precision)
    familiar = Familiar.of(model)
    with FeatureStore() as store, stages() as report:
        return judge(folder, model.card, head, source, store, familiar=familiar, report=report, token=CancelToken())


def _flattered(judgement: Judgement) -> str:
    return (
        f"The model was trained on {judgement.learnt:,} of these {quantity(judgement.evaluation.images)}, or on copies "
        f"of them, so its accuracy is optimistic."
    )


def _honest(unseen: Unseen | None) -> str:
    if unseen is None:
        return "Evaluate it on images that it was not trained on."
    low, high = map(percent, unseen.interval)
    judged = f"On the {quantity(unseen.images, 'other image')}, {percent(unseen.accuracy)} are correct"
    return f"{judged} (95% confidence interval: {low} to {high})."


def _write_report(file: Path, judgement: Judgement, model: InstalledModel, folder: Path) -> None:
    origin = f"version {model.version}" if model.version else "shipped with Fovea"
    about = {
        "model": f"{model.card.title} ({model.name}, {origin})",
        "backbone": model.backbone.name,
        "head's SHA-256": model.card.head.sha256,
        "images": folder_name(folder),
    }
    if judgement.learnt:
        about["honesty"] = f"{_flattered(judgement)} {_honest(judgement.unseen)}"
    html = html_report(judgement.evaluation, title=f"{model.card.title}: how good it is", about=about, folder=folder)
    write_atomically(file, html.encode())
    tell(f"The report is written to {str(file)!r}.")


def _as_json(judgement: Judgement, model: InstalledModel, folder: Path) -> dict[str, Any]:
    failures = [
        {"path": str(one.path), "error": {"kind": one.kind, "message": one.message, "hint": one.hint}}
        for one in judgement.failures
    ]
    problems = [{"kind": one.kind, "message": one.message, "hint": one.hint} for one in judgement.problems]
    content = {"model": model.name, "version": model.version, "folder": str(folder)}
    content |= to_json(judgement.evaluation) | {"learnt_from": judgement.learnt, "unseen": _unseen(judgement.unseen)}
    return content | {"failures": failures, "problems": problems}


def _unseen(unseen: Unseen | None) -> dict[str, Any] | None:
    if unseen is None:
        return None
    interval = [round(bound, 6) for bound in unseen.interval]
    return {"images": unseen.images, "accuracy": round(unseen.accuracy, 6), "interval": interval}


def evaluation_tables(evaluation: Evaluation) -> Iterator[Table | Text]:
    """An evaluation as tables for a person, with empty lines between them."""
    yield _summary(evaluation)
    yield Text()
    yield _per_class(evaluation)
    yield Text()
    yield _matrix(evaluation) if len(evaluation.classes) <= _MATRIX_CLASSES else _pairs(evaluation)
    if evaluation.mistakes:
        yield Text()
        yield _mistakes(evaluation)


def _summary(evaluation: Evaluation) -> Table:
    raw, calibrated = evaluation.raw, evaluation.calibrated
    low, high = (percent(bound) for bound in evaluation.interval)
    made = tables.facts()
    made.add_row("images", f"{evaluation.images:,}")
    made.add_row("accuracy", f"{percent(evaluation.accuracy)} (95% interval {low} to {high})")
    if len(evaluation.top_k) < len(evaluation.classes):
        made.add_row(f"among the {len(evaluation.top_k)} likeliest", percent(evaluation.top_k[-1]))
    made.add_row("log loss", f"{calibrated.log_loss:.4f} ({raw.log_loss:.4f} at temperature 1)")
    made.add_row("calibration error", f"{percent(calibrated.ece)} ({percent(raw.ece)} at temperature 1)")
    made.add_row("temperature", f"{calibrated.temperature:.4g}")
    return made


def _per_class(evaluation: Evaluation) -> Table:
    columns = ("class", "precision", "recall", "F1", "images")
    made = tables.table(columns, numbers=columns[1:])
    for one in evaluation.per_class:
        shares = (percent(share) for share in (one.precision, one.recall, one.f1))
        made.add_row(tables.cell(one.label, "bold"), *shares, f"{one.support:,}")
    return made


def _matrix(evaluation: Evaluation) -> Table:
    numbers = [str(number) for number, _ in enumerate(evaluation.classes, 1)]
    made = tables.table(("", "class", *numbers), numbers=("", *numbers))
    made.title = tables.cell("Rows: the class; columns: what its images were named", "bold")
    for row, label in enumerate(evaluation.classes):
        counts = evaluation.confusion[row].tolist()
        cells = (_count(count, is_right=row == column) for column, count in enumerate(counts))
        made.add_row(numbers[row], tables.cell(label, "bold"), *cells)
    return made


def _count(count: int, *, is_right: bool) -> Text:
    if not count:
        return tables.cell("·", "dim")
    return tables.cell(f"{count:,}", "green" if is_right else "red")


def _pairs(evaluation: Evaluation) -> Table:
    made = tables.table(("class", "named", "images", "of the class"), numbers=("images", "of the class"))
    made.title = tables.cell("Most frequent confusions", "bold")
    for one in most_confused(evaluation, _PAIRS_SHOWN):
        made.add_row(*map(tables.cell, (one.label, one.predicted, f"{one.images:,}", percent(one.share))))
    return made


def _mistakes(evaluation: Evaluation) -> Table:
    made = tables.table(("image", "class", "named", "confidence"), numbers=("confidence",))
    made.title = tables.cell("Surest mistakes", "bold")
    for one in evaluation.mistakes[:_MISTAKES_SHOWN]:
        named = tables.cell(one.predicted, "red")
        made.add_row(tables.cell(str(one.path)), tables.cell(one.label), named, percent(one.confidence))
    return made
