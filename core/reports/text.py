"""Reports as text: JSON lines, and comma-separated values that no spreadsheet can be made to run."""

from __future__ import annotations

import csv
import json
import re
from typing import Final, TextIO

from core.images.folders import printable
from core.reports.columns import Column, Reported, Shape, Value, as_object, columns, values

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection")."""
_NOT_UTF8: Final = re.compile("[\ud800-\udfff]")
_BYTE_ORDER_MARK: Final = "\ufeff"


class JsonLines:
    """One JSON object a line, in plain ASCII; each line is there as soon as its image is done."""

    def __init__(self, stream: TextIO, shape: Shape) -> None:
        self._stream, self._shape = stream, shape

    def add(self, row: Reported) -> None:
        """Write one line."""
        self._stream.write(json.dumps(as_object(row, self._shape)) + "\n")
        self._stream.flush()


class CommaSeparated:
    """A table as RFC 4180 has it; nothing in it can act as a spreadsheet's formula."""

    def __init__(self, stream: TextIO, shape: Shape, *, byte_order_mark: bool = False) -> None:
        """Write the heading.

        Args:
            stream: takes the text; its line ends are written as given.
            shape: what is told of each image.
            byte_order_mark: whether the text begins with one, by which older spreadsheets know UTF-8.
        """
        self._columns = columns(shape)
        if byte_order_mark:
            stream.write(_BYTE_ORDER_MARK)
        self._writer = csv.writer(stream)
        self._writer.writerow([column.name for column in self._columns])

    def add(self, row: Reported) -> None:
        """Write one row."""
        self._writer.writerow([_cell(value) for value in values(row, self._columns)])


def readable(text: str) -> str:
    r"""A text as UTF-8 can hold it; bytes of a name that are not UTF-8 become `\xe9`."""
    return _NOT_UTF8.sub(lambda found: printable(found[0]), text)


def told(column: Column, row: Reported) -> Value:
    """What stands in a column of an image, as UTF-8 can hold it."""
    value = column.of(row)
    return readable(value) if isinstance(value, str) else value


def _cell(value: Value) -> Value:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            text = readable(value)
            return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
        case _:
            return value
