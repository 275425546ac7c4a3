"""The three forms in which `fovea classify` gives its outcomes."""

from __future__ import annotations

import csv
import json
import re
from typing import Any, Final, Protocol, TextIO

from rich.text import Text

from core.cli import tables
from core.cli.streams import is_terminal
from core.images.folders import printable
from core.prediction import Failure, Outcome, Prediction

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection")."""
_COLUMNS: Final = (
    *("path", "label", "confidence", "unknown", "model", "provider"),
    *("decode_ms", "preprocess_ms", "inference_ms", "error", "hint"),
)
_NOT_UTF8: Final = re.compile("[\ud800-\udfff]")
_HEADINGS: Final = ("image", "what it is", "confidence", "ms", "or else")
_ROWS_AT_ONCE: Final = 1000


class Results(Protocol):
    """Takes outcomes one by one and writes them."""

    def add(self, outcome: Outcome) -> None:
        """Take the next outcome."""

    def close(self) -> None:
        """Write what could not be written before all were known."""


def open_results(form: str, stream: TextIO, top_k: int) -> Results:
    """Results in the form "table", "jsonl" or "csv", with `top_k` classes for each image."""
    match form:
        case "jsonl":
            return JsonLines(stream)
        case "csv":
            return CommaSeparated(stream, top_k)
        case _:
            return ResultTable(stream)


class JsonLines:
    """One JSON object a line, in plain ASCII; each line is there as soon as its image is done."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def add(self, outcome: Outcome) -> None:
        """Write one line."""
        content = _prediction(outcome) if isinstance(outcome, Prediction) else _failure(outcome)
        self._stream.write(json.dumps(content) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing is left to write."""


class CommaSeparated:
    """A table as RFC 4180 has it, in UTF-8; nothing in it can act as a spreadsheet's formula."""

    def __init__(self, stream: TextIO, top_k: int) -> None:
        self._writer = csv.writer(stream)
        self._ranks = range(2, top_k + 1)
        self._writer.writerow(
            [*_COLUMNS, *(f"{name}_{rank}" for rank in self._ranks for name in ("label", "probability"))]
        )

    def add(self, outcome: Outcome) -> None:
        """Write one row."""
        if isinstance(outcome, Failure):
            row = [_harmless(str(outcome.path)), *[""] * 8, _harmless(outcome.message), _harmless(outcome.hint)]
            self._writer.writerow([*row, *[""] * 2 * len(self._ranks)])
            return
        content = _prediction(outcome)
        rest = [value for score in content["scores"][1:] for value in (_harmless(score["label"]), score["probability"])]
        rest += [""] * (2 * len(self._ranks) - len(rest))
        self._writer.writerow([_cell(content.get(name, "")) for name in _COLUMNS] + rest)

    def close(self) -> None:
        """Nothing is left to write."""


class ResultTable:
    """A table to read; written in parts, as wide as the widest row so far, so that memory does not grow with it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rows: list[tuple[Text, ...]] = []
        self._widths = [len(name) for name in _HEADINGS]
        self._has_begun = False

    def add(self, outcome: Outcome) -> None:
        """Keep one row; a terminal gets all of them at the end, below the progress that was shown meanwhile."""
        row = _failure_cells(outcome) if isinstance(outcome, Failure) else _prediction_cells(outcome)
        self._rows.append(row)
        self._widths = [max(width, cell.cell_len) for width, cell in zip(self._widths, row, strict=True)]
        if len(self._rows) >= _ROWS_AT_ONCE and not is_terminal(self._stream):
            self.close()

    def close(self) -> None:
        """Write the rows kept so far."""
        made = tables.table(_HEADINGS, numbers=("confidence", "ms"))
        made.show_header = not self._has_begun
        if not is_terminal(self._stream):
            for column, width in zip(made.columns, self._widths, strict=True):
                column.min_width = width
        for row in self._rows:
            made.add_row(*row)
        tables.show(self._stream, made)
        self._has_begun = True
        self._rows.clear()


def _prediction_cells(outcome: Prediction) -> tuple[Text, ...]:
    best = outcome.best
    label = f"none of its classes (most like {best.label})" if outcome.unknown else best.label
    return (
        tables.cell(str(outcome.path)),
        tables.cell(label, "yellow" if outcome.unknown else "bold"),
        tables.cell(f"{best.probability:.1%}"),
        tables.cell(f"{outcome.timing.total_ms:.0f}"),
        tables.cell(", ".join(f"{score.label} {score.probability:.0%}" for score in outcome.scores[1:]), "dim"),
    )


def _failure_cells(outcome: Failure) -> tuple[Text, ...]:
    told = tables.cell(f"{outcome.message} {outcome.hint}", "red")
    return (tables.cell(str(outcome.path)), tables.cell("failed", "red"), Text(), Text(), told)


def _prediction(outcome: Prediction) -> dict[str, Any]:
    timing = outcome.timing
    return {
        "path": str(outcome.path),
        "label": outcome.best.label,
        "confidence": round(outcome.best.probability, 6),
        "scores": [{"label": s.label, "probability": round(s.probability, 6)} for s in outcome.scores],
        "unknown": outcome.unknown,
        "model": outcome.model,
        "provider": outcome.provider,
        "decode_ms": round(timing.decode_ms, 3),
        "preprocess_ms": round(timing.preprocess_ms, 3),
        "inference_ms": round(timing.inference_ms, 3),
    }


def _failure(outcome: Failure) -> dict[str, Any]:
    error = {"kind": outcome.kind, "message": outcome.message, "hint": outcome.hint}
    return {"path": str(outcome.path), "error": error}


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return _harmless(value) if isinstance(value, str) else value


def _harmless(text: str) -> str:
    r"""A text no spreadsheet runs; bytes of a name that are not UTF-8 become `\xe9`."""
    readable = _NOT_UTF8.sub(lambda found: printable(found[0]), text)
    return f"'{readable}" if readable.startswith(_FORMULA_STARTS) else readable
