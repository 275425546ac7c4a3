"""How a report is to be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.reports.columns import Shape


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


@dataclass(frozen=True, slots=True)
class Plan:
    """How a report is to be.

    Attributes:
        form: which form it has.
        shape: what is told of each image.
        byte_order_mark: whether CSV begins with one, by which older spreadsheets know UTF-8.
        title: the heading of a page.
        about: what was classified and how, in words, for the foot of a page.
        folder: a page names images by their place in this one, or else by their folder's name and their own.
        thumbnails: how many images a page shows at most.
    """

    form: Form
    shape: Shape
    byte_order_mark: bool = False
    title: str = "What is in these images"
    about: tuple[tuple[str, str], ...] = ()
    folder: Path | None = None
    thumbnails: int = 200
