"""The tables of an evaluation of a multi-label model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from core.base.i18n import tr, tr_n
from core.base.text import percent
from core.cli import tables
from core.evaluation.multi_label_values import ClassSuspect, MultiLabelClass, MultiLabelEvaluation

_MAX_MISTAKES: Final = 10


def multi_label_tables(evaluation: MultiLabelEvaluation) -> Iterator[Table | Text]:
    """The tables, with empty lines between them."""
    yield _summary(evaluation)
    yield Text()
    yield _per_class(evaluation)
    if evaluation.mistakes:
        yield Text()
        yield _mistakes(evaluation)


def _summary(evaluation: MultiLabelEvaluation) -> Table:
    exact = tables.with_interval(evaluation.exact_match, evaluation.interval)
    return tables.facts(
        [
            (tr("images"), f"{evaluation.images:,}"),
            (tr("mean average precision"), percent(evaluation.mean_average_precision)),
            (tr("F1 of all decisions"), percent(evaluation.micro_f1)),
            (tr("mean F1 of the classes"), percent(evaluation.macro_f1)),
            (tr("all classes right"), exact),
            (tr("wrong decisions"), percent(evaluation.hamming_loss)),
            (tr("log loss"), f"{evaluation.log_loss:.4f}"),
            (tr("calibration error"), percent(evaluation.ece)),
            (tr("temperature"), f"{evaluation.temperature:.4g}"),
        ]
    )


def _per_class(evaluation: MultiLabelEvaluation) -> Table:
    names = tr("threshold"), tr("precision"), tr("recall"), tr("F1"), tr("average precision"), tr("images")
    return tables.table((tr("class"), *names), map(_class_cells, evaluation.per_class), numbers=names)


def _class_cells(one: MultiLabelClass) -> tuple[str | Text, ...]:
    fractions = one.threshold, one.precision, one.recall, one.f1, one.average_precision
    return tables.cell(one.label, "bold"), *map(percent, fractions), f"{one.support:,}"


def _mistakes(evaluation: MultiLabelEvaluation) -> Table:
    columns = tr("image"), tr("classes"), tr("missed"), tr("wrongly predicted")
    rows = (
        (str(one.path), ", ".join(one.labels), tables.cell(", ".join(one.missed), "red"),
         tables.cell(", ".join(one.added), "red"))
        for one in evaluation.mistakes[:_MAX_MISTAKES]
    )  # fmt: skip
    return tables.table(columns, rows, title=tr("Worst mistakes"))


def class_suspects_table(suspects: Sequence[ClassSuspect], most: int) -> Table:
    """The classes that are most likely missing or wrong; in practice some of these labels are right."""
    column = tr("probability")
    rows = (
        (
            str(one.path),
            tables.cell(one.label, "red"),
            tr("labelled, but not predicted") if one.is_given else tr("predicted, but not labelled"),
            percent(one.probability),
        )
        for one in suspects[:most]
    )
    title = tr_n(
        "{count:,} class of an image to check (cross-validation disagrees)",
        "{count:,} classes of images to check (cross-validation disagrees), the most likely errors first",
        len(suspects),
    )
    result = tables.table((tr("image"), tr("class"), tr("label"), column), rows, numbers=(column,), title=title)
    tables.limit_rows(result, len(suspects), most)
    return result
