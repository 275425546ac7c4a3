"""The marks of plots match their data."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from core.evaluation.pages import templates
from core.evaluation.values import Calibration, ClassMetrics, ReliabilityBin


def drawn(name: str, *data: object) -> Element:
    """A plot as the tree of its SVG."""
    return fromstring(getattr(templates().get_template("plots.html").make_module(), name)(*data))


def titles(drawing: Element) -> list[str]:
    """The tooltips of the marks; the first title is the name of the drawing."""
    return [title.text or "" for title in drawing.iter("title")][1:]


def is_inside(drawing: Element) -> bool:
    """Whether all marks are inside the drawing."""
    width, height = float(drawing.get("width", 0)), float(drawing.get("height", 0))
    marks = [mark for mark in drawing.iter() if mark.tag in ("rect", "text")]
    ends = [
        (float(mark.get("x", 0)) + float(mark.get("width", 0)), float(mark.get("y", 0)) + float(mark.get("height", 0)))
        for mark in marks
    ]
    return bool(ends) and all(0 <= x <= width and 0 <= y <= height for x, y in ends)


def test_the_matrix_has_a_square_for_each_pair() -> None:
    drawing = drawn("confusion_matrix", [[3, 1], [0, 0]], ["cat", "dog"])
    assert titles(drawing) == [
        "cat predicted as cat: 3 of 4",
        "cat predicted as dog: 1 of 4",
        "dog predicted as cat: 0 of 0",
        "dog predicted as dog: 0 of 0",
    ]
    squares = [(square.get("class"), square.get("fill-opacity")) for square in drawing.iter("rect")]
    assert squares == [("right", "0.79"), ("wrong", "0.36"), ("empty", "1"), ("empty", "1")]
    assert is_inside(drawing)


@pytest.mark.parametrize("count", [2, 8, 40])
def test_forty_long_names_fit(count: int) -> None:
    labels = [f"a very long name of a class, the number {number}" for number in range(count)]
    figures = [ClassMetrics(label, 0.5, 0.5, 0.5, 4) for label in labels]
    drawing = drawn("confusion_matrix", [[1] * count] * count, labels)
    assert is_inside(drawing)
    assert is_inside(drawn("class_bars", figures))
    assert all(len(text.text or "") <= 24 for text in drawing.iter("text"))
    assert titles(drawing)[0] == f"{labels[0]} predicted as {labels[0]}: 1 of {count}"


def test_bar_lengths_are_proportional() -> None:
    drawing = drawn("class_bars", [ClassMetrics("cat", 0.25, 1.0, 0.4, 4), ClassMetrics("dog", None, None, None, 0)])
    bars = [(bar.get("class"), bar.get("width")) for bar in drawing.iter("rect")][2:]
    assert bars == [
        *(("empty", "300"), ("recall", "300"), ("empty", "300"), ("precision", "75")),
        *(("empty", "300"), ("recall", "0"), ("empty", "300"), ("precision", "0")),
    ]
    assert [title.text for title in drawing.iter("title")][1:] == [
        *("Recall: 100.0%", "Precision: 25.0%", "Recall: no images", "Precision: never predicted")
    ]


def test_marks_are_at_confidence_and_accuracy() -> None:
    honest = Calibration(1.0, 0.1, 0.0, (ReliabilityBin(14 / 15, 1.0, 4, 1.0, 1.0),))
    boastful = Calibration(
        2.0, 0.1, 0.5, (ReliabilityBin(0.0, 1 / 15, 3, 0.0, 0.0), ReliabilityBin(14 / 15, 1.0, 1, 1.0, 0.5))
    )
    drawing = drawn("reliability_diagram", honest, boastful)
    top, low, half = drawing.iter("circle")
    line = next(line for line in drawing.iter("line") if line.get("class") == "honest")
    assert (low.get("cx"), low.get("cy")) == (line.get("x1"), line.get("y1"))
    assert (top.get("cx"), top.get("cy")) == (line.get("x2"), line.get("y2"))
    assert float(half.get("cy", 0)) == pytest.approx((float(line.get("y1", 0)) + float(line.get("y2", 0))) / 2)
    assert float(top.get("r", 0)) > float(low.get("r", 0)) > float(half.get("r", 0))
    assert [mark.get("class") for mark in (top, low, half)] == ["mark raw", "mark calibrated", "mark calibrated"]
    assert titles(drawing)[-1] == "Calibrated: 1 image, confidence 100.0%, accuracy 50.0%"
