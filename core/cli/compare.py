"""`fovea models compare`: compare two models, or two versions of one, on a folder of images, labelled or not."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from core import api
from core.api import scripts
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.text import percent
from core.cli import tables
from core.cli.problems import failure_json, print_failures, print_problems, problem_json
from core.cli.progress import stages
from core.cli.streams import print_message
from core.evaluation.metrics import rounded
from core.evaluation.values import Accuracy, Comparison, Disagreement, PairedComparison
from core.models.versions import split_reference

_MAX_SHOWN: Final = 20
_NAMES: Final = {"prediction_a": "named_by_a", "prediction_b": "named_by_b"}
"""The fields of an image that JSON names differently."""


def run(arguments: argparse.Namespace) -> int:
    """Compare two models; return 0 if all images could be read, 1 if some could not."""
    chosen, folder = scripts.load_settings(), arguments.folder
    with stages() as report:
        found = api.compare(
            arguments.a, arguments.b, (folder,), chosen.provider, chosen.precision, report=report, token=CancelToken()
        )
    print_failures(found.failures)
    print_problems(found.problems)
    _warn(found)
    tables.print_result(arguments.format, lambda: _as_json(found, folder), lambda: _tables(found))
    return 1 if found.failures else 0


def _warn(comparison: Comparison) -> None:
    for name, overlap in ((comparison.a, comparison.training_overlap_a), (comparison.b, comparison.training_overlap_b)):
        if overlap:
            what = tr_n(
                "{name!r} was trained on this {count:,} image, or on a copy, so its accuracy is optimistic.",
                "{name!r} was trained on {overlap:,} of these {count:,} images, or on copies, so its accuracy is "
                "optimistic.",
                comparison.images,
                name=name,
                overlap=overlap,
            )
            print_message(what, hint=tr("Compare the models on images that neither was trained on."))


def _as_json(found: Comparison, folder: Path) -> dict[str, Any]:
    paired, flips = found.labelled, {"flips": list(map(_flip, found.disagreements))}
    content: dict[str, Any] = {"folder": str(folder), "labelled": paired is not None, "images": found.images}
    content |= {"a": _model_json(found.a), "b": _model_json(found.b)}
    if paired:
        content["a"] |= _accuracy_json(paired.a, found.training_overlap_a)
        content["b"] |= _accuracy_json(paired.b, found.training_overlap_b)
        content |= {"only_a_right": paired.only_a_correct, "only_b_right": paired.only_b_correct}
        content |= {"p": rounded(paired.p), "verdict": _verdict(paired), **flips}
        content |= {"problems": list(map(problem_json, found.problems))}
    else:
        content |= {"agreed": found.images - found.disagreement_count, **flips}
    return content | {"failures": list(map(failure_json, found.failures))}


def _model_json(reference: str) -> dict[str, Any]:
    name, version = split_reference(reference)
    return {"model": name, "version": version or 0}  # built-in models have no other version


def _accuracy_json(accuracy: Accuracy, training_overlap: int | None) -> dict[str, Any]:
    known = {"accuracy": rounded(accuracy.fraction), "accuracy_interval_95": rounded(accuracy.interval)}
    return known | {"learnt_from": training_overlap}


def _flip(pair: Disagreement) -> dict[str, Any]:
    return {_NAMES.get(name, name): rounded(value) for name, value in asdict(pair).items()}


def _verdict(found: PairedComparison) -> str:
    if not (found.only_a_correct or found.only_b_correct):
        return tr("Both are correct on the same images.")
    if found.could_be_chance:
        return tr("The difference could be chance.")
    return tr("The difference is unlikely to be chance.")


def _tables(found: Comparison) -> Iterator[Table | Text]:
    yield _labelled_table(found, found.labelled) if found.labelled else _unlabelled_table(found)
    if found.disagreements:
        yield Text()
        yield _flips(found)


def _unlabelled_table(found: Comparison) -> Table:
    agreed = found.images - found.disagreement_count
    return tables.facts(
        [
            (tr("images"), f"{found.images:,}"),
            (tr("same prediction"), f"{agreed:,} ({percent(agreed / found.images)})"),
            (tr("different prediction"), f"{len(found.disagreements):,}"),
            (tr("accuracy"), tr("not available: no labels of classes that both models know")),
        ]
    )


def _labelled_table(found: Comparison, paired: PairedComparison) -> Table:
    return tables.facts(
        [
            (tr("images"), f"{found.images:,}"),
            (found.a, _accuracy_text(paired.a)),
            (found.b, _accuracy_text(paired.b)),
            (tr("only {name} correct", name=found.a), f"{paired.only_a_correct:,}"),
            (tr("only {name} correct", name=found.b), f"{paired.only_b_correct:,}"),
            (tr("different prediction"), f"{len(found.disagreements):,}"),
            (tr("McNemar's test"), f"p = {paired.p:.2g}. {_verdict(paired)}"),
        ]
    )


def _accuracy_text(known: Accuracy) -> str:
    low, high = map(percent, known.interval)
    accuracy = percent(known.fraction)
    return tr("{accuracy} correct (95% confidence interval: {low} to {high})", accuracy=accuracy, low=low, high=high)


def _flips(found: Comparison) -> Table:
    sure_a, sure_b = (tr("{name} confidence", name=name) for name in (found.a, found.b))
    columns = tr("image"), tr("class"), found.a, sure_a, found.b, sure_b
    rows = map(_flip_cells, found.disagreements[:_MAX_SHOWN])
    result = tables.table(columns, rows, numbers=(sure_a, sure_b), title=tr("Different predictions"))
    tables.limit_rows(result, len(found.disagreements), _MAX_SHOWN)
    return result


def _flip_cells(one: Disagreement) -> tuple[str | Text, ...]:
    a = _label_cell(one.prediction_a, one.label, unknown=one.unknown_a)
    b = _label_cell(one.prediction_b, one.label, unknown=one.unknown_b)
    return str(one.path), one.label or "", a, percent(one.confidence_a), b, percent(one.confidence_b)


def _label_cell(predicted: str, label: str | None, *, unknown: bool) -> Text:
    shown = tr("{label}?", label=predicted) if unknown else predicted
    return tables.cell(shown, "" if label is None else "green" if predicted == label else "red")
