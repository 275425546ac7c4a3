"""Reports as Excel spreadsheets, written row by row with constant memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Final

from core.base.i18n import tr
from core.base.leftovers import temporary_folder
from core.outputs.reports.columns import Column, ColumnKind, ColumnSet, ReportRow, columns
from core.outputs.reports.text import cell_text

_ROWS: Final = 1_048_576
"""Maximum number of rows of a sheet, including the heading (Excel specifications and limits)."""
_MAX_TEXT: Final = 32_767
_WIDTHS: Final = {"path": 60, "label": 24, "answer": 24, "error": 48, "hint": 48}
"""Widths of columns in characters of the standard font; other columns fit their headings."""
_FORMATS: Final = {ColumnKind.FRACTION: "0.0%", ColumnKind.DURATION: "0.0"}


@contextmanager
def spreadsheet(stream: BinaryIO, shape: ColumnSet, *, rows_on_sheet: int = _ROWS) -> Iterator[Spreadsheet]:
    """Write a spreadsheet to a seekable stream; it is complete when the block ends without an error.

    A sheet has at most `rows_on_sheet` rows, including the heading; more rows go to further sheets. Raises OSError if
    it cannot be written.
    """
    import xlsxwriter  # importing it takes 80 ms
    from xlsxwriter.exceptions import FileCreateError

    with temporary_folder("rows") as rows:
        outlet = _NonClosingStream(stream)
        book = xlsxwriter.Workbook(outlet, {"constant_memory": True, "tmpdir": str(rows), "use_zip64": True})
        result = Spreadsheet(book, columns(shape), rows_on_sheet)
        try:
            yield result
            result.finish()
            book.close()
        except FileCreateError as error:
            raise error.args[0] from error  # the original OSError
        finally:
            outlet.detach()
            result.abandon()


class _NonClosingStream:
    """A stream that can be detached, as an unfinished archive tries to complete itself when it is freed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what the stream has
        return getattr(self._stream, name)

    def detach(self) -> None:
        self._stream = io.BytesIO()


class Spreadsheet:
    """Sheets with a frozen heading and filters; numbers are numbers, and texts are never formulas."""

    def __init__(self, book: Any, shown: tuple[Column, ...], rows_on_sheet: int) -> None:  # noqa: ANN401
        self._book, self._columns, self._most = book, shown, rows_on_sheet
        self._heading = book.add_format({"bold": True, "bottom": 1})
        self._formats = {kind: book.add_format({"num_format": form}) for kind, form in _FORMATS.items()}
        self._sheet, self._next = self._begin_sheet(), 1

    def add(self, row: ReportRow) -> None:
        """Write one row."""
        if self._next == self._most:
            self.finish()
            self._sheet, self._next = self._begin_sheet(), 1
        for place, column in enumerate(self._columns):
            self._write(place, column, row)
        self._next += 1

    def finish(self) -> None:
        """Add filters to the current sheet."""
        self._sheet.autofilter(0, 0, self._next - 1, len(self._columns) - 1)

    def abandon(self) -> None:
        """Close the temporary files of the sheets."""
        for sheet in self._book.worksheets():
            with suppress(OSError):
                sheet.row_data_fh.close()

    def _begin_sheet(self) -> Any:  # noqa: ANN401
        number = len(self._book.worksheets()) + 1
        sheet = self._book.add_worksheet(tr("Images") if number == 1 else tr("Images {number}", number=number))
        sheet.freeze_panes(1, 1)
        for place, column in enumerate(self._columns):
            width = _WIDTHS.get(column.name, max(10, len(column.name) + 4))
            sheet.set_column(place, place, width, self._formats.get(column.kind))
            sheet.write_string(0, place, column.name, self._heading)
        return sheet

    def _write(self, place: int, column: Column, row: ReportRow) -> None:
        value = cell_text(column, row)
        match value:
            case None:
                pass
            case bool():
                self._sheet.write_boolean(self._next, place, value)
            case str():
                self._sheet.write_string(self._next, place, value[:_MAX_TEXT])
            case _:
                self._sheet.write_number(self._next, place, value, self._formats.get(column.kind))
