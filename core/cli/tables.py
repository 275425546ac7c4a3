"""Tables to read: coloured and fitted to a terminal, plain and uncut everywhere else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TextIO, TypeVar

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from core.base.errors import BrokenRecord
from core.base.i18n import tr
from core.base.text import display_path, percent
from core.card import ModelCard
from core.cli.streams import is_terminal, results_to
from core.jobs.values import JobSummary
from core.outputs.sorting.values import SortingSummary

_WIDE: Final = 1_000_000
R = TypeVar("R", JobSummary, SortingSummary)


def show(stream: TextIO, *contents: RenderableType) -> None:
    """Write tables and texts; if the stream is not a terminal, lines are not wrapped and have no colour."""
    if is_terminal(stream):
        Console(file=stream).print(*contents, sep="\n")
        return
    console = Console(file=stream, width=_WIDE, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(*contents, sep="\n")
    stream.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def print_result(form: str, content: Callable[[], object], contents: Callable[[], Iterable[RenderableType]]) -> None:
    """Write a result to standard output: as indented JSON, with paths as texts, or as tables and texts to read."""
    with results_to(None) as stream:
        if form == "json":
            stream.write(json.dumps(content(), indent=2, default=str) + "\n")
        else:
            show(stream, *contents())


def unknown_rule(card: ModelCard) -> str:
    """When the model takes an image for unknown; empty if it never does."""
    if card.unknown:
        return tr("score above 0.5, by the distance to the training images and the confidence; 5% of known images")
    return "" if card.unknown_below is None else tr("confidence below {limit}", limit=f"{card.unknown_below:g}")


def cell(text: str, style: str = "") -> Text:
    """Literal text for a table: markup is not interpreted, control characters are escaped."""
    return Text(display_path(text), style=style)


def table(
    columns: Sequence[str], rows: Iterable[Iterable[str | Text]] = (), *, numbers: Sequence[str] = (), title: str = ""
) -> Table:
    """Create a table; the columns in `numbers` are right-aligned."""
    heading = Text(display_path(title), "bold", no_wrap=True, overflow="ignore") if title else None  # may be wider
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, title=heading, title_justify="left")
    for name in columns:
        result.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    return _filled(result, rows)


def facts(rows: Iterable[tuple[str, str | Text]], title: str = "") -> Table:
    """Create a table of names and values."""
    result = Table(box=None, show_header=False, pad_edge=False, title=title or None, title_justify="left")
    result.add_column(style="bold", no_wrap=True)
    result.add_column(overflow="fold")
    return _filled(result, rows)


def _filled(table: Table, rows: Iterable[Iterable[str | Text]]) -> Table:
    for row in rows:
        table.add_row(*(one if isinstance(one, Text) else cell(one) for one in row))
    return table


def limit_rows(table: Table, count: int, shown: int) -> None:
    """Note below a table of the first `shown` of `count` rows how many more there are."""
    if count > shown:
        more = tr("and {count:,} more; use --format json to list all", count=count - shown)
        table.caption = Text(more, no_wrap=True, overflow="ignore")
        table.caption_justify = "left"


def print_records(
    form: str,
    records: Sequence[R | BrokenRecord],
    content: Callable[[R], dict[str, Any]],
    cells: Callable[[R], Iterable[str | Text]],
    columns: Sequence[str],
    numbers: Sequence[str],
) -> int:
    """Print jobs or sortings as `print_result` does, and return 1 if any cannot be read, which shows the reason."""

    def as_json(one: R | BrokenRecord) -> dict[str, Any]:
        if not isinstance(one, BrokenRecord):
            return content(one)
        return {"id": one.id, "error": {"kind": one.error.kind, "message": one.error.what, "hint": one.error.hint}}

    def row(one: R | BrokenRecord) -> Iterable[str | Text]:
        if isinstance(one, BrokenRecord):
            return (cell(one.id, "bold"), cell(str(one.error), "red"), *("",) * (len(columns) - 2))
        return cells(one)

    shown = partial(table, columns, numbers=numbers)
    print_result(form, lambda: list(map(as_json, records)), lambda: [shown(map(row, records))])
    return int(any(isinstance(one, BrokenRecord) for one in records))


def local_time(seconds: float) -> datetime:
    """A time in seconds since 1970, in the local time zone."""
    return datetime.fromtimestamp(seconds, UTC).astimezone()


def with_interval(accuracy: float, interval: tuple[float, float]) -> str:
    """An accuracy with its confidence interval, 0..1, as text."""
    low, high = map(percent, interval)
    return tr("{accuracy} (95% confidence interval: {low} to {high})", accuracy=percent(accuracy), low=low, high=high)


def minute(moment: datetime) -> str:
    """A moment to the minute, in the local time zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def size(count: int) -> str:
    """A number of bytes in decimal units, such as "1.5 MB"."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return tr("{count} bytes", count=count)
