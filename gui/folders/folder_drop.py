"""Folders dropped on the window: one that contains photos can be classified as a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject

from core.base.i18n import tr
from core.base.text import display_path
from gui.session.arrivals import no_photos_text
from gui.tasks.picture_client import ImagesListed, PictureClient
from gui.widgets.notices import Notices

_Then = Callable[[Path, ImagesListed], object]


class FolderDrop(QObject):
    """Offers a job for a dropped folder. The picture process lists it, so a sleeping disk never blocks the window."""

    def __init__(
        self, pictures: PictureClient, notices: Notices, open_form: Callable[[Path], object], parent: QObject
    ) -> None:
        """`open_form` receives the folder to classify."""
        super().__init__(parent)
        self._pictures, self._notices, self._open_form = pictures, notices, open_form
        self._pending: dict[int, tuple[Path, _Then]] = {}
        pictures.listed.connect(self._on_listed)

    def offer(self, dropped: Sequence[Path]) -> None:
        """Offer to classify a folder as a job, in addition to the normal handling of the drop."""
        if len(dropped) == 1:
            self._list(dropped[0], self._offer)

    def take(self, dropped: Sequence[Path], fallback: Callable[[Sequence[Path]], object]) -> None:
        """Open the form for a folder immediately; pass anything else to `fallback`."""
        if len(dropped) == 1:
            self._list(dropped[0], lambda path, listed: self._take(path, listed, fallback))
        else:
            fallback(dropped)

    def _list(self, path: Path, on_listed: _Then) -> None:
        self._pending[self._pictures.list_images((path,), maximum=1)] = (path, on_listed)

    def _on_listed(self, listed: ImagesListed) -> None:
        if listed.ticket in self._pending and (listed.paths or listed.finished):
            path, then = self._pending.pop(listed.ticket)
            then(path, listed)

    def _take(self, path: Path, listed: ImagesListed, fallback: Callable[[Sequence[Path]], object]) -> None:
        if listed.paths == (path,):
            fallback((path,))
        elif listed.paths:
            self._open_form(path)
        elif listed.failures:
            self._notices.show_notice(f"{listed.failures[0].message} {listed.failures[0].hint}")
        else:
            self._notices.show_notice(no_photos_text((path,)))

    def _offer(self, path: Path, listed: ImagesListed) -> None:
        if listed.paths and listed.paths != (path,):
            text = tr(
                "Classify “{folder}” as a folder job? You can pause, review and export it.",
                folder=display_path(path.name),
            )
            self._notices.show_notice(text, action=(tr("Classify folder"), lambda: self._open_form(path)))
