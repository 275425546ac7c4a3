"""Reports for people: one HTML page with thumbnails that loads nothing and runs nothing, so that it can be sent on."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO
from xml.etree.ElementTree import Element

from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.datasets.problems import format_path, pluralize
from core.evaluation.html import Content, element, page, table
from core.evaluation.html_components import STYLE, details, note, plot, thumbnail, tile
from core.evaluation.plots import count_bars, histogram, percent
from core.jobs.values import Verdict
from core.outputs.reports.columns import ReportRow
from core.outputs.reports.plan import ReportOptions
from core.prediction import Failure, Prediction

_BINS: Final = 20
_MAX_CLASSES_DRAWN: Final = 40
_ROW: Final = 4
"""Cards side by side where the window is wide."""
_MAX_LISTED: Final = 1000
"""Rows of a table; a browser takes longer over more than a person will read."""


@contextmanager
def web_page(stream: TextIO, plan: ReportOptions, *, report: ProgressCallback, token: CancelToken) -> Iterator[WebPage]:
    """Write a page into a stream, all of it once the block ends well.

    Args:
        stream: takes the text.
        plan: its title, what it says about itself, and how many thumbnails it shows.
        report: told of each thumbnail.
        token: looked at before each thumbnail.

    Raises:
        Cancelled: the token was cancelled.
    """
    result = WebPage(plan)
    yield result
    stream.write(result.html(report, token))


class WebPage:
    """Takes rows, and keeps of them no more than the page will show."""

    def __init__(self, plan: ReportOptions) -> None:
        self._plan = plan
        self._tally = _Statistics()
        self._examples = _ExampleSampler(plan.thumbnails)
        self._listed: list[ReportRow] = []

    def add(self, row: ReportRow) -> None:
        """Take one row."""
        self._tally.count(row)
        self._examples.offer(row)
        if len(self._listed) < _MAX_LISTED:
            self._listed.append(row)

    def html(self, report: ProgressCallback, token: CancelToken) -> str:
        """The page, of what was taken."""
        contents: list[Content] = [element("h1", self._plan.title), *_figures(self._tally)]
        contents += [*_classes(self._tally), *_confidence(self._tally)]
        contents += [*self._gallery(report, token), *self._failures(), *self._warnings()]
        contents += [*self._table(), *self._about()]
        return page(self._plan.title, STYLE, *contents)

    def _gallery(self, report: ProgressCallback, token: CancelToken) -> Iterator[Element]:
        chosen = self._examples.chosen()
        shown, answered = sum(len(rows) for _, rows in chosen), self._tally.images - self._tally.failed
        if not shown:
            return
        clock = ProgressReporter("drawing thumbnails", shown, report)
        yield element("h2", "Images")
        which = f"Shown are {shown:,} of {pluralize(answered)}; of" if shown < answered else "Of"
        yield note(f"{which} each class, those the model is least sure of come first.")
        for name, rows in _sections(chosen, self._tally.labels):
            if name:
                yield element("h3", name)
            cards = []
            for row in rows:
                token.check()
                cards.append(self._card(row))
                clock.advance()
            yield element("div", *cards, class_="cards")

    def _card(self, row: ReportRow) -> Element:
        lines = [element("b", row.final_label or ""), element("span", _confidence_text(row))]
        path = element("code", self._place(row.outcome.path))
        caption = element("figcaption", *lines, path)
        return element("figure", thumbnail(row.outcome.path), caption, class_="surface")

    def _failures(self) -> Iterator[Element]:
        failed, listed = self._tally.failed, self._tally.failures
        if not failed:
            return
        yield element("h2", "Could not be read")
        if len(listed) < failed:
            yield note(f"The first {len(listed):,} of {pluralize(failed)}.")
        yield table(("image", "why", "what to do"), ((self._place(one.path), one.message, one.hint) for one in listed))

    def _warnings(self) -> Iterator[Element]:
        if self._tally.warned:
            yield element("h2", "Read with a warning")
            rows = ((self._place(one.path), " ".join(one.warnings)) for one in self._tally.warned)
            yield table(("image", "warning"), rows)

    def _table(self) -> Iterator[Element]:
        columns = ("image", "what it is", "confidence", "or else")
        rows = (
            (self._place(row.outcome.path), row.final_label or "failed", _confidence_of(row), _others(row))
            for row in self._listed
        )
        yield element("h2", "Every answer")
        if len(self._listed) < self._tally.images:
            yield note(
                f"The first {len(self._listed):,} of {pluralize(self._tally.images)}. "
                "A report as CSV, Excel or Parquet holds all."
            )
        yield details(table(columns, rows, numbers=("confidence",)), "The answers as a table")

    def _about(self) -> Iterator[Element]:
        if self._plan.about:
            yield element("h2", "About")
            yield table(("what", "which"), self._plan.about)

    def _place(self, path: Path) -> str:
        return path.name if path == self._plan.folder else format_path(path, self._plan.folder)


@dataclass(slots=True)
class _Statistics:
    """What came of the images so far, in numbers; `failures` and `warned` are the first ones."""

    images: int = 0
    failed: int = 0
    unknown: int = 0
    corrected: int = 0
    confidence: float = 0.0
    labels: Counter[str] = field(default_factory=Counter)
    bins: list[int] = field(default_factory=lambda: [0] * _BINS)
    failures: list[Failure] = field(default_factory=list)
    warned: list[Prediction] = field(default_factory=list)

    def count(self, row: ReportRow) -> None:
        self.images += 1
        if isinstance(row.outcome, Failure):
            self.failed += 1
            if len(self.failures) < _MAX_LISTED:
                self.failures.append(row.outcome)
            return
        if row.outcome.warnings and len(self.warned) < _MAX_LISTED:
            self.warned.append(row.outcome)
        confidence = row.outcome.best.probability
        self.confidence += confidence
        self.bins[min(_BINS - 1, int(confidence * _BINS))] += 1
        self.unknown += bool(row.outcome.unknown)
        self.corrected += row.review is not None and row.review.verdict is Verdict.CORRECTED
        self.labels[row.final_label or ""] += 1


class _ExampleSampler:
    """Of each class, the images the model is least sure of; all together no more than twice as many as are shown."""

    def __init__(self, maximum: int) -> None:
        self._capacity, self._kept, self._taken = maximum, 0, 0
        self._classes: dict[str, list[tuple[float, int, ReportRow]]] = {}

    def offer(self, row: ReportRow) -> None:
        """Keep the row if it may be shown."""
        if not isinstance(row.outcome, Prediction) or not self._capacity:
            return
        self._taken += 1
        kept = self._classes.setdefault(row.final_label or "", [])
        heapq.heappush(kept, (-row.outcome.best.probability, -self._taken, row))
        self._kept += 1
        if self._kept > 2 * max(self._capacity, len(self._classes)):
            self._trim()

    def chosen(self) -> list[tuple[str, list[ReportRow]]]:
        """The rows to show, by class; the classes in the order of their names."""
        self._trim()
        names = sorted(self._classes)[: self._capacity]
        return [(name, [row for *_, row in sorted(self._classes[name], reverse=True)]) for name in names]

    def _trim(self) -> None:
        """Leave each class its share: what small classes do not need goes to the others."""
        left, waiting = self._capacity, len(self._classes)
        for kept in sorted(self._classes.values(), key=len):
            quota = max(1, left // waiting)
            while len(kept) > quota:
                heapq.heappop(kept)
            left, waiting = left - len(kept), waiting - 1
        self._kept = sum(map(len, self._classes.values()))


def _sections(
    chosen: Sequence[tuple[str, list[ReportRow]]], answers: Mapping[str, int]
) -> Iterator[tuple[str, list[ReportRow]]]:
    """The rows under headings: classes of which a row of the page is full get their own, the others share the last."""
    others = [row for _, rows in chosen if len(rows) < _ROW for row in rows]
    own = [(name, rows) for name, rows in chosen if len(rows) >= _ROW]
    for name, rows in own:
        yield f"{name} ({answers[name]:,})", rows
    if others:
        yield "Other classes" if own else "", others


def _figures(totals: _Statistics) -> Iterator[Element]:
    answered = totals.images - totals.failed
    tiles = [("images", f"{totals.images:,}", f"{pluralize(len(totals.labels), 'class')[:-1]}es found")]
    if answered:
        tiles.append(("mean confidence", percent(totals.confidence / answered), "of the likeliest class"))
    if totals.unknown:
        tiles.append(("of none of the classes", f"{totals.unknown:,}", "likely; their answers are guesses"))
    if totals.corrected:
        tiles.append(("corrected", f"{totals.corrected:,}", "by a person"))
    if totals.failed:
        tiles.append(("could not be read", f"{totals.failed:,}", "see below"))
    yield element("div", *(tile(*each) for each in tiles), class_="tiles")


def _classes(totals: _Statistics) -> Iterator[Element]:
    counts = totals.labels.most_common()
    if not counts:
        return
    answered = totals.images - totals.failed
    yield element("h2", "What they are")
    if len(counts) > _MAX_CLASSES_DRAWN:
        yield note(f"Drawn are the {_MAX_CLASSES_DRAWN} most frequent classes; the table holds all {len(counts):,}.")
    yield plot(count_bars(counts[:_MAX_CLASSES_DRAWN], answered))
    rows = ((name, f"{count:,}", percent(count / answered)) for name, count in counts)
    yield details(table(("class", "images", "share"), rows, numbers=("images", "share")))


def _confidence(totals: _Statistics) -> Iterator[Element]:
    if not totals.labels:
        return
    yield element("h2", "How sure the model is")
    yield plot(histogram(totals.bins))
    rows = (
        (f"{percent(place / _BINS)} to {percent((place + 1) / _BINS)}", f"{count:,}")
        for place, count in enumerate(totals.bins)
    )
    yield details(table(("confidence", "images"), rows, numbers=("images",)))


def _confidence_of(row: ReportRow) -> str:
    return percent(row.outcome.best.probability) if isinstance(row.outcome, Prediction) else ""


def _others(row: ReportRow) -> str:
    if isinstance(row.outcome, Failure):
        return row.outcome.message
    return ", ".join(f"{score.label} {percent(score.probability)}" for score in row.outcome.scores[1:4])


def _confidence_text(row: ReportRow) -> str:
    if not isinstance(row.outcome, Prediction):
        return ""
    best = row.outcome.best
    if row.final_label != best.label:
        return f"corrected; the model: {best.label}, {percent(best.probability)}"
    text = f"{percent(best.probability)} sure"
    return f"{text}, likely of none of the classes" if row.outcome.unknown else text
