"""How a report is to be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.base.errors import UsageError
from core.base.text import display_path
from core.outputs.reports.columns import ColumnSet


class ReportFormat(StrEnum):
    """The forms of reports; each is also the usual suffix of its files."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    PARQUET = "parquet"
    HTML = "html"

    @property
    def is_text(self) -> bool:
        """Whether it can be read, or sent through a pipe, as text."""
        return self not in (ReportFormat.XLSX, ReportFormat.PARQUET)


_FORMS: Final = {f".{form}": form for form in ReportFormat} | {
    ".tsv": ReportFormat.CSV,
    ".ndjson": ReportFormat.JSONL,
    ".htm": ReportFormat.HTML,
}
_FOREIGN: Final = {
    **dict.fromkeys((".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), ReportFormat.XLSX),
    ".json": ReportFormat.JSONL,
    **dict.fromkeys((".feather", ".arrow", ".sqlite", ".db"), ReportFormat.PARQUET),
    **dict.fromkeys((".pdf", ".docx", ".odt", ".xml"), ReportFormat.HTML),
    **dict.fromkeys((".zip", ".gz"), ReportFormat.CSV),
}
"""Suffixes of files that Fovea does not write, and what comes nearest."""


def format_of(file: Path) -> ReportFormat | None:
    """The form that a file's suffix stands for; None where it stands for none.

    Raises:
        UsageError: it stands for one that Fovea does not write.
    """
    suffix = file.suffix.lower()
    if suffix in _FOREIGN:
        nearest = _FOREIGN[suffix]
        hint = f"Use a name such as {display_path(file.stem)}.{nearest}."
        raise UsageError(f"Fovea does not write {suffix} files.", hint=hint)
    return _FORMS.get(suffix)


def check_suffix(file: Path, format_: str) -> None:
    """Refuse to write one form into a file that is named as another.

    Args:
        file: what would be written.
        format_: a form, or "table" for a table to read.

    Raises:
        UsageError: its suffix stands for another form.
    """
    if format_ == ReportFormat.JSONL and file.suffix.lower() == ".json":
        return
    named = format_of(file)
    if named is not None and named != format_:
        what = f"The suffix of “{display_path(file.name)}” stands for {named}, but the format is {format_}."
        raise UsageError(what, hint=f"Choose the format {named}, or another name.")


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How a report is to be.

    Attributes:
        format: which form it has.
        columns: what is told of each image.
        byte_order_mark: whether CSV begins with one, by which older spreadsheets know UTF-8.
        delimiter: what separates the values of CSV: a comma, a semicolon or a tab. With a semicolon, numbers have a
            decimal comma, as spreadsheets expect in countries where a comma cannot separate values.
        title: the heading of a page.
        about: what was classified and how, in words, for the foot of a page.
        folder: a page names images by their place in this one, or else by their folder's name and their own.
        thumbnails: how many images a page shows at most.
    """

    format: ReportFormat
    columns: ColumnSet
    byte_order_mark: bool = False
    delimiter: str = ","
    title: str = "What is in these images"
    about: tuple[tuple[str, str], ...] = ()
    folder: Path | None = None
    thumbnails: int = 200
