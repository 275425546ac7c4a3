"""`fovea models export`: export a model as one file for other programs, and report the loss of accuracy."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from core.api import model_files
from core.base.errors import UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.text import percent
from core.cli import tables
from core.cli.problems import print_problems
from core.cli.progress import stages
from core.cli.streams import print_message
from core.exporting.formats import ExportFormat
from core.exporting.values import AccuracyLossError, ExportEvaluation, VariantMetrics

_ONNX, _LITERT = ".onnx", ".tflite"


def run(arguments: argparse.Namespace) -> None:
    """Export a model as one file, and print what it loses in 8 bits."""
    file: Path = arguments.file
    _check(file, arguments.storage, arguments.images)
    kind = "litert" if file.suffix.lower() == _LITERT else "onnx"
    format_ = ExportFormat(kind if arguments.storage is None else f"{kind}-{arguments.storage}")
    try:
        with stages() as report:
            written = model_files.export_model(
                arguments.name, file, format_, arguments.images, arguments.most_lost, report=report, token=CancelToken()
            )
    except AccuracyLossError as error:
        _show(error.evaluation, arguments.format)
        raise
    if written.evaluation is not None:
        _show(written.evaluation, arguments.format)
    size = tables.size(written.size_bytes)
    print_message(tr("Exported {name!r} to {file!r} ({size}).", name=arguments.name, file=str(file), size=size))


def _check(file: Path, storage: str | None, images: Path | None) -> None:
    kind = file.suffix.lower()
    if kind not in (_ONNX, _LITERT):
        what = tr("{file!r} is not a name for a model file.", file=str(file))
        raise UsageError(what, hint=tr("Choose a name that ends in .onnx or .tflite."))
    if storage == "int8" and images is None:
        what = tr("int8 needs images for calibration and evaluation.")
        raise UsageError(what, hint=tr("Add --images with a folder of labelled images."))
    if images is not None and kind == _ONNX and storage != "int8":
        raise UsageError(tr("--images works only with int8 and .tflite."), hint=tr("Remove --images."))


def _show(evaluation: ExportEvaluation, form: str) -> None:
    print_problems(evaluation.problems)
    if evaluation.learnt:
        what = tr_n(
            "The model was trained on {learned:,} of this {count:,} image, so its accuracy is optimistic.",
            "The model was trained on {learned:,} of these {count:,} images, so its accuracy is optimistic.",
            evaluation.images,
            learned=evaluation.learnt,
        )
        print_message(what, hint=tr("The loss is still meaningful: both variants are evaluated on the same images."))
    tables.print_result(form, lambda: _as_json(evaluation), lambda: [_table(evaluation), Text(_split_text(evaluation))])


def _split_text(evaluation: ExportEvaluation) -> str:
    values = {"calibration": evaluation.calibration, "evaluation": evaluation.images}
    if evaluation.is_as_trained:
        return tr(
            "Images: {calibration:,} for calibration, {evaluation:,} for evaluation (the split of its training).",
            **values,
        )
    return tr(
        "Images: {calibration:,} for calibration, {evaluation:,} for evaluation (a new random split: the model was not "
        "trained on this folder).",
        **values,
    )


def _as_json(evaluation: ExportEvaluation) -> dict[str, Any]:
    content = asdict(evaluation)
    del content["problems"]
    return content | {"chosen": None if evaluation.chosen is None else evaluation.chosen.name}


def _table(evaluation: ExportEvaluation) -> Table:
    counts = tr("only exact correct"), tr("only variant correct"), "p", tr("predictions differ")
    columns = tr("accuracy"), tr("loss"), *counts, tr("cosine"), tr("ms per image"), tr("size")
    rows = []
    for variant in (evaluation.exact, *evaluation.forms):
        name = tr("{name} (written)", name=variant.name) if variant == evaluation.chosen else variant.name
        rows.append((name, *_cells(variant, len(columns), is_exact=variant is evaluation.exact)))
    return tables.table((tr("variant"), *columns), rows, numbers=columns)


def _cells(variant: VariantMetrics, columns: int, *, is_exact: bool) -> tuple[str, ...]:
    costs = f"{variant.milliseconds:.1f}", tables.size(variant.size_bytes)
    if is_exact:
        return (percent(variant.accuracy), *("",) * (columns - 3), *costs)
    counts = f"{variant.only_exact_right:,}", f"{variant.only_it_right:,}"
    differs = f"{variant.p:.2g}", f"{variant.named_otherwise:,}", f"{variant.cosine:.4f}"
    return (percent(variant.accuracy), percent(variant.lost), *counts, *differs, *costs)
