"""Writing reports: which forms there are, and how a whole one comes into a file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TextIO

from core.base.errors import StorageError, UsageError
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.storage import as_text, replacing
from core.base.text import display_path
from core.images.listing import IMAGE_SUFFIXES
from core.jobs.values import Row
from core.outputs.reports.columns import ReportRow
from core.outputs.reports.plan import ReportFormat, ReportOptions, check_suffix

_HINT: Final = "Name a file in a folder that you may write to, on a disk with free space."


class Writer(Protocol):
    """Takes images one by one and writes them."""

    def add(self, row: ReportRow) -> None:
        """Take the next image."""


def write_report(
    file: Path,
    rows: Iterable[ReportRow],
    plan: ReportOptions,
    *,
    total: int,
    report: ProgressCallback,
    token: CancelToken,
) -> int:
    """Write a report; the file is wholly the old one or wholly the new one, whatever happens.

    Nothing but what a page shows is kept in memory.

    Args:
        file: where to; a link stays a link.
        rows: the images, in the order in which they are told; see `report_rows` for those of a job.
        plan: how the report is to be.
        total: how many rows there are, for progress alone.
        report: told of each row and of each thumbnail.
        token: looked at before each.

    Returns:
        How many images were told of.

    Raises:
        UsageError: the file is an image or is named as another form, or the form needs a library that is not
            installed.
        StorageError: the file cannot be written.
        Cancelled: the token was cancelled.
    """
    check_not_image(file)
    check_suffix(file, plan.format)
    clock, count = ProgressReporter("writing the report", total, report), 0
    try:
        with replacing(Path(os.path.realpath(file))) as stream, open_writer(stream, plan, report, token) as writer:
            for row in rows:
                token.check()
                writer.add(row)
                clock.advance()
                count += 1
    except OSError as error:
        raise StorageError(f"{str(file)!r} could not be written: {error.strerror}.", hint=_HINT) from error
    return count


def report_rows(rows: Iterable[Row]) -> Iterator[ReportRow]:
    """The rows of a job as reports take them, without those that wait."""
    return (result for row in rows if (result := ReportRow.of(row)) is not None)


@contextlib.contextmanager
def open_writer(
    stream: BinaryIO, plan: ReportOptions, report: ProgressCallback, token: CancelToken
) -> Iterator[Writer]:
    """Write a report of any form into a stream; it is complete once the block ends well.

    Raises:
        UsageError: the form needs a library that is not installed.
        OSError: it could not be written.
        Cancelled: the token was cancelled.
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
    """Write a report of a form that is text, as `open_writer` does."""
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
    """Keep a photo from being replaced by what is said about it.

    Args:
        file: what would be written.
        alternative: a better name, for the hint.

    Raises:
        UsageError: the file has the name of an image, or is one under another name.
    """
    if file.suffix.lower() in IMAGE_SUFFIXES or _is_image(file):
        raise UsageError(
            f"“{display_path(file)}” would be written, but that is an image or the name of an image.",
            hint=f"Write a name like {alternative} after the option, and the paths of images before it.",
        )


def _is_image(file: Path) -> bool:
    if not os.path.isfile(file):  # noqa: PTH113 - Path.is_file raises where the name is too long
        return False
    from core.images.decoding import looks_like_image  # takes Pillow

    try:
        return looks_like_image(file)
    except OSError:
        return False  # what cannot be read will not be written either, and that is told better
