"""What was removed from the library is kept for some days, and can be brought back as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.base.errors import ModelError
from core.base.storage import storage_errors
from core.models import versions


@dataclass(frozen=True, slots=True)
class RemovedEntry:
    """What was removed and is still kept.

    Attributes:
        name: of the model.
        number: of the version; None where the model was removed with all of them.
        folder: where it is kept.
        removed_at: when it was removed.
    """

    name: str
    number: int | None
    folder: Path
    removed_at: datetime

    @property
    def reference(self) -> str:
        """`name`, or `name@number`."""
        return self.name if self.number is None else f"{self.name}@{self.number}"


def list_removed(own: Path) -> tuple[RemovedEntry, ...]:
    """What was removed from the person's models and can be restored, the latest first."""
    return tuple(sorted(_in_trash(own), key=lambda one: one.removed_at, reverse=True))


def restore(own: Path, name: str, number: int | None = None) -> RemovedEntry:
    """Bring back what was removed last under a name, or as a version of it, as it was.

    Raises:
        ModelError: nothing of the kind is kept any more, or its place is taken by now.
        StorageError: the disk does not allow it; it is still kept.
    """
    with versions.locked(own):
        for one in list_removed(own):
            if (one.name, one.number) == (name, number):
                _restore(one)
                return one
    what = f"Nothing that was removed as {name if number is None else f'{name}@{number}'!r} is kept any more."
    raise ModelError(what, hint=f"What is removed can be restored for {versions.KEPT_DAYS} days.")


def _in_trash(own: Path) -> Iterator[RemovedEntry]:
    for grave in (path for pattern in versions.TRASH for path in own.glob(pattern)):
        with contextlib.suppress(OSError, ValueError):
            moment = datetime.fromtimestamp(grave.stat().st_mtime, UTC)  # a grave is written to once
            for folder in (path for path in grave.iterdir() if path.is_dir()):
                is_name = grave.parent == own
                name, number = (folder.name, None) if is_name else (grave.parent.name, int(folder.name))
                yield RemovedEntry(name, number, folder, moment)


def _restore(entry: RemovedEntry) -> None:
    place = entry.folder.parent.parent / entry.folder.name
    if place.exists():
        hint = "Remove that one first; then this one can be restored."
        raise ModelError(f"There is another model called {entry.reference!r} by now.", hint=hint)
    with storage_errors(place):
        entry.folder.rename(place)
    versions.remove_if_empty(entry.folder.parent)
