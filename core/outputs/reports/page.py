"""HTML reports: a self-contained page with thumbnails, without scripts, that can be shared."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final, TextIO

from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.label_sets import classes_of
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.text import either_text, percent
from core.card_rules import MAX_OUT_OF_SAMPLE
from core.datasets.problems import format_path
from core.evaluation.acceptance import drift_text, find_drift
from core.evaluation.pages import map_thumbnail, templates, thumbnail
from core.jobs.values import Verdict
from core.outputs.reports.columns import NEAREST, OBJECTS, ROLLED_UP, SET, UNKNOWN_SCORE, ReportRow
from core.outputs.reports.plan import ReportOptions
from core.prediction import Evidence, Failure, Outcome, Prediction

TEMPLATES: Final = Path(__file__).with_name("templates")
_BINS: Final = 20
_MAX_CLASSES_SHOWN: Final = 40
_ROW: Final = 4
"""Cards per row in a wide window."""
_MAX_LISTED: Final = 1000
"""Maximum number of rows in a table; more would slow down the browser."""


@contextmanager
def web_page(stream: TextIO, plan: ReportOptions, *, report: ProgressCallback, token: CancelToken) -> Iterator[WebPage]:
    """Write a page to a stream when the block ends without an error; `report` and `token` are for its thumbnails."""
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
        totals, chosen = self._tally, self._examples.chosen()
        shown, answered = sum(len(rows) for _, rows in chosen), totals.images - totals.failed
        clock = ProgressReporter(tr("Creating thumbnails"), shown, report)
        counts = totals.labels.most_common()
        template = templates(TEMPLATES).get_template("results.html")
        return template.render(
            title=self._plan.title or tr("Classification report"),
            about=self._plan.about,
            totals=totals,
            extra=list(_extra_figures(totals)),
            counts=counts,
            max_classes=_MAX_CLASSES_SHOWN,
            class_rows=[(name, f"{count:,}", percent(count / answered)) for name, count in counts],
            bin_rows=_bin_rows(totals),
            shown=shown,
            sections=((name, self._cards(rows, clock, token)) for name, rows in _sections(chosen, totals.answers)),
            failures=[(self._place(one.path), one.message, one.hint) for one in totals.failures],
            warned=[(self._place(one.path), " ".join(one.warnings)) for one in totals.warned],
            listed=[self._listed_cells(row) for row in self._listed],
            more=(*((tr("Group"),) if self._has_groups else ()), *self._more_headings()),
            maps=self._plan.explain is not None,
            drift=_drift_text(self._plan, totals),
            coverages=[percent(one).replace(".0%", "%") for one in totals.coverages],
        )

    def _listed_cells(self, row: ReportRow) -> tuple[str, ...]:
        score = UNKNOWN_SCORE.value_of(row)
        return (
            self._place(row.outcome.path),
            row.answer or tr("Failed"),
            _confidence_of(row),
            _others(row),
            "" if score is None else f"{score:.2f}",
            str(SET.value_of(row) or ""),
            str(NEAREST.value_of(row) or ""),
            *((_group_text(row),) if self._has_groups else ()),
            *((str(OBJECTS.value_of(row) or ""),) if self._plan.columns.detection else ()),
            *map(_of_other_model, row.others or [None] * len(self._plan.columns.others)),
        )

    @property
    def _has_groups(self) -> bool:
        """Whether a listed prediction is rolled up to a group of classes."""
        return any(isinstance(row.outcome, Prediction) and row.outcome.group for row in self._listed)

    def _more_headings(self) -> tuple[str, ...]:
        columns = self._plan.columns
        return (*((tr("Objects"),) if columns.detection else ()), *columns.others)

    def _cards(
        self, rows: Sequence[ReportRow], clock: ProgressReporter, token: CancelToken
    ) -> Iterator[tuple[str, ...]]:
        """The title, a detail, the path, the thumbnail and perhaps the map of each row, made one after the other."""
        for row in rows:
            token.check()
            path = row.outcome.path
            yield row.answer or "", _confidence_text(row), self._place(path), thumbnail(path), self._map(row)
            clock.advance()

    def _map(self, row: ReportRow) -> str:
        if self._plan.explain is None or not isinstance(row.outcome, Prediction):
            return ""
        try:
            return map_thumbnail(self._plan.explain(row.outcome.path, row.outcome.best.label))
        except FoveaError as error:
            return error.what

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
    answers: Counter[str] = field(default_factory=Counter)
    bins: list[int] = field(default_factory=lambda: [0] * _BINS)
    coverages: set[float] = field(default_factory=set)
    scores: list[float] = field(default_factory=list)
    draw: Random = field(default_factory=lambda: Random(0))
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
        if row.outcome.evidence:
            self._count_evidence(row.outcome.evidence)
        self.corrected += row.review is not None and row.review.verdict is Verdict.CORRECTED
        self.labels.update(classes_of(row.final_label))
        self.answers[row.answer or ""] += 1

    def _count_evidence(self, found: Evidence) -> None:
        """Note the coverage, and the scores of a sample of the images (Vitter's algorithm R)."""
        self.coverages.update(() if found.coverage is None else (found.coverage,))
        if len(self.scores) < MAX_OUT_OF_SAMPLE:
            self.scores.append(found.unknown_score)
        elif (place := self.draw.randrange(self.images - self.failed)) < MAX_OUT_OF_SAMPLE:
            self.scores[place] = found.unknown_score


class _ExampleSampler:
    """Samples the images with the lowest confidence of each class, keeping at most twice as many as are shown."""

    def __init__(self, maximum: int) -> None:
        self._capacity, self._kept, self._taken = maximum, 0, 0
        self._classes: dict[str, list[tuple[float, int, ReportRow]]] = {}

    def offer(self, row: ReportRow) -> None:
        if not isinstance(row.outcome, Prediction) or not self._capacity:
            return
        self._taken += 1
        kept = self._classes.setdefault(row.answer or "", [])
        heapq.heappush(kept, (-row.outcome.best.probability, -self._taken, row))
        self._kept += 1
        if self._kept > 2 * max(self._capacity, len(self._classes)):
            self._trim()

    def chosen(self) -> list[tuple[str, list[ReportRow]]]:
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


def _drift_text(plan: ReportOptions, totals: _Statistics) -> str:
    found = find_drift(plan.known_scores, totals.scores)
    return drift_text(found) if found and found.is_significant else ""


def _extra_figures(totals: _Statistics) -> Iterator[tuple[str, int, str]]:
    if totals.unknown:
        yield tr("Unknown"), totals.unknown, tr("probably none of the classes")
    if totals.corrected:
        yield tr("Corrected"), totals.corrected, tr("by you")
    if totals.failed:
        yield tr("Unreadable"), totals.failed, tr("see below")


def _bin_rows(totals: _Statistics) -> list[tuple[str, str]]:
    edges = [percent(place / _BINS) for place in range(_BINS + 1)]
    spans = [tr("{low} to {high}", low=low, high=high) for low, high in pairwise(edges)]
    return [(span, f"{count:,}") for span, count in zip(spans, totals.bins, strict=True)]


def _confidence_of(row: ReportRow) -> str:
    return percent(row.outcome.best.probability) if isinstance(row.outcome, Prediction) else ""


def _others(row: ReportRow) -> str:
    if isinstance(row.outcome, Failure):
        return row.outcome.message
    return ", ".join(f"{score.label} {percent(score.probability)}" for score in row.outcome.scores[1:4])


def _group_text(row: ReportRow) -> str:
    """The narrowest group or class that is sure enough, such as “animal > bird 94%”."""
    found = row.outcome.rolled_up if isinstance(row.outcome, Prediction) else None
    return f"{ROLLED_UP.value_of(row)} {percent(found.probability)}" if found else ""


def _of_other_model(outcome: Outcome | None) -> str:
    if not isinstance(outcome, Prediction):
        return ""
    if outcome.labels is not None:
        return outcome.answer
    return tr("Unknown") if outcome.unknown else f"{outcome.best.label} {percent(outcome.best.probability)}"


def _confidence_text(row: ReportRow) -> str:
    if not isinstance(row.outcome, Prediction):
        return ""
    best = row.outcome.best
    if row.outcome.labels is not None:
        return _probabilities_text(row, row.outcome)
    if (group := row.outcome.group) and row.final_label in (best.label, group.label):
        values = {"label": best.label, "confidence": percent(best.probability), "share": percent(group.probability)}
        return tr("{group} {share}, maybe {label} {confidence}", group=group.label, **values)
    if row.final_label != best.label:
        return tr("Corrected · Model: {label} {confidence}", label=best.label, confidence=percent(best.probability))
    if row.outcome.unknown:
        return tr("Confidence {confidence} · probably none of the classes", confidence=percent(best.probability))
    if others := row.outcome.candidates[1:]:
        return tr(
            "Confidence {confidence} · or {others}", confidence=percent(best.probability), others=either_text(others)
        )
    return tr("Confidence {confidence}", confidence=percent(best.probability))


def _probabilities_text(row: ReportRow, outcome: Prediction) -> str:
    """The classes that an image has by a multi-label model, or otherwise the most likely one."""
    has = [one for one in outcome.scores if one.label in (outcome.labels or ())] or [outcome.best]
    likely = ", ".join(f"{one.label} {percent(one.probability)}" for one in has)
    if row.final_label != outcome.label:
        return tr("Corrected · Model: {predictions}", predictions=likely)
    return likely if outcome.labels else tr("Most likely: {prediction}", prediction=likely)
