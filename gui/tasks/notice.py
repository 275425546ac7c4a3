"""What the window tells the user in passing: a value that every part of the window can emit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Self, TypeAlias

from core.base.errors import FoveaError

Action: TypeAlias = tuple[str, Callable[[], object]]
"""The text of a button, and what it does."""


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
        actions: the text and the function of each button.
        key: what the notice is about; a later notice with the same key replaces it. By default the text.
    """

    text: str
    kind: NoticeKind = NoticeKind.INFORMATION
    actions: tuple[Action, ...] = ()
    key: str = ""

    @classmethod
    def of(cls, error: FoveaError, key: str = "") -> Self:
        """An error with its hint."""
        return cls(str(error), NoticeKind.ERROR, key=key)
