"""The report of an evaluation: one HTML file that loads nothing, runs nothing and follows light and dark."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from PIL import Image

from core.errors import ImageError
from core.images.decoding import decode_within
from core.judging.calibration import BINS, Calibration
from core.judging.evaluation import Evaluation, Mistake, most_confused
from core.judging.markup import Content, element, page, table
from core.judging.plots import class_bars, confusion_matrix, percent, reliability_diagram

_MOST_CLASSES_DRAWN: Final = 40
"""Beyond this a plot is no longer read; tables still hold every class."""
_WORST_CLASSES: Final = 20
_MOST_PAIRS: Final = 20
_COVERAGES: Final = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)
_THUMBNAIL: Final = 160


def html_report(evaluation: Evaluation, *, title: str, about: Mapping[str, str]) -> str:
    """The report as HTML.

    Args:
        evaluation: what to tell; thumbnails are read from its mistakes' paths, those that cannot be are left out.
        title: the heading.
        about: what was evaluated and how, in words, for the foot of the page.
    """
    sections = (_figures, _confusions, _classes, _honesty, _acceptance, _mistakes)
    contents = [part for section in sections for part in section(evaluation)]
    facts = table(("what", "which"), about.items())
    return page(title, _STYLE, element("h1", title), *contents, element("h2", "About"), facts)


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
    yield element("div", *(_tile(*tile) for tile in tiles), class_="tiles")


def _tile(name: str, figure: str, remark: str) -> Element:
    return element(
        "div", element("span", name), element("strong", figure), element("span", remark), class_="tile surface"
    )


def _confusions(evaluation: Evaluation) -> Iterator[Element]:
    classes, confusion = evaluation.classes, evaluation.confusion
    yield element("h2", "What is taken for what")
    if len(classes) <= _MOST_CLASSES_DRAWN:
        yield _note("Each row is a class, each column what its images were named; the stronger, the more of the row.")
        yield _plot(confusion_matrix(confusion, classes))
        rows = ((label, *map(str, row)) for label, row in zip(classes, confusion.tolist(), strict=True))
        yield _twin(table(("class", *classes), rows, numbers=classes))
    else:
        yield _note(f"A matrix of {len(classes):,} classes could not be read.")
    pairs = most_confused(evaluation, _MOST_PAIRS)
    if pairs:
        yield element("h3", "Most frequent confusions")
        rows = ((one.label, one.predicted, f"{one.images:,}", percent(one.share)) for one in pairs)
        yield table(("class", "named", "images", "of the class"), rows, numbers=("images", "of the class"))


def _classes(evaluation: Evaluation) -> Iterator[Element]:
    figures = evaluation.per_class
    shown = figures
    yield element("h2", "Classes")
    yield _note("Recall: of a class's images, the share named so. Precision: of images named so, the share that are.")
    if len(figures) > _MOST_CLASSES_DRAWN:
        judged = [one for one in figures if one.support]
        shown = tuple(sorted(judged, key=lambda one: one.f1 or 0)[:_WORST_CLASSES])
        yield _note(f"Drawn are the {len(shown)} classes with the least F1; the table holds all {len(figures):,}.")
    yield _plot(class_bars(shown))
    columns = ("class", "precision", "recall", "F1", "images")
    rows = ((one.label, *map(percent, (one.precision, one.recall, one.f1)), f"{one.support:,}") for one in figures)
    yield _twin(table(columns, rows, numbers=columns[1:]))


def _honesty(evaluation: Evaluation) -> Iterator[Element]:
    raw, calibrated = evaluation.raw, evaluation.calibrated
    yield element("h2", "How honest its confidence is")
    yield _note(
        f"On the dashed line a model is right as often as it claims. Filled marks: with the model's temperature, "
        f"{calibrated.temperature:.3g}. Hollow marks: without it. A larger mark stands for more images. The "
        f"calibration error is their mean distance from the line, weighted by images, over {BINS} bins of equal width."
    )
    yield _plot(reliability_diagram(raw, calibrated))
    columns = ("confidence", "images", "mean confidence", "right")
    for name, found in (("With the temperature", calibrated), ("Without it", raw)):
        yield _twin(table(columns, _bin_rows(found), numbers=columns[1:]), name)


def _bin_rows(found: Calibration) -> Iterator[tuple[str, ...]]:
    for one in found.bins:
        span = f"{percent(one.low)} to {percent(one.high)}"
        yield span, f"{one.images:,}", percent(one.confidence), percent(one.accuracy)


def _acceptance(evaluation: Evaluation) -> Iterator[Element]:
    yield element("h2", "If only sure answers are accepted")
    yield _note("The rest is left for a person to look at.")
    columns = ("accept from", "images accepted", "of them right")
    points = [
        min(evaluation.risk_coverage, key=lambda point: abs(point.coverage - coverage)) for coverage in _COVERAGES
    ]
    rows = [(percent(one.threshold), percent(one.coverage), percent(1 - one.risk)) for one in dict.fromkeys(points)]
    yield table(columns, rows, numbers=columns[1:])


def _mistakes(evaluation: Evaluation) -> Iterator[Element]:
    yield element("h2", "Surest mistakes")
    if not evaluation.mistakes:
        yield _note("There are none: every image was named rightly.")
        return
    yield _note("Look here first: where a sure model is wrong, the label may be.")
    yield element("div", *map(_card, evaluation.mistakes), class_="cards")


def _card(mistake: Mistake) -> Element:
    sure = f"{percent(mistake.confidence)} sure, {percent(mistake.probability)} for {mistake.label}"
    told = element("b", f"{mistake.label} named {mistake.predicted}")
    return element(
        "figure",
        _thumbnail(mistake),
        element("figcaption", told, element("span", sure), element("code", str(mistake.path))),
        class_="surface",
    )


def _thumbnail(mistake: Mistake) -> Element:
    try:
        image = Image.fromarray(decode_within(mistake.path, 2 * _THUMBNAIL))
    except ImageError as error:
        return element("div", error.what, class_="thumbnail")
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return element("img", src=f"data:image/jpeg;base64,{data}", alt=mistake.path.name, class_="thumbnail")


def _note(text: str) -> Element:
    return element("p", text, class_="note")


def _plot(drawing: Content) -> Element:
    return element("div", drawing, class_="plot surface")


def _twin(content: Element, name: str = "The same as a table") -> Element:
    return element("details", element("summary", name), content)


_STYLE: Final = """
:root {
  color-scheme: light dark;
  --window: #f4f5f7; --surface: #ffffff; --border: #dfe1e6; --text: #1a1c21; --muted: #5c606b;
  --accent: #3451c7; --second: #c06c00; --wrong: #b3261e; --on-fill: #ffffff; --track: #e7e9ee;
}
@media (prefers-color-scheme: dark) {
  :root {
    --window: #141518; --surface: #1b1d21; --border: #33363d; --text: #eceef2; --muted: #a2a7b3;
    --accent: #8ea2ff; --second: #f3c061; --wrong: #ff8a80; --on-fill: #10131f; --track: #31343b;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--window); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 24px; overflow-wrap: anywhere; }
h2 { font-size: 20px; margin: 48px 0 8px; }
h3 { font-size: 15px; margin: 24px 0 8px; }
.note { color: var(--muted); margin: 0 0 16px; max-width: 72ch; }
.surface { background: var(--surface); border: 1px solid var(--border); border-radius: 8px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(168px, 1fr)); gap: 16px; }
.tile { padding: 16px; display: flex; flex-direction: column; }
.tile span { color: var(--muted); font-size: 13px; }
.tile strong { font-size: 28px; line-height: 1.3; }
.plot { padding: 16px; overflow-x: auto; }
.plot svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
.scrolled { overflow-x: auto; }
details { margin-top: 8px; }
summary { cursor: pointer; color: var(--accent); padding: 4px 0; }
table { border-collapse: collapse; font-size: 14px; }
th, td { text-align: left; padding: 6px 16px 6px 0; border-bottom: 1px solid var(--border); overflow-wrap: anywhere; }
thead th { color: var(--muted); font-weight: 500; white-space: nowrap; overflow-wrap: normal; }
tbody th { font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 16px; }
figure { margin: 0; overflow: hidden; }
.thumbnail { width: 100%; height: 160px; object-fit: contain; background: var(--track); padding: 8px; display: block; }
div.thumbnail { color: var(--muted); font-size: 13px; }
figcaption { padding: 12px; display: flex; flex-direction: column; gap: 2px; font-size: 13px; }
figcaption span { color: var(--muted); }
code { color: var(--muted); font-size: 12px; overflow-wrap: anywhere; }
text { font: 12px system-ui, sans-serif; fill: var(--text); font-variant-numeric: tabular-nums; }
text.on-fill { fill: var(--on-fill); }
.empty { fill: var(--track); }
.right, .recall { fill: var(--accent); }
.precision { fill: var(--second); }
rect.wrong { fill: var(--wrong); }
.grid { stroke: var(--border); }
.honest { stroke: var(--muted); stroke-dasharray: 5 4; }
.mark { stroke-width: 2; fill-opacity: 0.75; }
.mark.raw { fill: none; stroke: var(--second); }
.mark.calibrated { fill: var(--accent); stroke: var(--surface); }
@media print { body { background: none; } details > * { display: block; } }
"""
