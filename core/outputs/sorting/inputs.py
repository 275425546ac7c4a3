"""Which photos to sort: those in the source folder, except those that a sorting put there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Final

from core.base.i18n import mark, tr
from core.base.text import display_path
from core.images.listing import identity
from core.outputs.sorting.values import SortRequest

_OUTSIDE: Final = mark("It is outside the folder to sort.")


class InputFolders:
    """Checks folders by their identity rather than their paths, each once."""

    def __init__(self, request: SortRequest, destinations: Iterable[Path]) -> None:
        """Identify the folders of a resolved request, and the destinations of earlier sortings.

        The source may be one of these, or inside one.
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
            if key == self._source:  # also if neither exists, which reading the photo reports
                return ""
            if key in self._destinations:
                return tr("It is in “{folder}”, the destination of a sorting.", folder=display_path(one))
        return tr(_OUTSIDE)


def _identity(folder: Path) -> Hashable:
    with contextlib.suppress(OSError, ValueError):
        return identity(folder)
    return None
