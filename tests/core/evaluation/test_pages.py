"""HTML from templates: any text stays text."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from PIL import Image

from core.base.text import display_path
from core.evaluation.explanation import Explanation, MapMethod
from core.evaluation.pages import map_thumbnail, templates
from core.images.drawing import Picture
from tests import tiny


class Reader(HTMLParser):
    """The elements and texts of a document, as a browser parses them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.values: list[str | None] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    read = Reader(templates().from_string('<p title="{{ x }}">{{ x }}<b>{{ x }}</b>{{ x }}</p>').render(x=text))
    shown = display_path(text)
    assert read.tags == ["p", "b"]
    assert read.values == [shown]
    assert read.text == shown * 3


@pytest.mark.parametrize(
    ("value", "expected"), [(3, "3"), (2.5, "2.50"), (1 / 3, "0.33"), (1e6, "1000000"), (-0.5, "-0.50")]
)
def test_numbers_have_two_decimals(value: float, expected: str) -> None:
    assert templates().from_string("{{ x }}").render(x=value) == expected


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        templates().from_string("{{ x }}").render()


def test_a_table_has_row_headers_and_right_aligned_numbers() -> None:
    components = templates().get_template("components.html").make_module()
    made = fromstring(components.table(("class", "images"), [("a", "1"), ("b", "2")], (1,)))  # type: ignore[attr-defined]
    assert [cell.text for cell in made.iter("th")] == ["class", "images", "a", "b"]
    assert [cell.get("scope") for cell in made.iter("th")] == ["col", "col", "row", "row"]
    assert [cell.get("class") for cell in made.iter("th")] == [None, "number", None, None]
    assert [(cell.text, cell.get("class")) for cell in made.iter("td")] == [("1", "number"), ("2", "number")]


def test_a_page_is_complete() -> None:
    html = templates().get_template("page.html").render(title="a <b>")
    assert html.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "<title>a &lt;b&gt;</title>" in html
    assert "<style>\n:root {" in html
    assert "</html>" in html


def test_a_map_is_painted_over_the_part_that_the_network_sees(tmp_path: Path) -> None:
    photo = tiny.write_solid(tmp_path / "grey.png", "grey", size=(160, 80))
    seen = Picture.of(np.zeros((4, 4, 3), np.uint8))
    grid = ((-1.0, 2.0), (0.0, 2.0))
    found = Explanation(photo, "m", 1, "red", MapMethod.EXACT, grid, (0.25, 0.0, 0.75, 1.0), seen)
    data = map_thumbnail(found).removeprefix("data:image/jpeg;base64,")
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)
    assert pixels.shape == (80, 160, 3)
    outside, dark, bright = pixels[40, 10], pixels[10, 45], pixels[40, 115]
    assert np.abs(outside - np.array(tiny.SOLID["grey"])).max() < 8
    assert bright[0] > 180 > bright[2], "yellow"
    assert dark[2] > dark[0], "blue"
    assert map_thumbnail(replace(found, path=tmp_path / "gone.png")) == "“gone.png” does not exist."


def test_the_map_of_a_padded_photo_is_cut_to_the_photo(tmp_path: Path) -> None:
    photo = tiny.write_solid(tmp_path / "grey.png", "grey", size=(160, 80))
    seen = Picture.of(np.zeros((4, 4, 3), np.uint8))
    grid = ((0.0, 0.0), (2.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    found = Explanation(photo, "m", 1, "red", MapMethod.EXACT, grid, (0.0, -0.5, 1.0, 1.5), seen)
    data = map_thumbnail(found).removeprefix("data:image/jpeg;base64,")
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)
    assert pixels.shape == (80, 160, 3)
    assert pixels[20, 20][0] > 180 > pixels[20, 20][2], "yellow at the upper left"
    assert pixels[75, 20][2] > pixels[75, 20][0], "blue below"
