"""Normalization of class labels."""

from __future__ import annotations

import unicodedata
from typing import Final

from core.base.text import display_path

_MAX_LENGTH: Final = 200
"""The longest label that a card allows, in characters."""


def normalize_label(name: str) -> str:
    """Normalize a name (of a folder or file, or typed) to a label that can be shown; empty if nothing is left.

    Composed and decomposed accents give the same label (Unicode NFC).
    """
    return unicodedata.normalize("NFC", display_path(name)).strip()[:_MAX_LENGTH].strip()


def folder_label(name: str) -> str:
    """The label in the name of a folder or file, never empty."""
    return normalize_label(name) or "unnamed"
