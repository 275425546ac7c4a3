"""The output formats of `fovea classify`: a table to read, and those of reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from rich.text import Text

from core.base.i18n import tr
from core.base.progress import CancelToken
from core.cli import tables
from core.cli.streams import is_terminal, replaced_file, results_to
from core.jobs.cluster.addresses import Address, open_atomic
from core.outputs.reports.columns import ReportRow
from core.outputs.reports.plan import ReportOptions
from core.outputs.reports.write import Writer, open_text_writer, open_writer
from core.prediction import Failure, Outcome, Prediction

_ROWS_AT_ONCE: Final = 1000


def _headings() -> tuple[str, ...]:
    return tr("image"), tr("prediction"), tr("confidence"), tr("ms"), tr("alternatives")


@contextmanager
def open_results(plan: ReportOptions | None, output: Path | None, others: Sequence[str] = ()) -> Iterator[Writer]:
    """Open a writer of outcomes; everything is written once the block ends without an error.

    The output is a file or an address, replaced atomically, or standard output, which takes text only. Without a plan
    it is a table to read, with a column for each further model in `others`. Raises StorageError if the file cannot be
    written; UsageError if the format needs a library that is not installed.
    """
    if plan is None:
        with results_to(output) as text:
            result = ResultTable(text, others)
            yield result
            result.close()
    elif output is None:
        with results_to(None) as text, open_text_writer(text, plan, lambda _: None, CancelToken()) as writer:
            yield writer
    else:
        is_remote, name = isinstance(output, Address), f"results.{plan.format.value}"
        with (
            open_atomic(str(output), name) if is_remote else replaced_file(output) as stream,
            open_writer(stream, plan, lambda _: None, CancelToken()) as writer,
        ):
            yield writer


class ResultTable:
    """A table to read; written in parts, as wide as the widest row so far, so that memory stays bounded."""

    def __init__(self, stream: TextIO, others: Sequence[str] = ()) -> None:
        """`others` are the names of further models, each with a column."""
        self._stream = stream
        self._rows: list[tuple[Text, ...]] = []
        self._headings = (*_headings(), *others)
        self._widths = [len(name) for name in self._headings]
        self._has_begun = False

    def add(self, row: ReportRow) -> None:
        """Add one row; a terminal gets all rows at the end, after the progress bar."""
        outcome = row.outcome
        cells = _failure_cells(outcome) if isinstance(outcome, Failure) else _prediction_cells(outcome)
        cells += tuple(map(_other_cell, row.others))
        cells += (Text(),) * (len(self._headings) - len(cells))
        self._rows.append(cells)
        self._widths = [max(width, cell.cell_len) for width, cell in zip(self._widths, cells, strict=True)]
        if len(self._rows) >= _ROWS_AT_ONCE and not is_terminal(self._stream):
            self.close()

    def close(self) -> None:
        """Write the rows added so far."""
        confidence, milliseconds = self._headings[2:4]
        result = tables.table(self._headings, self._rows, numbers=(confidence, milliseconds))
        result.show_header = not self._has_begun
        if not is_terminal(self._stream):
            for column, width in zip(result.columns, self._widths, strict=True):
                column.min_width = width
        tables.show(self._stream, result)
        self._has_begun = True
        self._rows.clear()


def _prediction_cells(outcome: Prediction) -> tuple[Text, ...]:
    return (
        tables.cell(str(outcome.path)),
        tables.cell(_answer(outcome), "yellow" if outcome.unknown else "bold"),
        tables.cell(f"{outcome.best.probability:.1%}"),
        tables.cell(f"{outcome.timing.total_ms:.0f}"),
        _runner_up_cell(outcome),
    )


def _other_cell(outcome: Outcome) -> Text:
    if isinstance(outcome, Failure):
        return Text()
    label = _answer(outcome) if outcome.unknown or outcome.labels else outcome.best.label
    return tables.cell(f"{label} {outcome.best.probability:.1%}", "yellow" if outcome.unknown else "")


def _answer(outcome: Prediction) -> str:
    if outcome.unknown:
        text = tr("no class (closest: {label})") if outcome.labels is not None else tr("unknown (closest: {label})")
        return text.format(label=outcome.best.label)
    return outcome.answer


def _runner_up_cell(outcome: Prediction) -> Text:
    """Warnings, or what is in the image, the prediction for the whole image, and the next most likely classes."""
    if outcome.warnings:
        return tables.cell(" ".join(outcome.warnings), "yellow")
    whole, others = outcome.crop, ", ".join(f"{one.label} {one.probability:.0%}" for one in outcome.scores[1:])
    parts = [tr("found: {counts}", counts=outcome.counts)] if outcome.counts else []
    if whole:
        parts.append(tr("whole image: {label} {share:.0%}", label=whole.best.label, share=whole.best.probability))
    return tables.cell("; ".join([*parts, *filter(None, [others])]), "dim")


def _failure_cells(outcome: Failure) -> tuple[Text, ...]:
    message = tables.cell(f"{outcome.message} {outcome.hint}", "red")
    return (tables.cell(str(outcome.path)), tables.cell(tr("failed"), "red"), Text(), Text(), message)
