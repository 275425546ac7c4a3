"""Patterns of paths, to include and exclude by: like those of shells, for a whole tree.

`*` stands for any characters within a name, `?` for one, `[a-z]` for one of these. A pattern without `/` is held
against every name on the way: `*.png`, `thumbnails`. One with `/` begins at the job's folder, and `**` stands for any
folders: `2024/**/raw`. Whatever lies below a folder that matches, matches. Capital and small letters are the same, and
so are the ways in which Unicode writes an accent: macOS stores names decomposed, and people type them composed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from core.base.errors import UsageError

_PIECES: Final = re.compile(r"\*+|\?|\[[!^]?\]?[^]/]*\]|.", re.DOTALL)
_RANGE: Final = re.compile(r"(.)-(.)|(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Patterns:
    """Which files count; paths are relative to the job's folder, their parts joined by `/`.

    Attributes:
        included: what a path must match, one for each pattern; none: everything counts.
        excluded: what it must not match.
    """

    included: tuple[re.Pattern[str], ...]
    excluded: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, include: Iterable[str], exclude: Iterable[str]) -> Self:
        """The patterns a person wrote.

        Raises:
            UsageError: one of them means nothing.
        """
        return cls(tuple(map(_compiled, include)), tuple(map(_compiled, exclude)))

    def excludes(self, path: str) -> bool:
        """Whether a file, or a folder with all that is in it, is passed over."""
        return _matches(path, self.excluded)

    def includes(self, path: str) -> bool:
        """Whether a file counts, as long as it is not excluded; of a folder, whether all that is in it does."""
        return not self.included or _matches(path, self.included)

    def count(self, path: str) -> bool:
        """Whether a file counts."""
        return self.includes(path) and not self.excludes(path)


def _matches(path: str, patterns: tuple[re.Pattern[str], ...]) -> bool:
    composed = _normalized(path) if patterns else path
    return any(pattern.match(composed) for pattern in patterns)


def _normalized(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = [part for part in _normalized(pattern).split("/") if part not in ("", ".")]
    if not parts:
        raise _invalid_pattern(pattern)
    if "/" not in pattern.rstrip("/"):
        parts = ["**", *parts]
    below = "".join("(?:[^/]+/)*" if part == "**" else f"{_translated(part)}/" for part in parts[:-1])
    last = "[^/]+" if parts[-1] == "**" else _translated(parts[-1])
    try:
        return re.compile(f"{below}{last}(?:/|\\Z)", re.IGNORECASE | re.DOTALL)
    except re.error as error:
        raise _invalid_pattern(pattern) from error


def _translated(part: str) -> str:
    """A name with `*`, `?` and `[...]` as a regular expression."""
    return "".join(_piece(piece) for piece in _PIECES.findall(part))


def _piece(piece: str) -> str:
    if piece.startswith("*"):
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    inside = piece[1:-1].removeprefix("!").removeprefix("^")
    if not piece.startswith("[") or not inside:
        return re.escape(piece)
    ranges = _RANGE.findall(inside)
    chosen = "".join(f"{re.escape(low)}-{re.escape(high)}" if low else re.escape(one) for low, high, one in ranges)
    return f"[^/{chosen}]" if inside != piece[1:-1] else f"(?!/)[{chosen}]"


def _invalid_pattern(pattern: str) -> UsageError:
    return UsageError(f"The pattern {pattern!r} means nothing.", hint="Write one such as '*.jpg' or '2024/**/raw'.")
