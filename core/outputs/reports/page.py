"""HTML reports: a self-contained page with thumbnails, without scripts, that can be shared."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO
from xml.etree.ElementTree import Element

from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import percent
from core.datasets.problems import format_path
from core.evaluation.html import Content, element, page, table
from core.evaluation.html_components import STYLE, details, note, plot, thumbnail, tile
from core.evaluation.plots import count_bars, histogram
from core.jobs.values import Verdict
from core.outputs.reports.columns import ReportRow
from core.outputs.reports.plan import ReportOptions
from core.prediction import Failure, Prediction

_BINS: Final = 20
_MAX_CLASSES_SHOWN: Final = 40
_ROW: Final = 4
"""Cards per row in a wide window."""
_MAX_LISTED: Final = 1000
"""Maximum number of rows in a table; more would slow down the browser."""


@contextmanager
def web_page(stream: TextIO, plan: ReportOptions, *, report: ProgressCallback, token: CancelToken) -> Iterator[WebPage]:
    """Write a page to a stream when the block ends without an error.

    Args:
        stream: receives the text.
        plan: the options of the report.
        report: receives the progress of drawing thumbnails.
        token: checked before each thumbnail.

    Raises:
        Cancelled: the token was cancelled.
    """
    result = WebPage(plan)
    yield result
    stream.write(result.html(report, token))


class WebPage:
    """Collects rows, and keeps only those that the page will show."""

    def __init__(self, plan: ReportOptions) -> None:
        self._plan = plan
        self._tally = _Statistics()
        self._examples = _ExampleSampler(plan.thumbnails)
        self._listed: list[ReportRow] = []

    def add(self, row: ReportRow) -> None:
        """Add one row."""
        self._tally.count(row)
        self._examples.offer(row)
        if len(self._listed) < _MAX_LISTED:
            self._listed.append(row)

    def html(self, report: ProgressCallback, token: CancelToken) -> str:
        """The page of the added rows."""
        title = self._plan.title or tr("Classification report")
        contents: list[Content] = [element("h1", title), *_figures(self._tally)]
        contents += [*_classes(self._tally), *_confidence(self._tally)]
        contents += [*self._gallery(report, token), *self._failures(), *self._warnings()]
        contents += [*self._table(), *self._about()]
        return page(title, STYLE, *contents)

    def _gallery(self, report: ProgressCallback, token: CancelToken) -> Iterator[Element]:
        chosen = self._examples.chosen()
        shown, answered = sum(len(rows) for _, rows in chosen), self._tally.images - self._tally.failed
        if not shown:
            return
        clock = ProgressReporter(tr("Creating thumbnails"), shown, report)
        yield element("h2", tr("Images"))
        if shown < answered:
            yield note(
                tr(
                    "{shown:,} of {total:,} images. In each class, the images with the lowest confidence come first.",
                    shown=shown,
                    total=answered,
                )
            )
        else:
            yield note(tr("In each class, the images with the lowest confidence come first."))
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
        yield element("h2", tr("Unreadable images"))
        if len(listed) < failed:
            yield note(tr("First {shown:,} of {total:,} images.", shown=len(listed), total=failed))
        rows = ((self._place(one.path), one.message, one.hint) for one in listed)
        yield table((tr("Image"), tr("Error"), tr("What to do")), rows)

    def _warnings(self) -> Iterator[Element]:
        if self._tally.warned:
            yield element("h2", tr("Images with warnings"))
            rows = ((self._place(one.path), " ".join(one.warnings)) for one in self._tally.warned)
            yield table((tr("Image"), tr("Warning")), rows)

    def _table(self) -> Iterator[Element]:
        confidence = tr("Confidence")
        columns = (tr("Image"), tr("Class"), confidence, tr("Other classes"))
        rows = (
            (self._place(row.outcome.path), row.final_label or tr("Failed"), _confidence_of(row), _others(row))
            for row in self._listed
        )
        yield element("h2", tr("All predictions"))
        if len(self._listed) < self._tally.images:
            yield note(
                tr(
                    "First {shown:,} of {total:,} images. To get all, export the results as CSV, Excel or Parquet.",
                    shown=len(self._listed),
                    total=self._tally.images,
                )
            )
        yield details(table(columns, rows, numbers=(confidence,)), tr("Predictions as a table"))

    def _about(self) -> Iterator[Element]:
        if self._plan.about:
            yield element("h2", tr("About"))
            yield table((tr("Property"), tr("Value")), self._plan.about)

    def _place(self, path: Path) -> str:
        return path.name if path == self._plan.folder else format_path(path, self._plan.folder)


@dataclass(slots=True)
class _Statistics:
    """Statistics of the images so far; `failures` and `warned` contain the first ones only."""

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
    """Samples the images with the lowest confidence of each class, keeping at most twice as many as are shown."""

    def __init__(self, maximum: int) -> None:
        self._capacity, self._kept, self._taken = maximum, 0, 0
        self._classes: dict[str, list[tuple[float, int, ReportRow]]] = {}

    def offer(self, row: ReportRow) -> None:
        """Add a row, and keep it if it may be shown."""
        if not isinstance(row.outcome, Prediction) or not self._capacity:
            return
        self._taken += 1
        kept = self._classes.setdefault(row.final_label or "", [])
        heapq.heappush(kept, (-row.outcome.best.probability, -self._taken, row))
        self._kept += 1
        if self._kept > 2 * max(self._capacity, len(self._classes)):
            self._trim()

    def chosen(self) -> list[tuple[str, list[ReportRow]]]:
        """The rows to show for each class, sorted by class name."""
        self._trim()
        names = sorted(self._classes)[: self._capacity]
        return [(name, [row for *_, row in sorted(self._classes[name], reverse=True)]) for name in names]

    def _trim(self) -> None:
        """Reduce each class to its quota; what small classes do not need goes to the others."""
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
    """Group rows under headings: classes that fill a row of the page have their own, the others share the last one."""
    others = [row for _, rows in chosen if len(rows) < _ROW for row in rows]
    own = [(name, rows) for name, rows in chosen if len(rows) >= _ROW]
    for name, rows in own:
        yield f"{name} ({answers[name]:,})", rows
    if others:
        yield tr("Other classes") if own else "", others


def _figures(totals: _Statistics) -> Iterator[Element]:
    answered = totals.images - totals.failed
    classes = tr_n("{count:,} class found", "{count:,} classes found", len(totals.labels))
    tiles = [(tr("Images"), f"{totals.images:,}", classes)]
    if answered:
        tiles.append((tr("Mean confidence"), percent(totals.confidence / answered), tr("of the predicted class")))
    if totals.unknown:
        tiles.append((tr("Unknown"), f"{totals.unknown:,}", tr("probably none of the classes")))
    if totals.corrected:
        tiles.append((tr("Corrected"), f"{totals.corrected:,}", tr("by you")))
    if totals.failed:
        tiles.append((tr("Unreadable"), f"{totals.failed:,}", tr("see below")))
    yield element("div", *(tile(*each) for each in tiles), class_="tiles")


def _classes(totals: _Statistics) -> Iterator[Element]:
    counts = totals.labels.most_common()
    if not counts:
        return
    answered = totals.images - totals.failed
    yield element("h2", tr("Classes"))
    if len(counts) > _MAX_CLASSES_SHOWN:
        yield note(
            tr(
                "Chart of the {shown} most frequent classes; the table lists all {total:,}.",
                shown=_MAX_CLASSES_SHOWN,
                total=len(counts),
            )
        )
    yield plot(count_bars(counts[:_MAX_CLASSES_SHOWN], answered))
    rows = ((name, f"{count:,}", percent(count / answered)) for name, count in counts)
    images, fraction = tr("Images"), tr("Fraction")
    yield details(table((tr("Class"), images, fraction), rows, numbers=(images, fraction)))


def _confidence(totals: _Statistics) -> Iterator[Element]:
    if not totals.labels:
        return
    yield element("h2", tr("Confidence"))
    yield plot(histogram(totals.bins))
    rows = (
        (tr("{low} to {high}", low=percent(place / _BINS), high=percent((place + 1) / _BINS)), f"{count:,}")
        for place, count in enumerate(totals.bins)
    )
    images = tr("Images")
    yield details(table((tr("Confidence"), images), rows, numbers=(images,)))


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
        return tr("Corrected · Model: {label} {confidence}", label=best.label, confidence=percent(best.probability))
    if row.outcome.unknown:
        return tr("Confidence {confidence} · probably none of the classes", confidence=percent(best.probability))
    return tr("Confidence {confidence}", confidence=percent(best.probability))
