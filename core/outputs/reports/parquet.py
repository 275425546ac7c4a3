"""Reports as Parquet, for data analysis, written with the optional library pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from core.base.errors import UsageError
from core.base.i18n import tr
from core.outputs.reports.columns import ColumnKind, ColumnSet, ReportRow, outcome_columns, scores
from core.outputs.reports.text import cell_text, printable

_GROUP: Final = 8192
"""Rows per row group, which are kept in memory until it is written."""


@contextmanager
def parquet(stream: BinaryIO, shape: ColumnSet) -> Iterator[Parquet]:
    """Write Parquet to a stream; it is complete when the block ends without an error.

    The columns are those of all tables; the most likely classes are one column `scores`, a list of `label`,
    `probability` and, by multi-label models, `threshold`. Raises UsageError if pyarrow is not installed; OSError if it
    cannot be written.
    """
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        what = tr("The library pyarrow, which is needed to write Parquet, is not installed.")
        hint = tr("Install Fovea with the extra `parquet`, or choose csv, xlsx or jsonl, which have the same content.")
        raise UsageError(what, hint=hint) from error
    schema = _schema(pa, shape)
    with ParquetWriter(stream, schema, compression="zstd") as writer:
        result = Parquet(pa, writer, schema, shape)
        yield result
        result.flush()


class Parquet:
    """Writes rows in groups."""

    def __init__(self, pa: Any, writer: Any, schema: Any, shape: ColumnSet) -> None:  # noqa: ANN401
        self._pa, self._writer, self._schema, self._shape = pa, writer, schema, shape
        self._columns, self._rows = outcome_columns(shape), list[dict[str, Any]]()

    def add(self, row: ReportRow) -> None:
        """Add one row."""
        content: dict[str, Any] = {column.name: cell_text(column, row) for column in self._columns}
        likely = scores(row, self._shape.top_k)
        content["scores"] = [{**score, "label": printable(score["label"])} for score in likely]
        self._rows.append(content)
        if len(self._rows) == _GROUP:
            self.flush()

    def flush(self) -> None:
        """Write the rows added so far."""
        if self._rows:
            self._writer.write_table(self._pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows.clear()


def _schema(pa: Any, shape: ColumnSet) -> Any:  # noqa: ANN401
    text = pa.string()
    types = {ColumnKind.TEXT: text, ColumnKind.BOOLEAN: pa.bool_(), ColumnKind.FRACTION: pa.float64()}
    types[ColumnKind.DURATION] = pa.float64()
    score = pa.struct([("label", text), ("probability", pa.float64()), ("threshold", pa.float64())])
    fields = [(column.name, types[column.kind]) for column in outcome_columns(shape)]
    return pa.schema([*fields, ("scores", pa.list_(score))])
