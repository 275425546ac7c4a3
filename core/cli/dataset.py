"""`fovea dataset check`: what is probably wrong with a folder of labelled images."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from core.api import scripts
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.text import percent
from core.cli import tables
from core.cli.multi_label_tables import class_suspects_table
from core.cli.problems import failure_json, print_failures, print_problems, problem_json
from core.cli.progress import stages
from core.cli.train_arguments import label_source
from core.datasets.problems import FolderError, ProblemKind, summarize
from core.evaluation.metrics import prediction_json
from core.evaluation.multi_label import suspect_json
from core.evaluation.values import LabelledPrediction
from core.training.values import DatasetCheck

_MAX_SHOWN: Final = 30


def run(arguments: argparse.Namespace) -> int:
    """Check a folder; return 0 if all its images were checked, 1 if some could not be read."""
    try:
        with stages() as report:
            source = label_source(arguments)
            found = scripts.check_dataset(
                arguments.folder, source, arguments.labels, report=report, token=CancelToken()
            )
    except FolderError as error:
        print_problems(problem for problem in error.problems if not problem.is_fatal)
        raise
    print_failures(found.failures)
    tables.print_result(arguments.format, lambda: _as_json(found), lambda: _tables(found))
    is_unreadable = any(problem.kind is ProblemKind.UNREADABLE for problem in found.problems)
    return 1 if found.failures or is_unreadable else 0


def _as_json(found: DatasetCheck) -> dict[str, Any]:
    return {
        "folder": str(found.folder),
        "classes": list(found.classes),
        "images": found.images,
        "checked": found.checked,
        "backbone": found.backbone,
        "computed": found.computed,
        "label_errors": [*map(prediction_json, found.label_errors), *map(suspect_json, found.class_suspects)],
        "problems": [problem_json(one) | {"paths": one.paths} for one in found.problems],
        "failures": [failure_json(one) for one in found.failures],
    }


def _tables(found: DatasetCheck) -> Iterator[RenderableType]:
    yield tables.facts(
        [
            (tr("images"), f"{found.images:,}"),
            (tr("classes"), f"{len(found.classes):,}"),
            (tr("labels checked"), f"{found.checked:,}" if found.checked else tr("none: too few images")),
            (tr("backbone"), found.backbone),
        ]
    )
    yield Text()
    if found.class_suspects:
        yield class_suspects_table(found.class_suspects, _MAX_SHOWN)
    else:
        yield _label_errors(found.label_errors) if found.label_errors else Text(tr("No label looks wrong."))
    if found.problems:
        rows = ((one.message, one.hint) for one in summarize(found.problems))
        yield Text()
        yield tables.table((tr("problem"), tr("what to do")), rows)


def _label_errors(suspects: tuple[LabelledPrediction, ...]) -> RenderableType:
    """The images whose label is most likely wrong; in practice some of these labels are right."""
    numbers = tr("label's probability"), tr("prediction's")
    rows = (
        (str(one.path), one.label, tables.cell(one.predicted, "red"), percent(one.probability), percent(one.confidence))
        for one in suspects[:_MAX_SHOWN]
    )
    title = tr_n(
        "{count:,} label to check (cross-validation disagrees)",
        "{count:,} labels to check (cross-validation disagrees), the most likely errors first",
        len(suspects),
    )
    result = tables.table((tr("image"), tr("label"), tr("prediction"), *numbers), rows, numbers=numbers, title=title)
    tables.limit_rows(result, len(suspects), _MAX_SHOWN)
    return result
