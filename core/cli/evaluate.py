"""`fovea evaluate`: measure the accuracy of a model on a folder of labelled images."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from core.api import scripts
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.storage import check_writable, write_atomically
from core.base.text import percent
from core.cli import tables
from core.cli.multi_label_tables import multi_label_tables
from core.cli.problems import failure_json, print_failures, print_problems, problem_json
from core.cli.progress import stages
from core.cli.streams import print_message
from core.cli.train_arguments import label_source
from core.evaluation.multi_label import evaluation_json
from core.evaluation.multi_label_values import MultiLabelEvaluation
from core.evaluation.reports import html_report, multi_label_report
from core.evaluation.values import Accuracy, ClassMetrics, Evaluation, FolderEvaluation, LabelledPrediction
from core.images.listing import folder_name
from core.models.values import InstalledModel
from core.outputs.reports.plan import ReportFormat, check_suffix
from core.outputs.reports.write import check_not_image

_MATRIX_CLASSES: Final = 15
"""A larger matrix does not fit a terminal."""
_MAX_PAIRS: Final = 15
_MAX_MISTAKES: Final = 10


def run(arguments: argparse.Namespace) -> int:
    """Evaluate a model; return 0 if all images could be read, 1 if some could not."""
    if arguments.report is not None:
        check_not_image(arguments.report, "report.html")
        check_suffix(arguments.report, ReportFormat.HTML)
        check_writable(arguments.report)
    with stages() as report:
        source, file = label_source(arguments), arguments.labels
        model, result = scripts.evaluate(
            arguments.folder, arguments.model, source, file, report=report, token=CancelToken()
        )
    print_problems(result.problems)
    print_failures(result.failures)
    if result.training_overlap:
        print_message(_overlap_note(result), hint=_held_out_note(result.held_out))
    tables.print_result(
        arguments.format,
        lambda: _as_json(result, model, arguments.folder),
        lambda: evaluation_tables(result.evaluation),
    )
    if arguments.report is not None:
        _write_report(arguments.report, result, model, arguments.folder)
    return 1 if result.failures else 0


def _overlap_note(result: FolderEvaluation) -> str:
    return tr_n(
        "The model was trained on this {count:,} image, or on a copy, so its accuracy is optimistic.",
        "The model was trained on {overlap:,} of these {count:,} images, or on copies, so its accuracy is optimistic.",
        result.evaluation.images,
        overlap=result.training_overlap,
    )


def _held_out_note(held_out: Accuracy | None) -> str:
    if held_out is None:
        return tr("Evaluate it on images that it was not trained on.")
    low, high = map(percent, held_out.interval)
    return tr_n(
        "On the only other image, the accuracy is {accuracy} (95% confidence interval: {low} to {high}).",
        "On the {count:,} other images, {accuracy} are correct (95% confidence interval: {low} to {high}).",
        held_out.images,
        accuracy=percent(held_out.fraction),
        low=low,
        high=high,
    )


def _write_report(file: Path, result: FolderEvaluation, model: InstalledModel, folder: Path) -> None:
    title = model.card.title
    origin = tr("version {version}", version=model.version) if model.version else tr("built in")
    about = {
        tr("model"): f"{title} ({model.name}, {origin})",
        tr("backbone"): model.backbone.name,
        tr("SHA-256 of the head"): model.card.head.sha256,
        tr("images"): folder_name(folder),
    }
    if result.training_overlap:
        about[tr("note")] = f"{_overlap_note(result)} {_held_out_note(result.held_out)}"
    found, title = result.evaluation, tr("{model}: evaluation", model=title)
    if isinstance(found, MultiLabelEvaluation):
        html = multi_label_report(found, title=title, about=about, folder=folder)
    else:
        html = html_report(found, title=title, about=about, folder=folder)
    write_atomically(file, html.encode())
    print_message(tr("Saved the report to {file!r}.", file=str(file)))


def _as_json(result: FolderEvaluation, model: InstalledModel, folder: Path) -> dict[str, Any]:
    content = {"model": model.name, "version": model.version, "folder": str(folder)}
    content |= evaluation_json(result.evaluation) | {
        "learnt_from": result.training_overlap,
        "unseen": _held_out_json(result.held_out),
    }
    failures, problems = map(failure_json, result.failures), map(problem_json, result.problems)
    return content | {"failures": list(failures), "problems": list(problems)}


def _held_out_json(held_out: Accuracy | None) -> dict[str, Any] | None:
    if held_out is None:
        return None
    interval = [round(bound, 6) for bound in held_out.interval]
    return {"images": held_out.images, "accuracy": round(held_out.fraction, 6), "interval": interval}


def evaluation_tables(evaluation: Evaluation | MultiLabelEvaluation) -> Iterator[Table | Text]:
    """The tables of an evaluation, with empty lines between them."""
    if isinstance(evaluation, MultiLabelEvaluation):
        yield from multi_label_tables(evaluation)
        return
    yield _summary(evaluation)
    yield Text()
    yield _per_class(evaluation)
    yield Text()
    yield _matrix(evaluation) if len(evaluation.classes) <= _MATRIX_CLASSES else _pairs(evaluation)
    if evaluation.mistakes:
        yield Text()
        mistakes = evaluation.mistakes[:_MAX_MISTAKES]
        yield prediction_table(tr("class"), mistakes, tr("Most confident mistakes"))


def _summary(evaluation: Evaluation) -> Table:
    raw, calibrated = evaluation.raw, evaluation.calibrated
    accuracy = tables.with_interval(evaluation.accuracy, evaluation.interval)
    rows = [(tr("images"), f"{evaluation.images:,}"), (tr("accuracy"), accuracy)]
    if len(evaluation.top_k) < len(evaluation.classes):
        rows.append((tr("top-{k} accuracy", k=len(evaluation.top_k)), percent(evaluation.top_k[-1])))
    loss = f"{calibrated.log_loss:.4f}", f"{raw.log_loss:.4f}"
    for name, (value, before) in (
        (tr("log loss"), loss),
        (tr("calibration error"), (percent(calibrated.ece), percent(raw.ece))),
    ):
        rows.append((name, tr("{value} ({before} at temperature 1)", value=value, before=before)))
    return tables.facts([*rows, (tr("temperature"), f"{calibrated.temperature:.4g}")])


def _per_class(evaluation: Evaluation) -> Table:
    columns = (tr("class"), tr("precision"), tr("recall"), tr("F1"), tr("images"))
    return tables.table(columns, map(_class_cells, evaluation.per_class), numbers=columns[1:])


def _class_cells(one: ClassMetrics) -> tuple[str | Text, ...]:
    return tables.cell(one.label, "bold"), *map(percent, (one.precision, one.recall, one.f1)), f"{one.support:,}"


def _matrix(evaluation: Evaluation) -> Table:
    numbers = [str(number) for number, _ in enumerate(evaluation.classes, 1)]
    rows: list[tuple[str | Text, ...]] = []
    for row, (label, counts) in enumerate(zip(evaluation.classes, evaluation.confusion, strict=True)):
        cells = (_count(count, is_correct=row == column) for column, count in enumerate(counts))
        rows.append((numbers[row], tables.cell(label, "bold"), *cells))
    title = tr("Confusion matrix (rows: class, columns: prediction)")
    return tables.table(("", tr("class"), *numbers), rows, numbers=("", *numbers), title=title)


def _count(count: int, *, is_correct: bool) -> Text:
    if not count:
        return tables.cell("·", "dim")
    return tables.cell(f"{count:,}", "green" if is_correct else "red")


def _pairs(evaluation: Evaluation) -> Table:
    numbers, pairs = (tr("images"), tr("% of class")), evaluation.most_confused(_MAX_PAIRS)
    rows = ((one.label, one.predicted, f"{one.images:,}", percent(one.share)) for one in pairs)
    columns = tr("class"), tr("prediction"), *numbers
    return tables.table(columns, rows, numbers=numbers, title=tr("Most frequent confusions"))


def prediction_table(label: str, predictions: Iterable[LabelledPrediction], title: str) -> Table:
    """A table of wrong predictions; `label` is the heading of the column of labels."""
    columns = tr("image"), label, tr("prediction"), tr("confidence")
    rows = (
        (str(one.path), one.label, tables.cell(one.predicted, "red"), percent(one.confidence)) for one in predictions
    )
    return tables.table(columns, rows, numbers=columns[3:], title=title)
