"""What one drop, paste or opening of photos brought, and what the person reads about it at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from core.base.text import display_path


@dataclass(slots=True, eq=False)
class PhotoListing:
    """Photos that came together; a listing that is repeated after a crash counts none of them twice.

    Attributes:
        requested: the files and folders that were dropped, pasted or opened.
        added: photos that were new in the list.
        known: photos that were in the list already.
    """

    requested: tuple[Path, ...]
    added: set[Path] = field(default_factory=set)
    known: set[Path] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        """Whether it brought no photo so far."""
        return not self.added and not self.known

    def add(self, paths: Iterable[Path], fresh: Iterable[Path]) -> None:
        """Count photos that were listed; `fresh` are those that were not in the list before."""
        self.added.update(fresh)
        self.known.update(path for path in paths if path not in self.added)

    def summary(self) -> str:
        """What was not added, and why; empty where every photo was new."""
        if self.is_empty:
            return no_photos_text(self.requested)
        count, known = len(self.added) + len(self.known), len(self.known)
        if not known:
            return ""
        if count == 1:
            return "This photo was already in the list."
        if known == count:
            return f"All {count:,} photos were already in the list."
        return f"{known:,} of {count:,} photos {'was' if known == 1 else 'were'} already in the list."


def no_photos_text(folders: tuple[Path, ...]) -> str:
    """That there is no photo in these folders."""
    if len(folders) == 1:
        return f"No photos found in “{display_path(folders[0].name or folders[0])}”."
    return f"No photos found in these {len(folders):,} folders."
