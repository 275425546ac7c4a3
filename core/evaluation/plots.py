"""The plots of reports as SVG: confusion matrix, bars of classes, histogram of confidence, reliability diagram.

They are drawn in the page's own colours, so they follow light and dark; every mark tells its figures when pointed at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from core.datasets.problems import pluralize
from core.evaluation.calibration import Bin, Calibration
from core.evaluation.html import element
from core.evaluation.metrics import ClassMetrics

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
    """A share as a person reads it; a dash where it is undefined."""
    return "–" if fraction is None else f"{fraction:.1%}"


def confusion_matrix(confusion: NDArray[np.int64], classes: Sequence[str]) -> Element:
    """Counts int64 [classes, classes] as squares: the class in rows, what it was named in columns."""
    cell = max(22.0, min(46.0, 560 / len(classes)))
    margin = _label_width(classes)
    top = margin * math.sqrt(0.5) + 14
    drawing = _drawing(margin + cell * len(classes) + margin * 0.6, top + cell * len(classes), "Confusion matrix")
    for index, label in enumerate(classes):
        along = (index + 0.5) * cell
        x, y = margin + along, top - 8
        drawing.append(_text(_short(label), margin - 8, top + along + 4, anchor="end"))
        drawing.append(_text(_short(label), x, y, anchor="start", transform=f"rotate(-45 {x:.1f} {y:.1f})"))
    support = confusion.sum(axis=1)
    for row, column in np.ndindex(*confusion.shape):
        count, images = int(confusion[row, column]), int(support[row])
        place = (margin + column * cell, top + row * cell)
        title = f"{classes[row]} named {classes[column]}: {count:,} of {images:,}"
        drawing.append(_square(place, cell, count, count / max(1, images), title, is_correct=row == column))
    return drawing


def _square(
    place: tuple[float, float], cell: float, count: int, fraction: float, title: str, *, is_correct: bool
) -> Element:
    x, y = place
    strength = 0.15 + 0.85 * fraction if count else 1
    look = "empty" if not count else "right" if is_correct else "wrong"
    result = element("g", element("title", title))
    result.append(
        element("rect", x=x + 1, y=y + 1, width=cell - 2, height=cell - 2, rx=3, class_=look, fill_opacity=strength)
    )
    if count:
        ink = "on-fill" if strength > 0.7 else "ink"
        result.append(_text(f"{count}", x + cell / 2, y + cell / 2 + 4, anchor="middle", class_=ink))
    return result


def class_bars(figures: Sequence[ClassMetrics]) -> Element:
    """Recall and precision of each class as two bars with their numbers."""
    margin = _label_width([one.label for one in figures])
    drawing = _drawing(margin + _BAR_WIDTH + 140, _ROW * len(figures) + 26, "Recall and precision of each class")
    for number, name in enumerate(("recall", "precision")):
        x = margin + number * 90
        drawing.append(element("rect", x=x, y=2, width=12, height=12, rx=2, class_=name))
        drawing.append(_text(name, x + 18, 12, anchor="start"))
    for row, one in enumerate(figures):
        y = 26 + row * _ROW
        drawing.append(_text(_short(one.label), margin - 10, y + 21, anchor="end"))
        drawing.append(_bar("recall", one.recall, "no images", margin, y + 4))
        drawing.append(_bar("precision", one.precision, "never named", margin, y + 19))
    return drawing


def _bar(name: str, fraction: float | None, default: str, x: float, y: float) -> Element:
    text = default if fraction is None else percent(fraction)
    return element(
        "g",
        element("title", f"{name}: {text}"),
        element("rect", x=x, y=y, width=_BAR_WIDTH, height=12, rx=2, class_="empty"),
        element("rect", x=x, y=y, width=_BAR_WIDTH * (fraction or 0), height=12, rx=2, class_=name),
        _text(text, x + _BAR_WIDTH + 8, y + 10, anchor="start"),
    )


def count_bars(counts: Sequence[tuple[str, int]], total: int) -> Element:
    """How many of `total` images each name stands for, as bars with their numbers; at least one name."""
    margin, maximum = _label_width([name for name, _ in counts]), max(1, *(count for _, count in counts))
    drawing = _drawing(margin + _BAR_WIDTH + 140, _THIN_ROW * len(counts), "Images of each class")
    for row, (name, count) in enumerate(counts):
        y, text = row * _THIN_ROW, f"{count:,} ({percent(count / max(1, total))})"
        drawing.append(_text(_short(name), margin - 10, y + 17, anchor="end"))
        bar = element("rect", x=margin, y=y + 6, width=_BAR_WIDTH * count / maximum, height=14, rx=2, class_="bar")
        drawing.append(element("g", element("title", f"{name}: {text}"), bar))
        drawing.append(_text(text, margin + _BAR_WIDTH * count / maximum + 8, y + 17, anchor="start"))
    return drawing


def histogram(counts: Sequence[int]) -> Element:
    """How many images have a confidence in each bin, the bins of equal width from 0 to 1."""
    maximum, width = max(1, *counts), _HISTOGRAM_WIDTH / len(counts)
    bottom = _HISTOGRAM_HEIGHT + 24
    drawing = _drawing(_HISTOGRAM_WIDTH + 48, bottom + 44, "Confidence of the answers")
    for place, count in enumerate(counts):
        x, height = 24 + place * width, _HISTOGRAM_HEIGHT * count / maximum
        span = f"{percent(place / len(counts))} to {percent((place + 1) / len(counts))}"
        bar = element("rect", x=x + 1, y=bottom - height, width=width - 2, height=height, rx=2, class_="bar")
        drawing.append(element("g", element("title", f"{span}: {pluralize(count)}"), bar))
        if count:
            drawing.append(_text(_rounded(count), x + width / 2, bottom - height - 6, anchor="middle"))
    drawing.append(element("line", x1=24, x2=24 + _HISTOGRAM_WIDTH, y1=bottom, y2=bottom, class_="grid"))
    for fraction in (0.0, 0.25, 0.5, 0.75, 1.0):
        drawing.append(_text(f"{fraction:.0%}", 24 + fraction * _HISTOGRAM_WIDTH, bottom + 16, anchor="middle"))
    drawing.append(_text("how sure the model is", 24 + _HISTOGRAM_WIDTH / 2, bottom + 38, anchor="middle"))
    return drawing


def _rounded(count: int) -> str:
    """A count that fits over a narrow bar."""
    return f"{count}" if count < 10_000 else f"{count / 1000:.0f}k"


def reliability_diagram(raw: Calibration, calibrated: Calibration) -> Element:
    """How often the model was right, over how sure it was; the larger a mark, the more images it stands for."""
    drawing = _drawing(_SIDE + _MARGIN + 24, _SIDE + 60, "Reliability diagram")
    for fraction in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _at(fraction, fraction)
        (left, bottom), (right, top) = _at(0, 0), _at(1, 1)
        drawing.append(element("line", x1=left, x2=right, y1=y, y2=y, class_="grid"))
        drawing.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
        drawing.append(_text(f"{fraction:.0%}", left - 6, y + 4, anchor="end"))
        drawing.append(_text(f"{fraction:.0%}", x, bottom + 16, anchor="middle"))
    drawing.append(element("line", x1=left, y1=bottom, x2=right, y2=top, class_="honest"))
    drawing.append(_text("how sure the model was", (left + right) / 2, bottom + 36, anchor="middle"))
    turn = f"rotate(-90 16 {(top + bottom) / 2})"
    drawing.append(_text("how often it was right", 16, (top + bottom) / 2, anchor="middle", transform=turn))
    for name, found in (("raw", raw), ("calibrated", calibrated)):
        images = sum(one.images for one in found.bins)
        drawing.extend(_mark(name, one, one.images / images) for one in found.bins)
    return drawing


def _mark(name: str, one: Bin, fraction: float) -> Element:
    x, y = _at(one.confidence, one.accuracy)
    title = f"{name}: {pluralize(one.images)}, {percent(one.confidence)} sure, {percent(one.accuracy)} right"
    return element("circle", element("title", title), cx=x, cy=y, r=4 + 12 * math.sqrt(fraction), class_=f"mark {name}")


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
