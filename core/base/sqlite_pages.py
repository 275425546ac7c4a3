"""Rows read directly from the pages of a damaged SQLite database, if its trees no longer lead to them.

After https://www.sqlite.org/fileformat2.html: a page contains complete rows, even if the pages above it are damaged.
Pages that are no longer in use may contain earlier versions of rows.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, Final

_PAGE_SIZE: Final = 4096
"""SQLite's default, used if the header is damaged."""
_HEADER: Final = 100
_NUMBERED: Final = 13
_KEYED: Final = 10
_KEYED_ABOVE: Final = 2
"""Kinds of pages that hold rows: leaves of tables, and leaves and upper pages of tables without row numbers."""
_FIXED: Final = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}
"""Bytes of a value by its serial type; longer types are blobs and texts."""
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "INTEGER": (int,), "REAL": (int, float), "TEXT": (str,), "BLOB": (bytes,)
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A stored column.

    Attributes:
        declared: its type as CREATE TABLE has it.
        is_required: whether it is NOT NULL.
        key: its position in the primary key, from 1; 0 if it is not part of it.
    """

    name: str
    declared: str
    is_required: bool
    key: int

    @property
    def is_number(self) -> bool:
        """Whether it is another name for the row's number, which is not stored in the row."""
        return self.key == 1 and self.declared == "INTEGER"

    def takes(self, value: object) -> bool:
        """Whether a stored value is valid for this column."""
        if value is None:
            return self.is_number or not self.is_required
        return isinstance(value, _KINDS.get(self.declared, (object,)))


def rows(file: Path, tables: Mapping[str, Sequence[Column]]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield every row that matches one of these tables, with the name of the first matching table."""
    data = file.read_bytes()
    size = _page_size(data)
    for start in range(0, len(data), size):
        for number, record in _records(data, start, size):
            name = _fitting(record, tables)
            if name is not None:
                values = zip_longest(tables[name], record)
                yield name, tuple(number if one.is_number else value for one, value in values)


def _fitting(record: Sequence[object], tables: Mapping[str, Sequence[Column]]) -> str | None:
    """The first table that a row matches; a row of an earlier version may lack an optional last column."""
    fits = (name for name, columns in tables.items() if len(record) == len(columns) and _takes(columns, record))
    older = (name for name, columns in tables.items() if len(record) == len(columns) - 1 and _takes(columns, record))
    return next(chain(fits, older), None)


def _takes(columns: Sequence[Column], record: Sequence[object]) -> bool:
    return all(column.takes(value) for column, value in zip_longest(columns, record))


def _page_size(data: bytes) -> int:
    stated = int.from_bytes(data[16:18], "big")
    return stated if stated in (512, 1024, 2048, 4096, 8192, 16384, 32768) else _PAGE_SIZE


def _records(data: bytes, start: int, size: int) -> Iterator[tuple[int, list[Any]]]:
    """The number and the values of every row in a page; none where the page holds no rows."""
    head = start + _HEADER if start == 0 else start
    if head + 12 > len(data) or data[head] not in (_NUMBERED, _KEYED, _KEYED_ABOVE):
        return
    kind, (cells,) = data[head], struct.unpack_from(">H", data, head + 3)
    first = head + (12 if kind == _KEYED_ABOVE else 8)
    for at in range(first, min(first + 2 * cells, start + size, len(data)) - 1, 2):
        (offset,) = struct.unpack_from(">H", data, at)
        try:
            yield _cell(data, start + offset + (4 if kind == _KEYED_ABOVE else 0), size, is_numbered=kind == _NUMBERED)
        except (IndexError, ValueError, struct.error):
            continue


def _cell(data: bytes, at: int, size: int, *, is_numbered: bool) -> tuple[int, list[Any]]:
    length, at = _varint(data, at)
    number, at = _varint(data, at) if is_numbered else (0, at)
    if length > len(data):
        raise ValueError("longer than the file")
    return number - (1 << 64 if number >> 63 else 0), _values(_payload(data, at, length, size, is_numbered=is_numbered))


def _payload(data: bytes, at: int, length: int, size: int, *, is_numbered: bool) -> bytes:
    """A cell's payload, which may continue in a chain of overflow pages."""
    maximum = size - 35 if is_numbered else (size - 12) * 64 // 255 - 23
    if length <= maximum:
        return data[at : at + length]
    minimum = (size - 12) * 32 // 255 - 23
    here = minimum + (length - minimum) % (size - 4)
    here = here if here <= maximum else minimum
    parts, got = [data[at : at + here]], here
    (page,) = struct.unpack_from(">I", data, at + here)
    while page and got < length:
        start = (page - 1) * size
        (page,) = struct.unpack_from(">I", data, start)
        parts.append(data[start + 4 : start + 4 + min(size - 4, length - got)])
        got += size - 4
    return b"".join(parts)


def _values(payload: bytes) -> list[Any]:
    head, at = _varint(payload, 0)
    kinds = []
    while at < head:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values = []
    for kind in kinds:
        length = _FIXED[kind] if kind in _FIXED else max(kind - 12, 0) // 2
        if at + length > len(payload):
            raise ValueError("cut off")
        values.append(_value(kind, payload[at : at + length]))
        at += length
    return values


def _value(kind: int, stored: bytes) -> int | float | str | bytes | None:
    match kind:
        case 0:
            return None
        case 7:
            return float(struct.unpack(">d", stored)[0])
        case 8 | 9:
            return kind - 8
        case _ if kind < 7:
            return int.from_bytes(stored, "big", signed=True)
        case _ if kind < 12:
            raise ValueError("a type that SQLite does not write")
    return stored.decode() if kind % 2 else stored


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9
