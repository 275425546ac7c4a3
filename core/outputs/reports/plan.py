"""Formats and options of reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.text import display_path
from core.outputs.reports.columns import ColumnSet

if TYPE_CHECKING:
    from core.evaluation.explanation import Explanation


class ReportFormat(StrEnum):
    """The formats of reports; each is also the usual suffix of its files."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    PARQUET = "parquet"
    HTML = "html"

    @property
    def is_text(self) -> bool:
        """Whether it is a text format, which can be printed or piped."""
        return self not in (ReportFormat.XLSX, ReportFormat.PARQUET)


_SUFFIXES: Final = {f".{format_}": format_ for format_ in ReportFormat} | {
    ".tsv": ReportFormat.CSV,
    ".ndjson": ReportFormat.JSONL,
    ".htm": ReportFormat.HTML,
}
_UNSUPPORTED: Final = {
    **dict.fromkeys((".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), ReportFormat.XLSX),
    ".json": ReportFormat.JSONL,
    **dict.fromkeys((".feather", ".arrow", ".sqlite", ".db"), ReportFormat.PARQUET),
    **dict.fromkeys((".pdf", ".docx", ".odt", ".xml"), ReportFormat.HTML),
    **dict.fromkeys((".zip", ".gz"), ReportFormat.CSV),
}
"""Suffixes of unsupported formats, with the closest supported one."""


def format_of(file: Path) -> ReportFormat | None:
    """The format of a file's suffix; None if the suffix is unknown.

    Raises UsageError if the format is not supported.
    """
    suffix = file.suffix.lower()
    if suffix in _UNSUPPORTED:
        nearest = _UNSUPPORTED[suffix]
        hint = tr("Use a name such as {name}.{suffix}.", name=display_path(file.stem), suffix=nearest)
        raise UsageError(tr("Fovea can't write {suffix} files.", suffix=suffix), hint=hint)
    return _SUFFIXES.get(suffix)


def check_suffix(file: Path, format_: str) -> None:
    """Check that the suffix of a file fits its format: a `ReportFormat`, or "table" for a table to read.

    Raises UsageError if its suffix is that of another format.
    """
    if format_ == ReportFormat.JSONL and file.suffix.lower() == ".json":
        return
    named = format_of(file)
    if named is not None and named != format_:
        what = tr(
            "The suffix of “{file}” is for {named} files, but the format is {format}.",
            file=display_path(file.name),
            named=named,
            format=format_,
        )
        raise UsageError(what, hint=tr("Choose the format {named}, or another file name.", named=named))


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """The options of a report.

    Attributes:
        byte_order_mark: whether CSV starts with one, by which older spreadsheets detect UTF-8.
        delimiter: the delimiter of CSV: comma, semicolon or tab. With a semicolon, numbers have a decimal comma, as
            spreadsheets expect in countries with decimal commas.
        title: the heading of a page; empty for the default.
        about: pairs of names and values that describe the job, for the end of a page.
        folder: a page shows paths relative to this folder; those of other images are shortened.
        thumbnails: the maximum number of images on a page.
        explain: where the model saw a class in an image, for a page to show; None for no maps.
        known_scores: see `core.evaluation.acceptance.known_scores`, for a page to say how unlike these images are.
    """

    format: ReportFormat
    columns: ColumnSet
    byte_order_mark: bool = False
    delimiter: str = ","
    title: str = ""
    about: tuple[tuple[str, str], ...] = ()
    folder: Path | None = None
    thumbnails: int = 200
    known_scores: tuple[float, ...] = ()
    explain: Callable[[Path, str], Explanation] | None = None
