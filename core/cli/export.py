"""`fovea models export`: a model as one file for other programs, and what it lost on the way."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from core.base.errors import UsageError
from core.base.progress import CancelToken
from core.cli import tables
from core.cli.problems import print_problems
from core.cli.progress import stages
from core.cli.streams import print_message, results_to
from core.datasets.problems import pluralize
from core.evaluation.plots import percent
from core.exporting.export import export_model
from core.exporting.export_evaluation import AccuracyLossError, ExportEvaluation, VariantMetrics
from core.exporting.formats import ExportFormat
from core.models.library import Library
from core.models.weight_storage import Storage

_ONNX, _LITERT = ".onnx", ".tflite"
_COMPARED: Final = ("accuracy", "lost", "only exact right", "only it right", "p", "named otherwise", "cosine")
_COLUMNS: Final = (*_COMPARED, "ms per image", "size")


def run(library: Library, arguments: argparse.Namespace) -> None:
    """Write a model as one file, and print what it loses in 8 bits.

    Raises:
        FoveaError: nothing was written; what was there before is unharmed.
        BrokenPipeOutputError: the reader of standard output has gone.
    """
    file: Path = arguments.file
    storage = None if arguments.storage is None else Storage(arguments.storage)
    _check(file, storage, arguments.images)
    model, format_ = library.find(arguments.name), _format(file, storage)
    try:
        with stages() as report:
            evaluation = export_model(
                model, file, format_, arguments.images, arguments.most_lost, report=report, token=CancelToken()
            )
    except AccuracyLossError as error:
        _show(error.evaluation, as_json=arguments.format == "json")
        raise
    if evaluation is not None:
        _show(evaluation, as_json=arguments.format == "json")
    print_message(f"{arguments.name!r} is written to {str(file)!r} ({tables.size(file.stat().st_size)}).")


def _check(file: Path, storage: Storage | None, images: Path | None) -> None:
    kind = file.suffix.lower()
    if kind not in (_ONNX, _LITERT):
        raise UsageError(f"{str(file)!r} is no name for a model.", hint="Choose a name that ends in .onnx or .tflite.")
    if storage is Storage.INT8 and images is None:
        what = "Which ranges 8 bits have to hold, and what they lose, is found out on images."
        raise UsageError(what, hint="Name a folder of labelled images with --images.")
    if images is not None and kind == _ONNX and storage is not Storage.INT8:
        raise UsageError("Images are looked at only for int8 and for .tflite.", hint="Leave --images out.")


def _format(file: Path, storage: Storage | None) -> ExportFormat:
    kind = "litert" if file.suffix.lower() == _LITERT else "onnx"
    return ExportFormat(kind if storage is None else f"{kind}-{storage}")


def _show(evaluation: ExportEvaluation, *, as_json: bool) -> None:
    print_problems(evaluation.problems)
    if evaluation.learnt:
        what = (
            f"Of these {pluralize(evaluation.images)}, the model learnt from {evaluation.learnt:,}; on them it is "
            "flattered."
        )
        print_message(what, hint="What it loses is told all the same: both forms are judged by the same images.")
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps(_as_json(evaluation), indent=2) + "\n")
            return
        how = (
            "those of its training"
            if evaluation.is_as_trained
            else "drawn anew: the model was not trained on this folder"
        )
        summary = f"{pluralize(evaluation.calibration)} to adjust with, {evaluation.images:,} to judge by, {how}."
        tables.show(stream, _table(evaluation), Text(summary))


def _as_json(evaluation: ExportEvaluation) -> dict[str, Any]:
    content = asdict(evaluation)
    del content["problems"]
    return content | {"chosen": None if evaluation.chosen is None else evaluation.chosen.name}


def _table(evaluation: ExportEvaluation) -> Table:
    result = tables.table(("form", *_COLUMNS), numbers=_COLUMNS)
    for form in (evaluation.exact, *evaluation.forms):
        name = f"{form.name} (written)" if form == evaluation.chosen else form.name
        result.add_row(*map(tables.cell, (name, *_cells(form, is_exact=form is evaluation.exact))))
    return result


def _cells(form: VariantMetrics, *, is_exact: bool) -> tuple[str, ...]:
    costs = f"{form.milliseconds:.1f}", tables.size(form.size_bytes)
    if is_exact:
        return (percent(form.accuracy), *("",) * (len(_COMPARED) - 1), *costs)
    counts = f"{form.only_exact_right:,}", f"{form.only_it_right:,}"
    differs = f"{form.p:.2g}", f"{form.named_otherwise:,}", f"{form.cosine:.4f}"
    return (percent(form.accuracy), percent(form.lost), *counts, *differs, *costs)
