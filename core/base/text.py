"""Text and numbers for display on one line, and natural sorting."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.base.i18n import tr, tr_n

_JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible characters that join words of several scripts, and emoji."""
_DIGITS: Final = re.compile(r"(\d+)")


def display_path(path: Path | str) -> str:
    """A path as one line that is safe to display: control characters, line breaks, characters that change the writing
    direction and bytes that are not UTF-8 are escaped.
    """
    return "".join(character if is_readable(character) else _escaped(character) for character in str(path))


def percent(fraction: float | None) -> str:
    """A fraction as a percentage with one decimal; a dash if it is undefined."""
    return "–" if fraction is None else f"{fraction:.1%}"


def natural_sort_key(name: str) -> bytes:
    """A sort key that compares numbers inside names by value: alternating text and numbers, then the name itself.

    Text ends with the smallest byte; numbers start with their length, so that longer ones follow shorter ones.
    """
    parts = _DIGITS.split(name.casefold())
    pieces = (_number(part) if index % 2 else _bytes(part) + b"\0" for index, part in enumerate(parts))
    return b"\1".join(pieces) + b"\0" + _bytes(name)


def is_readable(character: str) -> bool:
    """Whether a character is printable, and neither controls a terminal nor changes the writing direction."""
    return character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    r"""Escape a character as `\n` or `\u202e`; a byte that Python stores as a lone surrogate (PEP 383) as `\xe9`."""
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else character.encode("unicode_escape").decode()


def _bytes(text: str) -> bytes:
    """Encode text so that bytes sort like characters, including lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def _number(digits: str) -> bytes:
    plain = str(int(digits)).encode()
    return len(plain).to_bytes(4, "big") + plain


def either_text(labels: Sequence[str]) -> str:
    """One of these classes, the most likely first."""
    match labels:
        case (only,):
            return only
        case (first, second):
            return tr("{first} or {second}", first=first, second=second)
        case (first, second, third):
            return tr("{first}, {second} or {third}", first=first, second=second, third=third)
    return tr_n(
        "{label} or one of {count} others", "{label} or one of {count} others", len(labels) - 1, label=labels[0]
    )
