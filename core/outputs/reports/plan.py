"""How a report is to be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.base.errors import UsageError
from core.base.text import printable
from core.outputs.reports.columns import Shape


class Form(StrEnum):
    """The forms of reports; each is also the usual suffix of its files."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    PARQUET = "parquet"
    HTML = "html"

    @property
    def is_text(self) -> bool:
        """Whether it can be read, or sent through a pipe, as text."""
        return self not in (Form.XLSX, Form.PARQUET)


_FORMS: Final = {f".{form}": form for form in Form} | {
    ".tsv": Form.CSV,
    ".ndjson": Form.JSONL,
    ".htm": Form.HTML,
}
_FOREIGN: Final = {
    **dict.fromkeys((".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), Form.XLSX),
    ".json": Form.JSONL,
    **dict.fromkeys((".feather", ".arrow", ".sqlite", ".db"), Form.PARQUET),
    **dict.fromkeys((".pdf", ".docx", ".odt", ".xml"), Form.HTML),
    **dict.fromkeys((".zip", ".gz"), Form.CSV),
}
"""Suffixes of files that Fovea does not write, and what comes nearest."""


def form_of(file: Path) -> Form | None:
    """The form that a file's suffix stands for; None where it stands for none.

    Raises:
        UsageError: it stands for one that Fovea does not write.
    """
    suffix = file.suffix.lower()
    if suffix in _FOREIGN:
        nearest = _FOREIGN[suffix]
        hint = f"Use a name such as {printable(file.stem)}.{nearest}."
        raise UsageError(f"Fovea does not write {suffix} files.", hint=hint)
    return _FORMS.get(suffix)


def check_suffix(file: Path, form: str) -> None:
    """Refuse to write one form into a file that is named as another.

    Args:
        file: what would be written.
        form: a form, or "table" for a table to read.

    Raises:
        UsageError: its suffix stands for another form.
    """
    if form == Form.JSONL and file.suffix.lower() == ".json":
        return
    named = form_of(file)
    if named is not None and named != form:
        what = f"The suffix of “{printable(file.name)}” stands for {named}, but the format is {form}."
        raise UsageError(what, hint=f"Choose the format {named}, or another name.")


@dataclass(frozen=True, slots=True)
class Plan:
    """How a report is to be.

    Attributes:
        form: which form it has.
        shape: what is told of each image.
        byte_order_mark: whether CSV begins with one, by which older spreadsheets know UTF-8.
        delimiter: what separates the values of CSV: a comma, a semicolon or a tab. With a semicolon, numbers have a
            decimal comma, as spreadsheets expect in countries where a comma cannot separate values.
        title: the heading of a page.
        about: what was classified and how, in words, for the foot of a page.
        folder: a page names images by their place in this one, or else by their folder's name and their own.
        thumbnails: how many images a page shows at most.
    """

    form: Form
    shape: Shape
    byte_order_mark: bool = False
    delimiter: str = ","
    title: str = "What is in these images"
    about: tuple[tuple[str, str], ...] = ()
    folder: Path | None = None
    thumbnails: int = 200
