"""The components and the style sheet of HTML reports, with light and dark themes."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from PIL import Image

from core.base.errors import ImageError
from core.base.i18n import tr
from core.evaluation.html import Content, element
from core.images.decoding import decode_thumbnail

_THUMBNAIL: Final = 160


def tile(name: str, figure: str, note: str) -> Element:
    """A large figure with its name above and a note below."""
    return element(
        "div", element("span", name), element("strong", figure), element("span", note), class_="tile surface"
    )


def note(text: str) -> Element:
    """An explanatory paragraph."""
    return element("p", text, class_="note")


def plot(drawing: Content) -> Element:
    """A plot on its own surface."""
    return element("div", drawing, class_="plot surface")


def details(content: Element, name: str = "") -> Element:
    """A collapsed section, titled “Show as table” unless it has a name."""
    return element("details", element("summary", name or tr("Show as table")), content)


def thumbnail(image: Path) -> Element:
    """A thumbnail embedded in the page, or the error message if the image cannot be read."""
    try:
        pixels = Image.fromarray(decode_thumbnail(image, 2 * _THUMBNAIL))
    except ImageError as error:
        return element("div", error.what, class_="thumbnail")
    pixels.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    pixels.save(buffer, "JPEG", quality=80)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return element("img", src=f"data:image/jpeg;base64,{data}", alt=image.name, class_="thumbnail")


STYLE: Final = """
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
.right, .recall, .bar { fill: var(--accent); }
.precision { fill: var(--second); }
rect.wrong { fill: var(--wrong); }
.grid { stroke: var(--border); }
.honest { stroke: var(--muted); stroke-dasharray: 5 4; }
.mark { stroke-width: 2; fill-opacity: 0.75; }
.mark.raw { fill: none; stroke: var(--second); }
.mark.calibrated { fill: var(--accent); stroke: var(--surface); }
@media print { body { background: none; } details > * { display: block; } }
"""
