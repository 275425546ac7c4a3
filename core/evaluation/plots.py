"""SVG plots of reports: confusion matrix, bars by class, confidence histogram, reliability diagram.

They use the colours of the page, so they follow its light or dark theme; every mark has a tooltip with its figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Final
from xml.etree.ElementTree import Element

from core.base.i18n import tr, tr_n
from core.evaluation.html import element
from core.evaluation.values import Calibration, ClassMetrics, ReliabilityBin

_LETTER: Final = 6.6
"""Mean width of a letter at the plots' 12 pixels, in pixels."""
_MAX_LABEL: Final = 24
_SIDE: Final = 340.0
_MARGIN: Final = 62.0
_BAR_WIDTH: Final = 300.0
_ROW: Final = 42.0
_THIN_ROW: Final = 26.0
_HISTOGRAM_WIDTH: Final = 720.0
_HISTOGRAM_HEIGHT: Final = 160.0


def percent(fraction: float | None) -> str:
    """A fraction as a percentage with one decimal; a dash if it is undefined."""
    return "–" if fraction is None else f"{fraction:.1%}"


def confusion_matrix(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> Element:
    """A confusion matrix [classes, classes] as squares: true classes in rows, predicted classes in columns."""
    cell = max(22.0, min(46.0, 560 / len(classes)))
    margin = _label_width(classes)
    top = margin * math.sqrt(0.5) + 14
    name = tr("Confusion matrix")
    drawing = _drawing(margin + cell * len(classes) + margin * 0.6, top + cell * len(classes), name)
    for index, label in enumerate(classes):
        along = (index + 0.5) * cell
        x, y = margin + along, top - 8
        drawing.append(_text(_short(label), margin - 8, top + along + 4, anchor="end"))
        drawing.append(_text(_short(label), x, y, anchor="start", transform=f"rotate(-45 {x:.1f} {y:.1f})"))
    for row, column in product(range(len(classes)), repeat=2):
        count, images = confusion[row][column], sum(confusion[row])
        corner = (margin + column * cell, top + row * cell)
        title = tr(
            "{label} predicted as {predicted}: {images:,} of {total:,}",
            label=classes[row],
            predicted=classes[column],
            images=count,
            total=images,
        )
        drawing.append(_square(corner, cell, count, count / max(1, images), title, is_correct=row == column))
    return drawing


def _square(
    corner: tuple[float, float], cell: float, count: int, fraction: float, title: str, *, is_correct: bool
) -> Element:
    x, y = corner
    opacity = 0.15 + 0.85 * fraction if count else 1
    style = "empty" if not count else "right" if is_correct else "wrong"
    result = element("g", element("title", title))
    result.append(
        element("rect", x=x + 1, y=y + 1, width=cell - 2, height=cell - 2, rx=3, class_=style, fill_opacity=opacity)
    )
    if count:
        ink = "on-fill" if opacity > 0.7 else "ink"
        result.append(_text(f"{count}", x + cell / 2, y + cell / 2 + 4, anchor="middle", class_=ink))
    return result


def class_bars(figures: Sequence[ClassMetrics]) -> Element:
    """Recall and precision of each class as two bars with their numbers."""
    margin = _label_width([one.label for one in figures])
    drawing = _drawing(margin + _BAR_WIDTH + 140, _ROW * len(figures) + 26, tr("Recall and precision by class"))
    for number, (style, name) in enumerate((("recall", tr("recall")), ("precision", tr("precision")))):
        x = margin + number * 90
        drawing.append(element("rect", x=x, y=2, width=12, height=12, rx=2, class_=style))
        drawing.append(_text(name, x + 18, 12, anchor="start"))
    for row, one in enumerate(figures):
        y = 26 + row * _ROW
        drawing.append(_text(_short(one.label), margin - 10, y + 21, anchor="end"))
        recall = tr("no images") if one.recall is None else percent(one.recall)
        precision = tr("never predicted") if one.precision is None else percent(one.precision)
        title = tr("Recall: {value}", value=recall)
        drawing.append(_bar("recall", one.recall, recall, title, (margin, y + 4)))
        title = tr("Precision: {value}", value=precision)
        drawing.append(_bar("precision", one.precision, precision, title, (margin, y + 19)))
    return drawing


def _bar(style: str, fraction: float | None, text: str, title: str, corner: tuple[float, float]) -> Element:
    x, y = corner
    return element(
        "g",
        element("title", title),
        element("rect", x=x, y=y, width=_BAR_WIDTH, height=12, rx=2, class_="empty"),
        element("rect", x=x, y=y, width=_BAR_WIDTH * (fraction or 0), height=12, rx=2, class_=style),
        _text(text, x + _BAR_WIDTH + 8, y + 10, anchor="start"),
    )


def count_bars(counts: Sequence[tuple[str, int]], total: int) -> Element:
    """The counts of images by class, out of `total`, as bars with their numbers; at least one class."""
    margin, maximum = _label_width([name for name, _ in counts]), max(1, *(count for _, count in counts))
    drawing = _drawing(margin + _BAR_WIDTH + 140, _THIN_ROW * len(counts), tr("Images by class"))
    for row, (name, count) in enumerate(counts):
        y, text = row * _THIN_ROW, tr("{images:,} ({share})", images=count, share=percent(count / max(1, total)))
        drawing.append(_text(_short(name), margin - 10, y + 17, anchor="end"))
        bar = element("rect", x=margin, y=y + 6, width=_BAR_WIDTH * count / maximum, height=14, rx=2, class_="bar")
        drawing.append(element("g", element("title", tr("{label}: {value}", label=name, value=text)), bar))
        drawing.append(_text(text, margin + _BAR_WIDTH * count / maximum + 8, y + 17, anchor="start"))
    return drawing


def histogram(counts: Sequence[int]) -> Element:
    """A histogram of confidences over bins of equal width from 0 to 1."""
    maximum, width = max(1, *counts), _HISTOGRAM_WIDTH / len(counts)
    bottom = _HISTOGRAM_HEIGHT + 24
    drawing = _drawing(_HISTOGRAM_WIDTH + 48, bottom + 44, tr("Confidence of the predictions"))
    for index, count in enumerate(counts):
        x, height = 24 + index * width, _HISTOGRAM_HEIGHT * count / maximum
        title = tr_n(
            "{low} to {high}: {count:,} image",
            "{low} to {high}: {count:,} images",
            count,
            low=percent(index / len(counts)),
            high=percent((index + 1) / len(counts)),
        )
        bar = element("rect", x=x + 1, y=bottom - height, width=width - 2, height=height, rx=2, class_="bar")
        drawing.append(element("g", element("title", title), bar))
        if count:
            drawing.append(_text(_rounded(count), x + width / 2, bottom - height - 6, anchor="middle"))
    drawing.append(element("line", x1=24, x2=24 + _HISTOGRAM_WIDTH, y1=bottom, y2=bottom, class_="grid"))
    for fraction in (0.0, 0.25, 0.5, 0.75, 1.0):
        drawing.append(_text(f"{fraction:.0%}", 24 + fraction * _HISTOGRAM_WIDTH, bottom + 16, anchor="middle"))
    drawing.append(_text(tr("confidence"), 24 + _HISTOGRAM_WIDTH / 2, bottom + 38, anchor="middle"))
    return drawing


def _rounded(count: int) -> str:
    """A count, abbreviated to fit over a narrow bar."""
    return f"{count}" if count < 10_000 else f"{count / 1000:.0f}k"


def reliability_diagram(raw: Calibration, calibrated: Calibration) -> Element:
    """Accuracy over confidence; the size of a mark shows its number of images."""
    drawing = _drawing(_SIDE + _MARGIN + 24, _SIDE + 60, tr("Reliability diagram"))
    for fraction in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _at(fraction, fraction)
        (left, bottom), (right, top) = _at(0, 0), _at(1, 1)
        drawing.append(element("line", x1=left, x2=right, y1=y, y2=y, class_="grid"))
        drawing.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
        drawing.append(_text(f"{fraction:.0%}", left - 6, y + 4, anchor="end"))
        drawing.append(_text(f"{fraction:.0%}", x, bottom + 16, anchor="middle"))
    drawing.append(element("line", x1=left, y1=bottom, x2=right, y2=top, class_="honest"))
    drawing.append(_text(tr("confidence"), (left + right) / 2, bottom + 36, anchor="middle"))
    turn = f"rotate(-90 16 {(top + bottom) / 2})"
    drawing.append(_text(tr("accuracy"), 16, (top + bottom) / 2, anchor="middle", transform=turn))
    for style, name, found in (("raw", tr("Uncalibrated"), raw), ("calibrated", tr("Calibrated"), calibrated)):
        images = sum(one.images for one in found.bins)
        drawing.extend(_mark(style, name, one, one.images / images) for one in found.bins)
    return drawing


def _mark(style: str, name: str, one: ReliabilityBin, fraction: float) -> Element:
    x, y = _at(one.confidence, one.accuracy)
    title = tr_n(
        "{name}: {count:,} image, confidence {confidence}, accuracy {accuracy}",
        "{name}: {count:,} images, confidence {confidence}, accuracy {accuracy}",
        one.images,
        name=name,
        confidence=percent(one.confidence),
        accuracy=percent(one.accuracy),
    )
    radius = 4 + 12 * math.sqrt(fraction)
    return element("circle", element("title", title), cx=x, cy=y, r=radius, class_=f"mark {style}")


def _at(confidence: float, accuracy: float) -> tuple[float, float]:
    return _MARGIN + confidence * _SIDE, 12 + (1 - accuracy) * _SIDE


def _drawing(width: float, height: float, name: str) -> Element:
    size = {"width": f"{width:.0f}", "height": f"{height:.0f}", "viewBox": f"0 0 {width:.0f} {height:.0f}"}
    return element("svg", element("title", name), role="img", **size)


def _text(text: str, x: float, y: float, *, anchor: str, **more: str) -> Element:
    return element("text", text, x=x, y=y, text_anchor=anchor, **more)


def _label_width(labels: Sequence[str]) -> float:
    return max(len(_short(label)) for label in labels) * _LETTER + 20


def _short(label: str) -> str:
    return label if len(label) <= _MAX_LABEL else f"{label[: _MAX_LABEL - 1]}…"
