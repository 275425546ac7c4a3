"""Writing reports of all formats to files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

from core.base.errors import StorageError, UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.storage import as_text, replacing, writing_reason
from core.base.text import display_path
from core.images.listing import IMAGE_SUFFIXES
from core.jobs.values import Row
from core.outputs.reports.columns import ReportRow
from core.outputs.reports.plan import ReportFormat, ReportOptions, check_suffix


class Writer(Protocol):
    """Writes images one by one."""

    def add(self, row: ReportRow) -> None:
        """Write the next image."""


def write_report(
    file: Path,
    rows: Iterable[ReportRow],
    plan: ReportOptions,
    *,
    total: int,
    report: ProgressCallback,
    token: CancelToken,
) -> int:
    """Write a report, replacing the file atomically, and return the number of images written.

    A link is kept, and its target replaced. Memory does not grow with the number of rows, except for what a page
    shows. `report_rows` has the rows of a job; `total` is for progress only.

    Raises:
        UsageError: the file is an image or has the suffix of another format, or a library for the format is not
            installed.
        StorageError: the file cannot be written.
    """
    check_not_image(file)
    check_suffix(file, plan.format)
    clock, count = ProgressReporter(tr("Writing report"), total, report), 0
    place = Path(os.path.realpath(file))
    with report_errors(file), replacing(place) as stream, open_writer(stream, plan, report, token) as writer:
        for row in rows:
            token.check()
            writer.add(row)
            clock.advance()
            count += 1
    return count


@contextlib.contextmanager
def report_errors(file: Path) -> Iterator[None]:
    """Raise a StorageError for an OSError while a report is written."""
    try:
        yield
    except OSError as error:
        what = tr("Couldn't write “{file}”: {reason}.", file=display_path(file), reason=writing_reason(file, error))
        hint = tr("Choose a file in a folder that you can write to, on a disk with free space.")
        raise StorageError(what, hint=hint) from error


def report_rows(rows: Iterable[Row]) -> Iterator[ReportRow]:
    """Convert the rows of a job, skipping those that are waiting."""
    return (result for row in rows if (result := ReportRow.of(row)) is not None)


@contextlib.contextmanager
def open_writer(
    stream: BinaryIO, plan: ReportOptions, report: ProgressCallback, token: CancelToken
) -> Iterator[Writer]:
    """Write a report of any format to a stream; it is complete when the block ends without an error.

    Raises UsageError if a library for the format is not installed; OSError if it cannot be written.
    """
    if plan.format.is_text:
        with as_text(stream) as text, open_text_writer(text, plan, report, token) as writer:
            yield writer
    elif plan.format is ReportFormat.XLSX:
        from core.outputs.reports.spreadsheet import spreadsheet

        with spreadsheet(stream, plan.columns) as sheets:
            yield sheets
    else:
        from core.outputs.reports.parquet import parquet

        with parquet(stream, plan.columns) as groups:
            yield groups


@contextlib.contextmanager
def open_text_writer(
    stream: TextIO, plan: ReportOptions, report: ProgressCallback, token: CancelToken
) -> Iterator[Writer]:
    """Write a report of a text format, like `open_writer`."""
    match plan.format:
        case ReportFormat.HTML:
            from core.outputs.reports.page import web_page

            with web_page(stream, plan, report=report, token=token) as page:
                yield page
        case ReportFormat.CSV:
            from core.outputs.reports.text import CommaSeparated

            mark, delimiter = plan.byte_order_mark, plan.delimiter
            yield CommaSeparated(stream, plan.columns, byte_order_mark=mark, delimiter=delimiter)
        case _:
            from core.outputs.reports.text import JsonLines

            yield JsonLines(stream, plan.columns)


def check_not_image(file: Path, alternative: str = "results.csv") -> None:
    """Refuse to replace an image by a report; `alternative` is a better name, for the hint.

    Raises UsageError if the file is an image, or has an image extension.
    """
    if file.suffix.lower() in IMAGE_SUFFIXES or _is_image(file):
        raise UsageError(
            tr("Can't write to “{file}”: it is an image, or has an image extension.", file=display_path(file)),
            hint=tr("Put a name such as {name} after the option, and the paths of images before it.", name=alternative),
        )


def _is_image(file: Path) -> bool:
    if not os.path.isfile(file):  # noqa: PTH113 - Path.is_file raises where the name is too long
        return False
    from core.images.decoding import looks_like_image  # imports Pillow

    try:
        return looks_like_image(file)
    except OSError:
        return False  # writing it will fail with a better message
