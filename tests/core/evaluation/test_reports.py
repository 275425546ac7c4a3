"""The report as a browser parses it: complete, without network access, and without injected markup."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.evaluation.metrics import evaluate
from core.evaluation.reports import html_report
from core.evaluation.values import Evaluation
from tests import tiny
from tests.html_page import Page

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a & b; \u202egnp.\x1b[31m", "caf\udce9"]


def evaluation_of(
    truth: Sequence[int], named: Sequence[int], classes: Sequence[str], paths: Sequence[Path]
) -> Evaluation:
    logits = np.eye(len(classes), dtype=np.float32)[list(named)] * 3
    return evaluate(logits, np.array(truth), classes, temperature=0.5, paths=paths)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return [tiny.write_solid(tmp_path / f"{number}.png", "red") for number in range(4)]


def test_the_report_contains_the_metrics(pictures: list[Path]) -> None:
    html = html_report(
        evaluation_of([0, 1, 2, 2], [0, 1, 2, 1], tiny.CLASSES, pictures), title="Colours", about={"by": "me"}
    )
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    for text in ("Colours", "75.0%", "95% confidence interval: 30.1% to 95.4%", "blue predicted as green", "me"):
        assert text in page.texts
    assert page.tags.count("svg") == 3
    assert page.tags.count("details") == 4
    assert "blue predicted as green: 1 of 2" in page.texts


def test_mistakes_include_a_thumbnail(pictures: list[Path]) -> None:
    page = Page(
        html_report(evaluation_of([0, 1, 2, 2], [0, 1, 2, 1], tiny.CLASSES, pictures), title="Colours", about={})
    )
    (source,) = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    with Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/jpeg;base64,")))) as image:
        assert max(image.size) <= 160
        red, green, _ = image.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    assert red > 200 > 50 > green


def test_a_missing_image_is_reported(pictures: list[Path]) -> None:
    pictures[3].unlink()
    page = Page(
        html_report(evaluation_of([0, 1, 2, 2], [0, 1, 2, 1], tiny.CLASSES, pictures), title="Colours", about={})
    )
    assert "img" not in page.tags
    assert any("3.png" in text and "not" in text for text in page.texts)


def test_names_are_never_markup() -> None:
    paths = [Path(f"{name}.png") for name in HOSTILE]
    evaluation = evaluation_of([0, 1, 2, 3], [1, 2, 3, 0], HOSTILE, paths)
    html = html_report(evaluation, title=HOSTILE[0], about={HOSTILE[1]: HOSTILE[0]})
    page = Page(html)
    assert "script" not in page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert HOSTILE[0] in page.texts
    assert not re.search("[\u202e\x1b\ud800-\udfff]", html)
    html.encode()


def test_nothing_is_loaded(pictures: list[Path]) -> None:
    page = Page(
        html_report(evaluation_of([0, 1, 2, 2], [0, 1, 2, 1], tiny.CLASSES, pictures), title="Colours", about={})
    )
    links = [value for _, name, value in page.attributes if name in ("src", "href", "xlink:href", "srcset")]
    assert links
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert not [text for text in page.texts if "url(" in text or "@import" in text]
    assert ("meta", "content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in page.attributes


def test_a_report_without_mistakes_or_without_images_of_a_class() -> None:
    page = Page(html_report(evaluation_of([0], [0], ["a", "b"], [Path("a.png")]), title="One", about={}))
    assert "None: every image was classified correctly." in page.texts
    assert "no images" in page.texts
    assert "never predicted" in page.texts
    assert "Most frequent confusions" not in page.texts


def test_a_thousand_classes_have_no_matrix() -> None:
    classes = [f"class {number}" for number in range(1000)]
    truth = np.arange(2000) % 1000
    named = np.where(truth < 30, truth + 1, truth)
    paths = [Path(f"{number}.png") for number in range(2000)]
    html = html_report(evaluation_of(truth.tolist(), named.tolist(), classes, paths), title="Many", about={})
    page = Page(html)
    assert len(html) < 1_000_000
    assert page.tags.count("svg") == 2
    assert page.tags.count("rect") == 20 * 4 + 2
    assert "class 999" in page.texts
