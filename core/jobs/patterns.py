"""Include and exclude patterns for paths: shell-style globs for a whole tree.

`*` matches any characters within a name, `?` one character, `[a-z]` one of a range. A pattern without `/` is matched
against every component of a path: `*.png`, `thumbnails`. A pattern with `/` starts at the job's folder, and `**`
matches any number of folders: `2024/**/raw`. Everything below a matching folder matches. Matching ignores case and
Unicode normalization: macOS stores names decomposed, and people type them composed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from core.base.errors import UsageError
from core.base.i18n import tr

_PIECES: Final = re.compile(r"\*+|\?|\[[!^]?\]?[^]/]*\]|.", re.DOTALL)
_RANGE: Final = re.compile(r"(.)-(.)|(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Patterns:
    """Compiled patterns; paths are relative to the job's folder, with `/` as the separator.

    Attributes:
        included: patterns of which a path must match at least one; if empty, every path is included.
        excluded: patterns that a path must not match.
    """

    included: tuple[re.Pattern[str], ...]
    excluded: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, include: Iterable[str], exclude: Iterable[str]) -> Self:
        """Compile patterns.

        Raises:
            UsageError: a pattern is invalid.
        """
        return cls(tuple(map(_compiled, include)), tuple(map(_compiled, exclude)))

    def excludes(self, path: str) -> bool:
        """Whether a file, or a folder with its contents, is excluded."""
        return _matches(path, self.excluded)

    def includes(self, path: str) -> bool:
        """Whether a file, or everything in a folder, is included unless excluded."""
        return not self.included or _matches(path, self.included)


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
    """Translate a glob for one path component into a regular expression."""
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
    return UsageError(
        tr("Invalid pattern {pattern!r}.", pattern=pattern), hint=tr("Use a pattern such as '*.jpg' or '2024/**/raw'.")
    )
