"""Fields of a card: a JSON object from outside whose fields are read one by one and validated."""

from __future__ import annotations

import base64
import math
import re
from enum import StrEnum
from typing import Any, Final, TypeVar

from core.base.errors import ModelError
from core.base.i18n import mark, tr

HINT: Final = mark("Download or copy the model again, or use another model.")
_DEVICE = r"(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z))"  # device names on Windows, in any folder
NAME: Final = re.compile(_DEVICE + r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9_-])?\Z")
FILE: Final = re.compile(_DEVICE + r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?\Z")
SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_MAX_NESTING: Final = 16
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
T = TypeVar("T")
Choice = TypeVar("Choice", bound=StrEnum)
Number = TypeVar("Number", int, float)


class Fields:
    """A JSON object whose fields are read one by one; each raises `ModelError` if it is missing or invalid."""

    def __init__(self, content: object, place: str) -> None:
        if not isinstance(content, dict):
            if not place:
                raise ModelError(tr("The card is not a JSON object."), hint=tr(HINT))
            raise ModelError(tr("The card's field {name!r} is not an object.", name=place), hint=tr(HINT))
        self._content, self._place = content, place

    def take(self, key: str, kind: type[T]) -> T:
        """A value of this type; whole numbers count as float."""
        value = self._content.get(key)
        if kind is float and type(value) is int:
            value = _as_float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            found, expected = type(value).__name__, kind.__name__
            raise self.error(key, tr("it must be of type {expected}, not {found}", expected=expected, found=found))
        return value

    def text(self, key: str, limit: int = 1000) -> str:
        """A readable text."""
        value = self.take(key, str)
        if not is_readable(value, limit):
            raise self.error(key, tr("it must have 1 to {limit} printable characters", limit=limit))
        return value

    def match(self, key: str, pattern: re.Pattern[str]) -> str:
        """A text that matches a pattern."""
        value = self.take(key, str)
        if not pattern.match(value):
            raise self.error(key, tr("{value!r} is not allowed", value=value[:80]))
        return value

    def one_of(self, key: str, kind: type[Choice]) -> Choice:
        """A member of an enumeration, by its value."""
        try:
            return kind(self.take(key, str))
        except ValueError as error:
            raise self.error(key, tr("it must be one of {values}", values=", ".join(kind))) from error

    def between(self, key: str, low: Number, high: Number) -> Number:
        """A number of the type of the bounds."""
        value = self.take(key, type(low))
        if not low <= value <= high:
            raise self.error(key, tr("{value} is outside {low} to {high}", value=value, low=low, high=high))
        return value

    def metadata(self, key: str) -> dict[str, Any]:
        """An object with arbitrary plain content; empty if it is missing."""
        value = self.take(key, dict) if self.has(key) else {}
        if not _is_plain(value, _MAX_NESTING):
            reason = tr("it contains infinite numbers, unprintable characters or deep nesting")
            raise self.error(key, reason)
        return value

    def inner(self, key: str) -> Fields:
        """An object."""
        return Fields(self._content.get(key), f"{self._place}.{key}" if self._place else key)

    def items(self, key: str, limit: int) -> list[Fields]:
        """The objects of a list; empty if it is missing."""
        value = self.take(key, list) if self.has(key) else []
        if len(value) > limit:
            raise self.error(key, tr("it must have at most {limit} entries", limit=limit))
        place = f"{self._place}.{key}" if self._place else key
        return [Fields(one, f"{place}[{at}]") for at, one in enumerate(value)]

    def integers(self, key: str, limit: int) -> list[int]:
        """The whole numbers of a list; empty if it is missing."""
        value = self.take(key, list) if self.has(key) else []
        if len(value) > limit or any(type(one) is not int for one in value):
            raise self.error(key, tr("it must have at most {limit} whole numbers", limit=limit))
        return value

    def has(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self._content.get(key) is not None

    def error(self, key: str, reason: str) -> ModelError:
        """The error that a field is invalid."""
        place = f"{self._place}.{key}" if self._place else key
        what = tr("The card's field {name!r} is invalid: {reason}.", name=place, reason=reason)
        return ModelError(what, hint=tr(HINT))


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def encoded_length(text: str) -> int:
    """How many bytes a base64 text encodes; -1 if it is not base64."""
    try:
        return len(base64.b64decode(text, validate=True))
    except ValueError:
        return -1


def is_readable(text: str, limit: int) -> bool:
    """Whether a text is readable and has no characters that control a terminal."""
    return bool(text.strip()) and len(text) <= limit and not _UNPRINTABLE.search(text)


def _is_plain(value: object, nesting: int) -> bool:
    match value:
        case dict():
            return nesting > 0 and all(
                _is_plain(key, 0) and _is_plain(item, nesting - 1) for key, item in value.items()
            )
        case list():
            return nesting > 0 and all(_is_plain(item, nesting - 1) for item in value)
        case str():
            return not _UNPRINTABLE.search(value)
        case float():
            return math.isfinite(value)
        case _:
            return True
