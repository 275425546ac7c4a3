"""What the window tells the user in passing: a value that every part of the window can emit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Self

from core.base.errors import FoveaError


class NoticeKind(Enum):
    """How much a notice matters; decides its colour, icon, politeness, and whether it leaves by itself."""

    INFORMATION = "information"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, eq=False)
class Notice:
    """A notice for the user.

    Attributes:
        text: one or two sentences.
        action: the text and the function of its button.
        key: what the notice is about; a later notice with the same key replaces it. By default the text.
    """

    text: str
    kind: NoticeKind = NoticeKind.INFORMATION
    action: tuple[str, Callable[[], object]] | None = None
    key: str = ""

    @classmethod
    def of(cls, error: FoveaError, key: str = "") -> Self:
        """An error with its hint."""
        return cls(str(error), NoticeKind.ERROR, key=key)
