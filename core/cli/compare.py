"""`fovea models compare`: compare two models, or two versions of one, on a folder of images, labelled or not."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from core.base import paths, settings
from core.base.errors import UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.text import percent
from core.cli import tables
from core.cli.problems import print_problems
from core.cli.progress import stages
from core.cli.streams import print_message, results_to
from core.engine.feature_store import FeatureStore
from core.evaluation.comparison import compare_by_paths, compared_model
from core.evaluation.values import Accuracy, Comparison, Disagreement, PairedComparison
from core.models.library import InstalledModel, open_library

_MAX_SHOWN: Final = 20


def run(arguments: argparse.Namespace) -> int:
    """Compare two models; return 0 if all images could be read, 1 if some could not.

    Raises:
        FoveaError: nothing could be compared.
        BrokenPipeOutputError: the reader of standard output has gone.
    """
    library = open_library()
    models = library.find(arguments.a), library.find(arguments.b)
    if models[0] == models[1]:
        what = tr("{a!r} and {b!r} are the same model.", a=arguments.a, b=arguments.b)
        raise UsageError(what, hint=tr("Choose two different models or versions."))
    found = _compare(arguments.folder, *models)
    for failure in found.failures:
        print_message(failure.message, hint=failure.hint)
    names = _name(models[0]), _name(models[1])
    print_problems(found.problems)
    _warn(found, *names)
    with results_to(None) as stream:
        if arguments.format == "json":
            stream.write(json.dumps(_as_json(found, *models, arguments.folder), indent=2) + "\n")
        else:
            tables.show(stream, *_tables(found, *names))
    return 1 if found.failures else 0


def _compare(folder: Path, a: InstalledModel, b: InstalledModel) -> Comparison:
    chosen = settings.load(paths.settings_file())
    first, second = (compared_model(model, chosen.provider, chosen.precision) for model in (a, b))
    with FeatureStore() as store, stages() as report:
        return compare_by_paths([folder], first, second, store, report=report, token=CancelToken())


def _name(model: InstalledModel) -> str:
    return model.name if model.is_builtin else f"{model.name}@{model.version}"


def _warn(comparison: Comparison, a: str, b: str) -> None:
    for name, overlap in ((a, comparison.training_overlap_a), (b, comparison.training_overlap_b)):
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


def _as_json(found: Comparison, a: InstalledModel, b: InstalledModel, folder: Path) -> dict[str, Any]:
    failures = [
        {"path": str(one.path), "error": {"kind": one.kind, "message": one.message, "hint": one.hint}}
        for one in found.failures
    ]
    content = {"folder": str(folder), "labelled": found.labelled is not None, "images": found.images}
    content |= _labelled_json(found, found.labelled, a, b) if found.labelled else _unlabelled_json(found, a, b)
    return content | {"failures": failures}


def _labelled_json(found: Comparison, paired: PairedComparison, a: InstalledModel, b: InstalledModel) -> dict[str, Any]:
    return {
        "a": _side(a, paired.a, found.training_overlap_a),
        "b": _side(b, paired.b, found.training_overlap_b),
        "only_a_right": paired.only_a_correct,
        "only_b_right": paired.only_b_correct,
        "p": round(paired.p, 6),
        "verdict": _verdict(paired),
        "flips": [_flip(pair) for pair in found.disagreements],
        "problems": [{"kind": one.kind, "message": one.message, "hint": one.hint} for one in found.problems],
    }


def _unlabelled_json(found: Comparison, a: InstalledModel, b: InstalledModel) -> dict[str, Any]:
    sides = {side: {"model": model.name, "version": model.version} for side, model in (("a", a), ("b", b))}
    pairs = [_flip(pair) for pair in found.disagreements]
    return {**sides, "agreed": found.images - found.disagreement_count, "flips": pairs}


def _side(model: InstalledModel, accuracy: Accuracy, training_overlap: int | None) -> dict[str, Any]:
    return {
        "model": model.name,
        "version": model.version,
        "accuracy": round(accuracy.fraction, 6),
        "accuracy_interval_95": [round(bound, 6) for bound in accuracy.interval],
        "learnt_from": training_overlap,
    }


def _flip(pair: Disagreement) -> dict[str, Any]:
    return {
        "path": str(pair.path),
        "label": pair.label,
        "named_by_a": pair.prediction_a,
        "confidence_a": round(pair.confidence_a, 6),
        "named_by_b": pair.prediction_b,
        "confidence_b": round(pair.confidence_b, 6),
        "margin": round(pair.margin, 6),
    }


def _verdict(found: PairedComparison) -> str:
    if not (found.only_a_correct or found.only_b_correct):
        return tr("Both are correct on the same images.")
    if found.could_be_chance:
        return tr("The difference could be chance.")
    return tr("The difference is unlikely to be chance.")


def _tables(found: Comparison, a: str, b: str) -> Iterator[Table | Text]:
    yield _labelled_table(found, found.labelled, a, b) if found.labelled else _unlabelled_table(found)
    if found.disagreements:
        yield Text()
        yield _flips(found.disagreements, a, b)


def _unlabelled_table(found: Comparison) -> Table:
    result, agreed = tables.facts(), found.images - found.disagreement_count
    result.add_row(tr("images"), f"{found.images:,}")
    result.add_row(tr("same prediction"), f"{agreed:,} ({percent(agreed / found.images)})")
    result.add_row(tr("different prediction"), f"{len(found.disagreements):,}")
    result.add_row(tr("accuracy"), tr("not available: no labels of classes that both models know"))
    return result


def _labelled_table(found: Comparison, paired: PairedComparison, a: str, b: str) -> Table:
    result = tables.facts()
    result.add_row(tr("images"), f"{found.images:,}")
    for name, known in ((a, paired.a), (b, paired.b)):
        low, high = map(percent, known.interval)
        accuracy = percent(known.fraction)
        text = tr(
            "{accuracy} correct (95% confidence interval: {low} to {high})", accuracy=accuracy, low=low, high=high
        )
        result.add_row(name, text)
    result.add_row(tr("only {name} correct", name=a), f"{paired.only_a_correct:,}")
    result.add_row(tr("only {name} correct", name=b), f"{paired.only_b_correct:,}")
    result.add_row(tr("different prediction"), f"{len(found.disagreements):,}")
    result.add_row(tr("McNemar's test"), f"p = {paired.p:.2g}. {_verdict(paired)}")
    return result


def _flips(pairs: tuple[Disagreement, ...], a: str, b: str) -> Table:
    sure_a, sure_b = (tr("{name} confidence", name=name) for name in (a, b))
    result = tables.table((tr("image"), tr("class"), a, sure_a, b, sure_b), numbers=(sure_a, sure_b))
    result.title = tables.cell(tr("Different predictions"), "bold")
    for one in pairs[:_MAX_SHOWN]:
        result.add_row(
            *map(tables.cell, (str(one.path), one.label or "")),
            _label_cell(one.prediction_a, one.label),
            percent(one.confidence_a),
            _label_cell(one.prediction_b, one.label),
            percent(one.confidence_b),
        )
    if len(pairs) > _MAX_SHOWN:
        more = tr("and {count:,} more; use --format json to list all", count=len(pairs) - _MAX_SHOWN)
        result.caption = tables.cell(more)
        result.caption_justify = "left"
    return result


def _label_cell(predicted: str, label: str | None) -> Text:
    return tables.cell(predicted, "" if label is None else "green" if predicted == label else "red")
