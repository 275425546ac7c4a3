"""Folders that are dropped on the window: which of them can be classified as a job is found beside its thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject

from core.images.folders import printable
from gui.notices import Notices
from gui.relay import Relay


class DroppedFolders(QObject):
    """Offers a job for a folder; a disk that sleeps delays the offer, never the window."""

    def __init__(self, notices: Notices, open_form: Callable[[Path], object], parent: QObject) -> None:
        """`open_form` is given the folder that is to be classified."""
        super().__init__(parent)
        self._notices, self._open_form = notices, open_form
        self._relay = Relay(self)
        self._looker = ThreadPoolExecutor(1, thread_name_prefix="dropped")

    def offer(self, dropped: Sequence[Path]) -> None:
        """Offer to classify a folder beside whatever else is done with it."""
        if len(dropped) == 1:
            self._looker.submit(self._look, dropped[0], self._offer, None)

    def take(self, dropped: Sequence[Path], otherwise: Callable[[Sequence[Path]], object]) -> None:
        """Classify a folder at once; of anything else `otherwise` is told."""
        if len(dropped) == 1:
            self._looker.submit(self._look, dropped[0], self._open_form, lambda path: otherwise((path,)))
        else:
            otherwise(dropped)

    def close(self) -> None:
        """Look at nothing any more."""
        self._looker.shutdown(wait=False, cancel_futures=True)

    def _look(
        self, path: Path, then: Callable[[Path], object], otherwise: Callable[[Path], object] | None
    ) -> None:  # a thread of its own
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where the path cannot be looked at
            self._relay.post(then, path)
        elif otherwise is not None:
            self._relay.post(otherwise, path)

    def _offer(self, folder: Path) -> None:
        text = f"“{printable(folder.name)}” is a folder. A job on it can be paused, resumed, reviewed and exported."
        self._notices.tell(text, offer=("Classify this folder", lambda: self._open_form(folder)))
