"""The HTML report of an evaluation: one file without scripts or external resources, with light and dark themes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from core.base.i18n import tr, tr_n
from core.datasets.problems import format_path
from core.evaluation.calibration import BINS
from core.evaluation.html import element, page, table
from core.evaluation.html_components import STYLE, details, note, plot, thumbnail, tile
from core.evaluation.plots import class_bars, confusion_matrix, percent, reliability_diagram
from core.evaluation.values import Calibration, Evaluation, LabelledPrediction

_MAX_CLASSES_DRAWN: Final = 40
"""With more classes, plots are unreadable; tables still list every class."""
_WORST_CLASSES: Final = 20
_MAX_PAIRS: Final = 20
_MAX_MISTAKES: Final = 24
_COVERAGES: Final = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)


def html_report(evaluation: Evaluation, *, title: str, about: Mapping[str, str], folder: Path | None = None) -> str:
    """Render the report as HTML.

    Args:
        evaluation: the results; thumbnails are read from the paths of its mistakes.
        title: the heading.
        about: what was evaluated and how, for the end of the page.
        folder: paths are shown relative to it, so that the report does not reveal where it is.
    """
    sections = (_figures, _confusions, _classes, _calibration, _acceptance)
    contents = [part for section in sections for part in section(evaluation)] + [*_mistakes(evaluation, folder)]
    facts = table((tr("property"), tr("value")), about.items())
    return page(title, STYLE, element("h1", title), *contents, element("h2", tr("About")), facts)


def _figures(evaluation: Evaluation) -> Iterator[Element]:
    low, high = evaluation.interval
    raw, calibrated, k = evaluation.raw, evaluation.calibrated, len(evaluation.top_k)
    interval = tr("95% confidence interval: {low} to {high}", low=percent(low), high=percent(high))
    classes = tr_n("in {count:,} class", "in {count:,} classes", len(evaluation.classes))
    tiles = [
        (tr("accuracy"), percent(evaluation.accuracy), interval),
        (tr("images"), f"{evaluation.images:,}", classes),
        (tr("calibration error"), percent(calibrated.ece), tr("{value} uncalibrated", value=percent(raw.ece))),
        (tr("log loss"), f"{calibrated.log_loss:.3f}", tr("{value} uncalibrated", value=f"{raw.log_loss:.3f}")),
    ]
    if k < len(evaluation.classes):
        explained = tr("true class among the {k} most likely", k=k)
        tiles.insert(1, (tr("top-{k} accuracy", k=k), percent(evaluation.top_k[-1]), explained))
    yield element("div", *(tile(*each) for each in tiles), class_="tiles")


def _confusions(evaluation: Evaluation) -> Iterator[Element]:
    classes = evaluation.classes
    yield element("h2", tr("Confusion matrix"))
    if len(classes) <= _MAX_CLASSES_DRAWN:
        confusion = evaluation.confusion
        yield note(tr("Rows are true classes, columns are predictions. Darker squares are a larger part of their row."))
        yield plot(confusion_matrix(confusion, classes))
        rows = ((label, *map(str, row)) for label, row in zip(classes, confusion, strict=True))
        yield details(table((tr("class"), *classes), rows, numbers=classes))
    else:
        yield note(
            tr_n(
                "The matrix isn't shown because it has too many classes ({count:,}).",
                "The matrix isn't shown because it has too many classes ({count:,}).",
                len(classes),
            )
        )
    pairs = evaluation.most_confused(_MAX_PAIRS)
    if pairs:
        yield element("h3", tr("Most frequent confusions"))
        rows = ((one.label, one.predicted, f"{one.images:,}", percent(one.share)) for one in pairs)
        columns = (tr("class"), tr("predicted as"), tr("images"), tr("share of class"))
        yield table(columns, rows, numbers=columns[2:])


def _classes(evaluation: Evaluation) -> Iterator[Element]:
    figures = evaluation.per_class
    shown = figures
    yield element("h2", tr("Classes"))
    yield note(
        tr(
            "Recall: the share of a class's images that were found. "
            "Precision: the share of predictions of a class that were right."
        )
    )
    if len(figures) > _MAX_CLASSES_DRAWN:
        evaluated = [one for one in figures if one.support]
        shown = tuple(sorted(evaluated, key=lambda one: one.f1 or 0)[:_WORST_CLASSES])
        yield note(
            tr_n(
                "The chart shows the {shown} classes with the lowest F1; the table lists all {count:,}.",
                "The chart shows the {shown} classes with the lowest F1; the table lists all {count:,}.",
                len(figures),
                shown=len(shown),
            )
        )
    yield plot(class_bars(shown))
    columns = (tr("class"), tr("precision"), tr("recall"), tr("F1"), tr("images"))
    rows = ((one.label, *map(percent, (one.precision, one.recall, one.f1)), f"{one.support:,}") for one in figures)
    yield details(table(columns, rows, numbers=columns[1:]))


def _calibration(evaluation: Evaluation) -> Iterator[Element]:
    raw, calibrated = evaluation.raw, evaluation.calibrated
    yield element("h2", tr("Calibration"))
    yield note(
        tr(
            "On the dashed line, a model is right as often as its confidence says. Filled marks are calibrated "
            "(temperature {temperature:.3g}), hollow marks are not; larger marks have more images. The calibration "
            "error is the mean distance from the line, weighted by images, over {bins} bins of equal width.",
            temperature=calibrated.temperature,
            bins=BINS,
        )
    )
    yield plot(reliability_diagram(raw, calibrated))
    columns = (tr("confidence"), tr("images"), tr("mean confidence"), tr("accuracy"))
    for name, found in ((tr("Calibrated"), calibrated), (tr("Uncalibrated"), raw)):
        yield details(table(columns, _bin_rows(found), numbers=columns[1:]), name)


def _bin_rows(found: Calibration) -> Iterator[tuple[str, ...]]:
    for one in found.bins:
        span = tr("{low} to {high}", low=percent(one.low), high=percent(one.high))
        yield span, f"{one.images:,}", percent(one.confidence), percent(one.accuracy)


def _acceptance(evaluation: Evaluation) -> Iterator[Element]:
    yield element("h2", tr("Accepting only confident predictions"))
    yield note(tr("The other images are left for you to review."))
    columns = (tr("minimum confidence"), tr("accepted"), tr("accuracy"))
    points = [
        min(evaluation.risk_coverage, key=lambda point: abs(point.coverage - coverage)) for coverage in _COVERAGES
    ]
    rows = [(percent(one.threshold), percent(one.coverage), percent(1 - one.risk)) for one in dict.fromkeys(points)]
    yield table(columns, rows, numbers=columns[1:])


def _mistakes(evaluation: Evaluation, folder: Path | None) -> Iterator[Element]:
    yield element("h2", tr("Most confident mistakes"))
    mistakes = evaluation.mistakes[:_MAX_MISTAKES]
    if not mistakes:
        yield note(tr("None: every image was classified correctly."))
        return
    yield note(tr("Check these first: when a confident prediction is wrong, the label may be the mistake."))
    yield element("div", *(_card(one, folder) for one in mistakes), class_="cards")


def _card(mistake: LabelledPrediction, folder: Path | None) -> Element:
    title = tr("{label} predicted as {predicted}", label=mistake.label, predicted=mistake.predicted)
    confidence = tr(
        "{confidence} confident, {probability} for {label}",
        confidence=percent(mistake.confidence),
        probability=percent(mistake.probability),
        label=mistake.label,
    )
    path = format_path(mistake.path, folder)
    caption = element("figcaption", element("b", title), element("span", confidence), element("code", path))
    return element("figure", thumbnail(mistake.path), caption, class_="surface")
