"""Which photos a sorting takes: those in its folder, but none that a sorting put there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Final

from core.base.text import display_path
from core.images.listing import identity
from core.outputs.sorting.values import SortRequest

_OUTSIDE: Final = "It lies outside the folder that is sorted."


class InputFolders:
    """Looks at each folder once, by what it is and not by what it is called."""

    def __init__(self, request: SortRequest, destinations: Iterable[Path]) -> None:
        """Look where the source and the destinations are.

        Args:
            request: its folders are real ones, see `core.outputs.sorting.disk.real`.
            destinations: those of earlier sortings. The source may lie in one, or be one.
        """
        self._source = _identity(request.source)
        self._destinations = {_identity(folder) for folder in (request.destination, *destinations)} - {None}
        self._reasons: dict[Path, str] = {}

    def rejection(self, folder: Path) -> str:
        """Why photos in a folder are not sorted; empty if they are."""
        if folder not in self._reasons:
            self._reasons[folder] = self._check(Path(os.path.realpath(folder)))
        return self._reasons[folder]

    def _check(self, folder: Path) -> str:
        for one in (folder, *folder.parents):
            key = _identity(one)
            if key == self._source:  # also where neither is there: looking at the photo tells
                return ""
            if key in self._destinations:
                return f"It lies in “{display_path(one)}”, which photos were sorted into."
        return _OUTSIDE


def _identity(folder: Path) -> Hashable:
    with contextlib.suppress(OSError, ValueError):
        return identity(folder)
    return None
