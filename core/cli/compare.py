"""`fovea models compare`: how two models, or two versions of one, differ on a folder of photos, labelled or not."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from core.base import paths, settings
from core.base.errors import UsageError
from core.base.progress import CancelToken
from core.cli import tables
from core.cli.problems import tell_problems
from core.cli.progress import stages
from core.cli.streams import results_to, tell
from core.datasets.problems import quantity
from core.engine.feature_store import FeatureStore
from core.evaluation.comparison import Agreement, Comparison, Contest, Flip, compare_by_paths, contestant
from core.evaluation.metrics import Evaluation
from core.evaluation.plots import percent
from core.models.library import InstalledModel, open_library

_FLIPS_SHOWN: Final = 20


def run(arguments: argparse.Namespace) -> int:
    """Compare two models; 0 if every image could be read, 1 if some could not.

    Raises:
        FoveaError: nothing could be compared.
        ReaderGoneError: nobody reads standard output any more.
    """
    library = open_library()
    models = library.find(arguments.a), library.find(arguments.b)
    if models[0] == models[1]:
        raise UsageError(f"{arguments.a!r} and {arguments.b!r} are the same.", hint="Name two models or versions.")
    found = _compare(arguments.folder, *models)
    for failure in found.failures:
        tell(failure.message, hint=failure.hint)
    names = _name(models[0]), _name(models[1])
    if isinstance(found, Contest):
        tell_problems(found.problems)
        _warn(found, *names)
    with results_to(None) as stream:
        if arguments.format == "json":
            stream.write(json.dumps(_as_json(found, *models, arguments.folder), indent=2) + "\n")
        else:
            tables.show(stream, *_tables(found, *names))
    return 1 if found.failures else 0


def _compare(folder: Path, a: InstalledModel, b: InstalledModel) -> Contest | Agreement:
    chosen = settings.load(paths.settings_file())
    first, second = (contestant(model, chosen.provider, chosen.precision) for model in (a, b))
    with FeatureStore() as store, stages() as report:
        return compare_by_paths([folder], first, second, store, report=report, token=CancelToken())


def _name(model: InstalledModel) -> str:
    return model.name if model.shipped else f"{model.name}@{model.version}"


def _warn(contest: Contest, a: str, b: str) -> None:
    counts = {a: contest.learnt_a, b: contest.learnt_b}
    told = " and ".join(f"{name!r} on {count:,}" for name, count in counts.items() if count)
    if told:
        what = f"Models were trained on some of these {quantity(contest.a.images)}, or on copies: {told}."
        tell(what, hint="On those they are optimistic. Compare them on images that neither was trained on.")


def _as_json(found: Contest | Agreement, a: InstalledModel, b: InstalledModel, folder: Path) -> dict[str, Any]:
    failures = [
        {"path": str(one.path), "error": {"kind": one.kind, "message": one.message, "hint": one.hint}}
        for one in found.failures
    ]
    content = {"folder": str(folder), "labelled": isinstance(found, Contest)}
    content |= _contest(found, a, b) if isinstance(found, Contest) else _agreement(found, a, b)
    return content | {"failures": failures}


def _contest(contest: Contest, a: InstalledModel, b: InstalledModel) -> dict[str, Any]:
    found = contest.comparison
    return {
        "images": contest.a.images,
        "a": _side(a, contest.a, contest.learnt_a),
        "b": _side(b, contest.b, contest.learnt_b),
        "only_a_right": found.only_a_right,
        "only_b_right": found.only_b_right,
        "p": round(found.p, 6),
        "verdict": _verdict(found),
        "flips": [_flip(flip) for flip in found.flips],
        "problems": [{"kind": one.kind, "message": one.message, "hint": one.hint} for one in contest.problems],
    }


def _agreement(found: Agreement, a: InstalledModel, b: InstalledModel) -> dict[str, Any]:
    sides = {side: {"model": model.name, "version": model.version} for side, model in (("a", a), ("b", b))}
    flips = [_flip(flip) for flip in found.flips]
    return {"images": found.images, **sides, "agreed": found.agreed, "flips": flips}


def _side(model: InstalledModel, evaluation: Evaluation, learnt: int | None) -> dict[str, Any]:
    return {
        "model": model.name,
        "version": model.version,
        "accuracy": round(evaluation.accuracy, 6),
        "accuracy_interval_95": [round(bound, 6) for bound in evaluation.interval],
        "learnt_from": learnt,
    }


def _flip(flip: Flip) -> dict[str, Any]:
    content = {key: round(value, 6) if isinstance(value, float) else value for key, value in asdict(flip).items()}
    return content | {"path": str(flip.path)}


def _verdict(found: Comparison) -> str:
    if not (found.only_a_right or found.only_b_right):
        return "They are right about the same images."
    return "The difference could be chance." if found.could_be_chance else "The difference is hardly chance."


def _tables(found: Contest | Agreement, a: str, b: str) -> Iterator[Table | Text]:
    flips = found.comparison.flips if isinstance(found, Contest) else found.flips
    yield _contest_facts(found, a, b) if isinstance(found, Contest) else _agreement_facts(found)
    if flips:
        yield Text()
        yield _flips(flips, a, b)


def _agreement_facts(found: Agreement) -> Table:
    made = tables.facts()
    made.add_row("images", f"{found.images:,}")
    made.add_row("named alike", f"{found.agreed:,} ({percent(found.agreed / found.images)})")
    made.add_row("named differently", f"{len(found.flips):,}")
    made.add_row("who is right", "nobody says what is on them in a way that both models know")
    return made


def _contest_facts(contest: Contest, a: str, b: str) -> Table:
    found = contest.comparison
    made = tables.facts()
    made.add_row("images", f"{contest.a.images:,}")
    for name, evaluation in ((a, contest.a), (b, contest.b)):
        low, high = map(percent, evaluation.interval)
        made.add_row(name, f"{percent(evaluation.accuracy)} right (95% interval {low} to {high})")
    made.add_row(f"only {a} right", f"{found.only_a_right:,}")
    made.add_row(f"only {b} right", f"{found.only_b_right:,}")
    made.add_row("named differently", f"{len(found.flips):,}")
    made.add_row("McNemar's test", f"p = {found.p:.2g}. {_verdict(found)}")
    return made


def _flips(flips: tuple[Flip, ...], a: str, b: str) -> Table:
    made = tables.table(("image", "class", a, f"{a} sure", b, f"{b} sure"), numbers=(f"{a} sure", f"{b} sure"))
    made.title = tables.cell("Named differently", "bold")
    for one in flips[:_FLIPS_SHOWN]:
        made.add_row(
            *map(tables.cell, (str(one.path), one.label or "")),
            _named(one.named_by_a, one.label),
            percent(one.confidence_a),
            _named(one.named_by_b, one.label),
            percent(one.confidence_b),
        )
    if len(flips) > _FLIPS_SHOWN:
        made.caption = tables.cell(f"and {len(flips) - _FLIPS_SHOWN:,} more, see --format json")
        made.caption_justify = "left"
    return made


def _named(named: str, label: str | None) -> Text:
    return tables.cell(named, "") if label is None else tables.cell(named, "green" if named == label else "red")
