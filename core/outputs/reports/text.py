"""Reports as text: JSON lines, and comma-separated values without formulas that a spreadsheet could run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final, TextIO

from core.base.text import display_path
from core.outputs.reports.columns import Column, ColumnSet, ReportRow, Value, as_object, columns, values

_FORMULA_STARTS: Final = "=+@\uff1d\uff0b\uff0d\uff20-"
"""Characters that start a formula in spreadsheets, also in full width (OWASP, "CSV Injection")."""
_SEPARATORS: Final = ",;|"
"""Characters that spreadsheets may take for a delimiter, whatever the actual one is; tabs are escaped."""
_NEEDS_QUOTES: Final = re.compile(f'[{_SEPARATORS}"]|^ | $')
_UNSAFE: Final = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line breaks, bidirectional control characters, and bytes that are not UTF-8."""
_NOT_UTF8: Final = re.compile("[\ud800-\udfff]")
BYTE_ORDER_MARK: Final = "\ufeff"
_QUOTE: Final = '"'


class JsonLines:
    """One JSON object per line, in ASCII; each line is flushed immediately."""

    def __init__(self, stream: TextIO, shape: ColumnSet) -> None:
        self._stream, self._shape = stream, shape

    def add(self, row: ReportRow) -> None:
        """Write one line."""
        self._stream.write(json.dumps(as_object(row, self._shape)) + "\n")
        self._stream.flush()


class CommaSeparated:
    """A table as in RFC 4180, for spreadsheets and terminals.

    It contains neither formulas, whichever delimiter a spreadsheet assumes, nor control sequences of terminals.
    """

    def __init__(
        self, stream: TextIO, shape: ColumnSet, *, byte_order_mark: bool = False, delimiter: str = ","
    ) -> None:
        """Write the heading to a stream that does not translate line ends; options are those of `ReportOptions`."""
        self._columns, self._stream, self._delimiter = columns(shape), stream, delimiter
        others = _SEPARATORS.replace(delimiter, "")
        self._inner_formula = re.compile(f'([{others}])(?=[ "]*[{_FORMULA_STARTS}])')
        if byte_order_mark:
            stream.write(BYTE_ORDER_MARK)
        self._write(column.name for column in self._columns)

    def add(self, row: ReportRow) -> None:
        """Write one row."""
        first, *rest = values(row, self._columns)
        self._write((self._cell(first, is_first=True), *map(self._cell, rest)))

    def _write(self, cells: Iterable[str]) -> None:
        self._stream.write(self._delimiter.join(cells) + "\r\n")

    def _cell(self, value: Value, *, is_first: bool = False) -> str:
        match value:
            case None:
                return ""
            case bool():
                return str(value).lower()
            case str():
                return self._text(value, is_first=is_first)
            case _:
                return str(value).replace(".", ",") if self._delimiter == ";" else str(value)

    def _text(self, value: str, *, is_first: bool) -> str:
        """Escape a text so that it is not a formula; in the first column quotes suffice, as they start the line."""
        text = _UNSAFE.sub(lambda found: display_path(found[0]), value)
        if text.startswith(tuple(_FORMULA_STARTS)):
            text = f"'{text}"
        if not is_first:
            text = self._inner_formula.sub(r"\1'", text)
        return f'"{text.replace(_QUOTE, _QUOTE * 2)}"' if _NEEDS_QUOTES.search(text) else text


def printable(text: str) -> str:
    r"""Make a text valid UTF-8; other bytes in names become escapes such as `\xe9`."""
    return _NOT_UTF8.sub(lambda found: display_path(found[0]), text)


def cell_text(column: Column, row: ReportRow) -> Value:
    """The value of an image in a column; texts are valid UTF-8."""
    value = column.value_of(row)
    return printable(value) if isinstance(value, str) else value
