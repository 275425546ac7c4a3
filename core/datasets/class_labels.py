"""What a class may be called."""

from __future__ import annotations

import unicodedata
from typing import Final

from core.base.text import display_path

_MAX_LENGTH: Final = 200
"""As many characters as a card allows."""


def normalize_label(name: str) -> str:
    """A name, of a folder, of a file or typed, as a label that can be shown; empty where nothing is left of it.

    Two ways of writing one accent make one label.
    """
    return unicodedata.normalize("NFC", display_path(name)).strip()[:_MAX_LENGTH].strip()
