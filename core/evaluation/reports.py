"""The report of an evaluation: one HTML file that loads nothing, runs nothing and follows light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from core.datasets.problems import format_path
from core.evaluation.calibration import BINS, Calibration
from core.evaluation.html import element, page, table
from core.evaluation.html_components import STYLE, details, note, plot, thumbnail, tile
from core.evaluation.metrics import Evaluation, Misclassification, most_confused
from core.evaluation.plots import class_bars, confusion_matrix, percent, reliability_diagram

_MAX_CLASSES_DRAWN: Final = 40
"""Beyond this a plot is no longer read; tables still hold every class."""
_WORST_CLASSES: Final = 20
_MAX_PAIRS: Final = 20
_COVERAGES: Final = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)


def html_report(evaluation: Evaluation, *, title: str, about: Mapping[str, str], folder: Path | None = None) -> str:
    """The report as HTML.

    Args:
        evaluation: what to tell; thumbnails are read from its mistakes' paths, those that cannot be are left out.
        title: the heading.
        about: what was evaluated and how, in words, for the foot of the page.
        folder: the page names images by their place in it, for nobody else needs to know where it lies.
    """
    sections = (_figures, _confusions, _classes, _calibration, _acceptance)
    contents = [part for section in sections for part in section(evaluation)] + [*_mistakes(evaluation, folder)]
    facts = table(("what", "which"), about.items())
    return page(title, STYLE, element("h1", title), *contents, element("h2", "About"), facts)


def _figures(evaluation: Evaluation) -> Iterator[Element]:
    low, high = evaluation.interval
    raw, calibrated, k = evaluation.raw, evaluation.calibrated, len(evaluation.top_k)
    tiles = [
        ("accuracy", percent(evaluation.accuracy), f"95% interval {percent(low)} to {percent(high)}"),
        ("images", f"{evaluation.images:,}", f"in {len(evaluation.classes):,} classes"),
        ("calibration error", percent(calibrated.ece), f"{percent(raw.ece)} without the model's temperature"),
        ("log loss", f"{calibrated.log_loss:.3f}", f"{raw.log_loss:.3f} without the model's temperature"),
    ]
    if k < len(evaluation.classes):
        tiles.insert(1, (f"top {k}", percent(evaluation.top_k[-1]), f"right class among the {k} likeliest"))
    yield element("div", *(tile(*each) for each in tiles), class_="tiles")


def _confusions(evaluation: Evaluation) -> Iterator[Element]:
    classes, confusion = evaluation.classes, evaluation.confusion
    yield element("h2", "What is taken for what")
    if len(classes) <= _MAX_CLASSES_DRAWN:
        yield note("Each row is a class, each column what its images were named; the stronger, the more of the row.")
        yield plot(confusion_matrix(confusion, classes))
        rows = ((label, *map(str, row)) for label, row in zip(classes, confusion.tolist(), strict=True))
        yield details(table(("class", *classes), rows, numbers=classes))
    else:
        yield note(f"A matrix of {len(classes):,} classes could not be read.")
    pairs = most_confused(evaluation, _MAX_PAIRS)
    if pairs:
        yield element("h3", "Most frequent confusions")
        rows = ((one.label, one.predicted, f"{one.images:,}", percent(one.share)) for one in pairs)
        yield table(("class", "named", "images", "of the class"), rows, numbers=("images", "of the class"))


def _classes(evaluation: Evaluation) -> Iterator[Element]:
    figures = evaluation.per_class
    shown = figures
    yield element("h2", "Classes")
    yield note("Recall: of a class's images, the share named so. Precision: of images named so, the share that are.")
    if len(figures) > _MAX_CLASSES_DRAWN:
        judged = [one for one in figures if one.support]
        shown = tuple(sorted(judged, key=lambda one: one.f1 or 0)[:_WORST_CLASSES])
        yield note(f"Drawn are the {len(shown)} classes with the least F1; the table holds all {len(figures):,}.")
    yield plot(class_bars(shown))
    columns = ("class", "precision", "recall", "F1", "images")
    rows = ((one.label, *map(percent, (one.precision, one.recall, one.f1)), f"{one.support:,}") for one in figures)
    yield details(table(columns, rows, numbers=columns[1:]))


def _calibration(evaluation: Evaluation) -> Iterator[Element]:
    raw, calibrated = evaluation.raw, evaluation.calibrated
    yield element("h2", "How honest its confidence is")
    yield note(
        f"On the dashed line a model is right as often as it claims. Filled marks: with the model's temperature, "
        f"{calibrated.temperature:.3g}. Hollow marks: without it. A larger mark stands for more images. The "
        f"calibration error is their mean distance from the line, weighted by images, over {BINS} bins of equal width."
    )
    yield plot(reliability_diagram(raw, calibrated))
    columns = ("confidence", "images", "mean confidence", "right")
    for name, found in (("With the temperature", calibrated), ("Without it", raw)):
        yield details(table(columns, _bin_rows(found), numbers=columns[1:]), name)


def _bin_rows(found: Calibration) -> Iterator[tuple[str, ...]]:
    for one in found.bins:
        span = f"{percent(one.low)} to {percent(one.high)}"
        yield span, f"{one.images:,}", percent(one.confidence), percent(one.accuracy)


def _acceptance(evaluation: Evaluation) -> Iterator[Element]:
    yield element("h2", "If only sure answers are accepted")
    yield note("The rest is left for a person to look at.")
    columns = ("accept from", "images accepted", "of them right")
    points = [
        min(evaluation.risk_coverage, key=lambda point: abs(point.coverage - coverage)) for coverage in _COVERAGES
    ]
    rows = [(percent(one.threshold), percent(one.coverage), percent(1 - one.risk)) for one in dict.fromkeys(points)]
    yield table(columns, rows, numbers=columns[1:])


def _mistakes(evaluation: Evaluation, folder: Path | None) -> Iterator[Element]:
    yield element("h2", "Surest mistakes")
    if not evaluation.mistakes:
        yield note("There are none: every image was named rightly.")
        return
    yield note("Look here first: where a sure model is wrong, the label may be.")
    yield element("div", *(_card(one, folder) for one in evaluation.mistakes), class_="cards")


def _card(mistake: Misclassification, folder: Path | None) -> Element:
    confidence = f"{percent(mistake.confidence)} sure, {percent(mistake.probability)} for {mistake.label}"
    title = element("b", f"{mistake.label} named {mistake.predicted}")
    return element(
        "figure",
        thumbnail(mistake.path),
        element("figcaption", title, element("span", confidence), element("code", format_path(mistake.path, folder))),
        class_="surface",
    )
