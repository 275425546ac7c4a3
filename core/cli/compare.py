"""`fovea models compare`: how two models, or two versions of one, differ on a folder of photos, labelled or not."""

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
from core.base.progress import CancelToken
from core.cli import tables
from core.cli.problems import print_problems
from core.cli.progress import stages
from core.cli.streams import print_message, results_to
from core.datasets.problems import pluralize
from core.engine.feature_store import FeatureStore
from core.evaluation.comparison import (
    Disagreement,
    LabelledComparison,
    PairedComparison,
    UnlabelledComparison,
    compare_by_paths,
    compared_model,
)
from core.evaluation.metrics import Evaluation
from core.evaluation.plots import percent
from core.models.library import InstalledModel, open_library

_MAX_SHOWN: Final = 20


def run(arguments: argparse.Namespace) -> int:
    """Compare two models; 0 if every image could be read, 1 if some could not.

    Raises:
        FoveaError: nothing could be compared.
        BrokenPipeOutputError: the reader of standard output has gone.
    """
    library = open_library()
    models = library.find(arguments.a), library.find(arguments.b)
    if models[0] == models[1]:
        raise UsageError(f"{arguments.a!r} and {arguments.b!r} are the same.", hint="Name two models or versions.")
    found = _compare(arguments.folder, *models)
    for failure in found.failures:
        print_message(failure.message, hint=failure.hint)
    names = _name(models[0]), _name(models[1])
    if isinstance(found, LabelledComparison):
        print_problems(found.problems)
        _warn(found, *names)
    with results_to(None) as stream:
        if arguments.format == "json":
            stream.write(json.dumps(_as_json(found, *models, arguments.folder), indent=2) + "\n")
        else:
            tables.show(stream, *_tables(found, *names))
    return 1 if found.failures else 0


def _compare(folder: Path, a: InstalledModel, b: InstalledModel) -> LabelledComparison | UnlabelledComparison:
    chosen = settings.load(paths.settings_file())
    first, second = (compared_model(model, chosen.provider, chosen.precision) for model in (a, b))
    with FeatureStore() as store, stages() as report:
        return compare_by_paths([folder], first, second, store, report=report, token=CancelToken())


def _name(model: InstalledModel) -> str:
    return model.name if model.is_builtin else f"{model.name}@{model.version}"


def _warn(comparison: LabelledComparison, a: str, b: str) -> None:
    counts = {a: comparison.training_overlap_a, b: comparison.training_overlap_b}
    text = " and ".join(f"{name!r} on {count:,}" for name, count in counts.items() if count)
    if text:
        what = f"Models were trained on some of these {pluralize(comparison.a.images)}, or on copies: {text}."
        print_message(what, hint="On those they are optimistic. Compare them on images that neither was trained on.")


def _as_json(
    found: LabelledComparison | UnlabelledComparison, a: InstalledModel, b: InstalledModel, folder: Path
) -> dict[str, Any]:
    failures = [
        {"path": str(one.path), "error": {"kind": one.kind, "message": one.message, "hint": one.hint}}
        for one in found.failures
    ]
    content = {"folder": str(folder), "labelled": isinstance(found, LabelledComparison)}
    content |= _labelled_json(found, a, b) if isinstance(found, LabelledComparison) else _unlabelled_json(found, a, b)
    return content | {"failures": failures}


def _labelled_json(comparison: LabelledComparison, a: InstalledModel, b: InstalledModel) -> dict[str, Any]:
    found = comparison.comparison
    return {
        "images": comparison.a.images,
        "a": _side(a, comparison.a, comparison.training_overlap_a),
        "b": _side(b, comparison.b, comparison.training_overlap_b),
        "only_a_right": found.only_a_correct,
        "only_b_right": found.only_b_correct,
        "p": round(found.p, 6),
        "verdict": _verdict(found),
        "flips": [_flip(pair) for pair in found.disagreements],
        "problems": [{"kind": one.kind, "message": one.message, "hint": one.hint} for one in comparison.problems],
    }


def _unlabelled_json(found: UnlabelledComparison, a: InstalledModel, b: InstalledModel) -> dict[str, Any]:
    sides = {side: {"model": model.name, "version": model.version} for side, model in (("a", a), ("b", b))}
    pairs = [_flip(pair) for pair in found.disagreements]
    return {"images": found.images, **sides, "agreed": found.agreed, "flips": pairs}


def _side(model: InstalledModel, evaluation: Evaluation, training_overlap: int | None) -> dict[str, Any]:
    return {
        "model": model.name,
        "version": model.version,
        "accuracy": round(evaluation.accuracy, 6),
        "accuracy_interval_95": [round(bound, 6) for bound in evaluation.interval],
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
        return "They are right about the same images."
    return "The difference could be chance." if found.could_be_chance else "The difference is hardly chance."


def _tables(found: LabelledComparison | UnlabelledComparison, a: str, b: str) -> Iterator[Table | Text]:
    pairs = found.comparison.disagreements if isinstance(found, LabelledComparison) else found.disagreements
    yield _labelled_table(found, a, b) if isinstance(found, LabelledComparison) else _unlabelled_table(found)
    if pairs:
        yield Text()
        yield _flips(pairs, a, b)


def _unlabelled_table(found: UnlabelledComparison) -> Table:
    result = tables.facts()
    result.add_row("images", f"{found.images:,}")
    result.add_row("named alike", f"{found.agreed:,} ({percent(found.agreed / found.images)})")
    result.add_row("named differently", f"{len(found.disagreements):,}")
    result.add_row("who is right", "nobody says what is on them in a way that both models know")
    return result


def _labelled_table(comparison: LabelledComparison, a: str, b: str) -> Table:
    found = comparison.comparison
    result = tables.facts()
    result.add_row("images", f"{comparison.a.images:,}")
    for name, evaluation in ((a, comparison.a), (b, comparison.b)):
        low, high = map(percent, evaluation.interval)
        result.add_row(name, f"{percent(evaluation.accuracy)} right (95% interval {low} to {high})")
    result.add_row(f"only {a} right", f"{found.only_a_correct:,}")
    result.add_row(f"only {b} right", f"{found.only_b_correct:,}")
    result.add_row("named differently", f"{len(found.disagreements):,}")
    result.add_row("McNemar's test", f"p = {found.p:.2g}. {_verdict(found)}")
    return result


def _flips(pairs: tuple[Disagreement, ...], a: str, b: str) -> Table:
    result = tables.table(("image", "class", a, f"{a} sure", b, f"{b} sure"), numbers=(f"{a} sure", f"{b} sure"))
    result.title = tables.cell("Named differently", "bold")
    for one in pairs[:_MAX_SHOWN]:
        result.add_row(
            *map(tables.cell, (str(one.path), one.label or "")),
            _label_cell(one.prediction_a, one.label),
            percent(one.confidence_a),
            _label_cell(one.prediction_b, one.label),
            percent(one.confidence_b),
        )
    if len(pairs) > _MAX_SHOWN:
        result.caption = tables.cell(f"and {len(pairs) - _MAX_SHOWN:,} more, see --format json")
        result.caption_justify = "left"
    return result


def _label_cell(named: str, label: str | None) -> Text:
    return tables.cell(named, "") if label is None else tables.cell(named, "green" if named == label else "red")
