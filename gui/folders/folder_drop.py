"""Folders dropped on the window: one that contains photos can be classified as a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from core.base.i18n import tr
from core.base.text import display_path
from core.prediction import Failure
from gui.session.arrivals import no_photos_text
from gui.tasks.picture_client import PictureClient
from gui.widgets.notices import Notices

_Then = Callable[[Path, Sequence[Path], Sequence[Failure]], object]
"""Takes what was dropped, the first photo in it if there is one, and why it could not be read."""


class FolderDrop(QObject):
    """Offers a job for a dropped folder. The picture process lists it, so a sleeping disk never blocks the window."""

    def __init__(
        self, pictures: PictureClient, notices: Notices, open_form: Callable[[Path], object], parent: QObject
    ) -> None:
        """`open_form` receives the folder to classify."""
        super().__init__(parent)
        self._pictures, self._notices, self._open_form = pictures, notices, open_form

    def offer(self, dropped: Sequence[Path]) -> None:
        """Offer to classify a folder as a job, in addition to the normal handling of the drop."""
        if len(dropped) == 1:
            self._list(dropped[0], self._offer)

    def take(self, dropped: Sequence[Path], fallback: Callable[[Sequence[Path]], object]) -> None:
        """Open the form for a folder immediately; pass anything else to `fallback`."""
        if len(dropped) == 1:
            self._list(dropped[0], partial(self._take, fallback))
        else:
            fallback(dropped)

    def _list(self, path: Path, then: _Then) -> None:
        found: list[Path] = []
        listing = self._pictures.list_images((path,), maximum=1)
        listing.progressed.connect(found.extend)
        listing.succeeded.connect(partial(then, path, found))

    def _take(
        self,
        fallback: Callable[[Sequence[Path]], object],
        path: Path,
        found: Sequence[Path],
        failures: Sequence[Failure],
    ) -> None:
        if found == [path]:
            fallback((path,))
        elif found:
            self._open_form(path)
        elif failures:
            self._notices.show_warning(f"{failures[0].message} {failures[0].hint}")
        else:
            self._notices.show_warning(no_photos_text((path,)))

    def _offer(self, path: Path, found: Sequence[Path], _failures: Sequence[Failure]) -> None:
        if found and found != [path]:
            text = tr(
                "Classify “{folder}” as a folder job? You can pause, review and export it.",
                folder=display_path(path.name),
            )
            self._notices.show_notice(text, action=(tr("Classify folder"), lambda: self._open_form(path)))
