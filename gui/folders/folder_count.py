"""How many photos a folder contains, counted while the user chooses what to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Signal

from core.base.i18n import tr, tr_n
from gui.session.arrivals import no_photos_text
from gui.tasks.picture_client import PictureClient
from gui.tasks.task import Task
from gui.widgets.counts import photo_count

_MAXIMUM: Final = 20_000
"""Larger folders are counted no further."""


class FolderCount(QObject):
    """Counts the photos in one folder at a time, in the picture process.

    Attributes:
        changed: the counts changed.
    """

    changed = Signal()

    def __init__(self, pictures: PictureClient, parent: QObject) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self._folder, self._photos, self._direct = Path(), set[Path](), 0
        self._listing: Task | None = None

    def start(self, folder: Path) -> None:
        """Count the photos in this folder instead of the earlier one."""
        if self._listing is not None:
            self._listing.cancel()
        self._folder, self._photos, self._direct = folder, set(), 0
        self._listing = listing = self._pictures.list_images((folder,), maximum=_MAXIMUM)
        listing.progressed.connect(partial(self._on_found, listing))
        listing.ended.connect(partial(self._on_ended, listing))

    def is_empty(self, *, recursive: bool) -> bool:
        """Whether there is certainly no photo in the folder, with or without its subfolders."""
        return self._listing is None and not self._is_file and not self._count(recursive=recursive)

    def text(self, *, recursive: bool) -> str:
        """The number of photos, as far as it is known; empty if it is not a folder."""
        count = self._count(recursive=recursive)
        if self._is_file:
            return ""
        if self._listing is not None:
            return tr("Counting photos…")
        if len(self._photos) == _MAXIMUM:
            return tr_n("At least {count:,} photo", "At least {count:,} photos", count)
        return photo_count(count) if count else no_photos_text((self._folder,))

    @property
    def _is_file(self) -> bool:
        """Whether it is a file, or missing: it is then listed itself."""
        return self._photos == {self._folder}

    def _count(self, *, recursive: bool) -> int:
        return len(self._photos) if recursive else self._direct

    def _on_found(self, listing: Task, photos: Sequence[Path]) -> None:
        if listing is self._listing:
            fresh = set(photos) - self._photos
            self._photos |= fresh
            self._direct += sum(photo.parent == self._folder for photo in fresh)

    def _on_ended(self, listing: Task) -> None:
        if listing is self._listing:
            self._listing = None
            self.changed.emit()
