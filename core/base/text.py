"""Texts as one readable line, and in the order that people expect."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Final

_JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible characters that words of several scripts, and emoji, are put together with."""
_DIGITS: Final = re.compile(r"(\d+)")


def display_path(path: Path | str) -> str:
    """The path as one line that is safe to show: control characters, line breaks, characters that turn the writing
    direction and bytes that are not UTF-8 are written as escapes; everything readable stays as it is.
    """
    return "".join(character if is_readable(character) else _escaped(character) for character in str(path))


def natural_sort_key(name: str) -> bytes:
    """A sort key by which numbers inside names count as numbers: texts and numbers in turn, then the name itself.

    A text ends in a byte that is less than any other; a longer number follows a shorter one.
    """
    parts = _DIGITS.split(name.casefold())
    pieces = (_number(part) if index % 2 else _bytes(part) + b"\0" for index, part in enumerate(parts))
    return b"\1".join(pieces) + b"\0" + _bytes(name)


def is_readable(character: str) -> bool:
    """Whether a character shows itself, and neither controls a terminal nor turns the writing direction."""
    return character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    r"""`\n`, `\u202e`; and for a byte that Python carries as a lone surrogate (PEP 383), that byte: `\xe9`."""
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else character.encode("unicode_escape").decode()


def _bytes(text: str) -> bytes:
    """In the order of its characters; also what is not Unicode in a name has a place in it."""
    return text.encode("utf-8", "surrogatepass")


def _number(digits: str) -> bytes:
    plain = str(int(digits)).encode()
    return len(plain).to_bytes(4, "big") + plain
