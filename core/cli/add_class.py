"""`fovea models add-class`: teach a model a class by images."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from core.api import scripts
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.text import percent
from core.cli import tables
from core.cli.problems import failure_json, print_failures
from core.cli.progress import stages
from core.cli.streams import print_message
from core.training.values import RetrainingResult


def run(arguments: argparse.Namespace) -> int:
    """Teach the class; return 0 if all images were used, and 1 if some could not be."""
    with stages() as report:
        result = scripts.add_class(
            arguments.name, arguments.label, arguments.images, report=report, token=CancelToken()
        )
    print_failures(result.skipped)
    tables.print_result(arguments.format, lambda: _as_json(result), lambda: [tables.facts(_facts(result))])
    values = {"version": result.version, "name": result.name}
    hint = tr("To undo this, run `fovea models rollback {name}`.", name=result.name)
    print_message(tr("{name!r} now uses version {version}.", **values), hint=hint)
    return 1 if result.skipped else 0


def _as_json(result: RetrainingResult) -> dict[str, Any]:
    tests = result.tests and result.tests.result
    return {
        "name": result.name,
        "version": result.version,
        "from_version": result.from_version,
        "images": len(result.corrections),
        "correct": sum(one.is_correct for one in result.corrections),
        "test_images": tests.a.images if tests else 0,
        "accuracy_before": tests.a.fraction if tests else None,
        "accuracy": tests.b.fraction if tests else None,
        "notes": list(result.notes),
        "failures": list(map(failure_json, result.skipped)),
        "seconds": round(result.seconds, 2),
    }


def _facts(result: RetrainingResult) -> Iterator[tuple[str, str]]:
    used, right = len(result.corrections), sum(one.is_correct for one in result.corrections)
    yield tr("model"), tr("{name}, version {version}", name=result.name, version=result.version)
    labelled = tr_n("{count:,} image, {right:,} right now", "{count:,} images, {right:,} right now", used, right=right)
    yield tr("labelled"), labelled
    if result.tests is not None:
        before, now = result.tests.result.a, result.tests.result.b
        yield tr("test images"), f"{now.images:,}"
        yield (
            tr("accuracy"),
            tr("{after}, {before} before", after=percent(now.fraction), before=percent(before.fraction)),
        )
    for note in result.notes:
        yield tr("note"), note
