"""HTML and SVG built as an element tree, so that text is never interpreted as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

from core.base.text import display_path

Content: TypeAlias = Element | str


def element(tag: str, *contents: Content, **attributes: str | float) -> Element:
    """Make an element that contains texts and other elements.

    Args:
        tag: its name.
        contents: its children in order; unprintable characters of texts are escaped.
        attributes: names have `_` for `-`, and `class_` for `class`; numbers get two decimals.
    """
    result = Element(tag, {name.rstrip("_").replace("_", "-"): _value(value) for name, value in attributes.items()})
    for content in contents:
        if isinstance(content, Element):
            result.append(content)
        elif len(result):
            result[-1].tail = (result[-1].tail or "") + display_path(content)
        else:
            result.text = (result.text or "") + display_path(content)
    return result


def table(columns: Sequence[str], rows: Iterable[Sequence[Content]], *, numbers: Sequence[str] = ()) -> Element:
    """A table whose first column contains row headers; the columns in `numbers` are right-aligned."""
    sides = ["number" if name in numbers else "" for name in columns]
    heads = [element("th", name, scope="col", class_=side) for name, side in zip(columns, sides, strict=True)]
    body = element("tbody")
    for first, *others in rows:
        cells = [element("td", cell, class_=side) for cell, side in zip(others, sides[1:], strict=True)]
        body.append(element("tr", element("th", first, scope="row"), *cells))
    return element("div", element("table", element("thead", element("tr", *heads)), body), class_="scrolled")


def page(title: str, style: str, *contents: Content) -> str:
    """A complete HTML document without scripts or external resources."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    styles = Element("style")
    styles.text = style
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        styles,
    )
    document = element("html", head, element("body", element("main", *contents)), lang="en")
    return f"<!DOCTYPE html>\n{tostring(document, encoding='unicode', method='html')}\n"


def _value(value: str | float) -> str:
    return display_path(value) if isinstance(value, str) else f"{value:.2f}".removesuffix(".00")
