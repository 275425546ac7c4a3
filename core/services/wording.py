"""What the window words differently from the command line: it says *photo* for *image*, and has buttons for options.

This is about English; in another language, the translations decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_BUTTONS: Final[Mapping[str, str]] = {
    "To resume, restore the images. To start over with the current ones, add --restart.": (
        "To resume, restore the photos. To start over with the current ones, choose “Start over”."
    ),
    "To resume it, run the original command. To start over, add --restart.": (
        "To resume it, open it in “Training”. To begin again, choose “Start over”."
    ),
    "Restore the file from a backup, or add --restart to start over.": (
        "Restore the file from a backup, or choose “Start over”."
    ),
}
_ABOUT_FILES: Final = re.compile(
    r"image (as input|classifier|editor|extension|file|instead|itself)|(is|not) an image|one image\."
    r"|\ban? [A-Z].* image"
)
"""What is about files and formats, not about someone's photos."""
_QUOTED_OR_IMAGE: Final = re.compile(r"“[^”]*”|\{[^}]*\}|\b([Aa])n image\b|\bimage(s?)\b")


def window_wording(text: str) -> str:
    """A message as the window words it, or a text that was made from one: names in “…” and placeholders stay."""
    if text in _BUTTONS:
        return _BUTTONS[text]
    return text if _ABOUT_FILES.search(text) else _QUOTED_OR_IMAGE.sub(_photo, text)


def card_wording(text: str) -> str:
    """A text of a model's card as the window words it; names of classes stay as they are."""
    return re.sub(r"“[^”]*”|(?:(?<=\d )|(?<=all )|(?<=test ))image(?=s?\b)", _photo, text)


def _photo(found: re.Match[str]) -> str:
    text = found.group()
    if text.startswith(("“", "{")):
        return text
    return text.replace("An image", "A photo").replace("an image", "a photo").replace("image", "photo")
