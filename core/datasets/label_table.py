"""A table of images and their classes in a CSV file; untrusted until read.

Its first line names the columns. One of them, such as `path`, has the images, relative to a folder. Either a column
`classes` has the classes of each, with semicolons between them, or each other column is a class with 1 for the images
that have it and 0 or nothing for others. An image may be on several lines; it has the classes of all.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.base.errors import DatasetError, os_reason
from core.base.i18n import mark, tr
from core.base.text import display_path
from core.datasets.class_labels import normalize_label

LabelTable = dict[str, frozenset[str]]
"""The classes of images by their paths as `path_key` spells them."""

_MAX_BYTES: Final = 64 * 1024**2
_MAX_COLUMNS: Final = 10_000
_MAX_PER_IMAGE: Final = 1000
_PATHS: Final = frozenset({"path", "file", "filename", "file_name", "image", "photo"})
_CLASSES: Final = frozenset({"classes", "class", "labels", "label", "tags", "keywords"})
_YES: Final = frozenset({"1", "1.0", "true", "yes", "x"})
_NO: Final = frozenset({"", "0", "0.0", "false", "no"})
_HINT: Final = mark(
    "Use the columns “path” and “classes”, with semicolons between the classes of an image, or “path” and a column "
    "with 0 or 1 for each class."
)


def read_label_table(file: Path) -> LabelTable:
    """Read a table.

    Raises:
        DatasetError: the file cannot be read, is too large, or is not such a table; the message names the line.
    """
    text = _text(file)
    first = text.split("\n", 1)[0]
    delimiter = max(",\t;", key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    table: LabelTable = {}
    try:
        header = [name.strip() for name in next(reader, [])]
        at, classes = _columns(file, header)
        for row in reader:
            if len(row) > at and (key := path_key(row[at].strip())):
                found = _classes_of(file, reader.line_num, row, classes, by_name=len(classes) == 1)
                table[key] = table.get(key, frozenset()) | found
    except csv.Error as error:
        raise _error(file, tr("line {line}: {reason}", line=reader.line_num, reason=error)) from error
    if not table:
        raise _error(file, tr("it lists no images"))
    return table


def path_key(path: str) -> str:
    """A relative path as tables and folders spell it alike: with slashes and composed accents, without ./ in front."""
    parts = (part for part in unicodedata.normalize("NFC", path).replace("\\", "/").split("/") if part != ".")
    return "/".join(parts)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise _error(file, tr("it has more than {count:,} bytes", count=_MAX_BYTES))
        encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        return content.decode(encoding)
    except OSError as error:
        hint = tr("Check that the file exists and that you can open it.")
        raise _error(file, os_reason(error), hint) from error
    except UnicodeError as error:
        raise _error(file, tr("it is not text in UTF-8")) from error


def _columns(file: Path, header: Sequence[str]) -> tuple[int, dict[int, str]]:
    """The column of paths, and those of classes with their names: a single one lists the classes themselves."""
    names = [name.casefold() for name in header]
    at = next((place for place, name in enumerate(names) if name in _PATHS), None)
    if at is None:
        raise _error(file, tr("no column is named “path”"))
    if len(header) > _MAX_COLUMNS:
        raise _error(file, tr("it has more than {count:,} columns", count=_MAX_COLUMNS))
    listing = next((place for place, name in enumerate(names) if name in _CLASSES), None)
    if listing is not None:
        return at, {listing: ""}
    classes = {place: normalize_label(name) for place, name in enumerate(header) if place != at}
    if len(classes) < 2 or not all(classes.values()):
        raise _error(file, tr("no column is named “classes”, and there are no columns of classes"))
    return at, classes


def _classes_of(file: Path, line: int, row: Sequence[str], columns: dict[int, str], *, by_name: bool) -> frozenset[str]:
    cells = {place: row[place].strip() if place < len(row) else "" for place in columns}
    if by_name:
        names = filter(None, map(normalize_label, "".join(cells.values()).split(";")))
        found = frozenset(names)
    else:
        found = frozenset(columns[place] for place, cell in cells.items() if _is_set(file, line, cell))
    if len(found) > _MAX_PER_IMAGE:
        raise _error(file, tr("line {line}: more than {count:,} classes", line=line, count=_MAX_PER_IMAGE))
    return found


def _is_set(file: Path, line: int, cell: str) -> bool:
    value = cell.casefold()
    if value not in _YES and value not in _NO:
        raise _error(file, tr("line {line}: “{cell}” is neither 0 nor 1", line=line, cell=display_path(cell[:40])))
    return value in _YES


def _error(file: Path, reason: str, hint: str = "") -> DatasetError:
    what = tr("Couldn't read the classes in “{file}”: {reason}.", file=display_path(file.name), reason=reason)
    return DatasetError(what, hint=hint or tr(_HINT))
