"""The photos found by one drop, paste or opening, and the summary shown at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from core.base.i18n import tr, tr_n
from core.base.text import display_path


@dataclass(slots=True, eq=False)
class PhotoListing:
    """Photos added together; a listing that is repeated after a crash counts no photo twice.

    Attributes:
        requested: files and folders that were dropped, pasted or opened.
        added: photos that were new to the list.
        known: photos that were in the list already.
    """

    requested: tuple[Path, ...]
    added: set[Path] = field(default_factory=set)
    known: set[Path] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        """Whether no photo was found so far."""
        return not self.added and not self.known

    def add(self, paths: Iterable[Path], fresh: Iterable[Path]) -> None:
        """Count listed photos; `fresh` are those that were not in the list before."""
        self.added.update(fresh)
        self.known.update(path for path in paths if path not in self.added)

    def summary(self) -> str:
        """The reason why fewer photos were added than listed; empty if every photo was new."""
        if self.is_empty:
            return no_photos_text(self.requested)
        count, known = len(self.added) + len(self.known), len(self.known)
        if not known:
            return ""
        if known == count:
            return tr_n("This photo was already in the list.", "All {count:,} photos were already in the list.", count)
        return tr_n(
            "{count:,} of {total:,} photos was already in the list.",
            "{count:,} of {total:,} photos were already in the list.",
            known,
            total=count,
        )


def no_photos_text(folders: tuple[Path, ...]) -> str:
    """The notice that these folders contain no photos."""
    if len(folders) == 1:
        return tr("No photos found in “{folder}”.", folder=display_path(folders[0].name or folders[0]))
    return tr_n("No photos found in this folder.", "No photos found in these {count:,} folders.", len(folders))
