"""Parts of the window that are created when they are first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """A part that is created when it is first used; where nobody asks whether it exists, `cached_property` will do.

    Attributes:
        made: the part; None until it is created.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        """`make` creates the part; it may not use it before it returns."""
        self._make = make
        self.made: T | None = None

    def get(self) -> T:
        """Return the part, which is created now if it does not exist."""
        if self.made is None:
            self.made = self._make()
        return self.made
