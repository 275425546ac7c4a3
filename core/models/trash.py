"""The trash of the library: removed models and versions can be restored for some days."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.base.errors import ModelError
from core.base.i18n import tr, tr_n
from core.base.storage import storage_errors
from core.models import versions


@dataclass(frozen=True, slots=True)
class RemovedEntry:
    """A removed model or version that can be restored.

    Attributes:
        name: the name of the model.
        number: the version; None if the model was removed with all versions.
        folder: its folder in the trash.
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
    """The removed models and versions that can be restored, the latest first."""
    return tuple(sorted(_in_trash(own), key=lambda one: one.removed_at, reverse=True))


def restore(own: Path, name: str, number: int | None = None) -> RemovedEntry:
    """Restore the most recently removed model of this name, or this version of it.

    Raises:
        ModelError: there is none in the trash, or the name is taken.
        StorageError: the disk does not allow it; it stays in the trash.
    """
    with versions.locked(own):
        for one in list_removed(own):
            if (one.name, one.number) == (name, number):
                _restore(one)
                return one
    reference = name if number is None else f"{name}@{number}"
    hint = tr_n(
        "Removed models can be restored for {count} day.",
        "Removed models can be restored for {count} days.",
        versions.KEPT_DAYS,
    )
    raise ModelError(tr("There is no removed model {name!r} to restore.", name=reference), hint=hint)


def _in_trash(own: Path) -> Iterator[RemovedEntry]:
    for trashed in (path for pattern in versions.TRASH for path in own.glob(pattern)):
        with contextlib.suppress(OSError, ValueError):
            moment = datetime.fromtimestamp(trashed.stat().st_mtime, UTC)  # it is written to only once
            for folder in (path for path in trashed.iterdir() if path.is_dir()):
                is_name = trashed.parent == own
                name, number = (folder.name, None) if is_name else (trashed.parent.name, int(folder.name))
                yield RemovedEntry(name, number, folder, moment)


def _restore(entry: RemovedEntry) -> None:
    place = entry.folder.parent.parent / entry.folder.name
    if place.exists():
        what = tr("Couldn't restore {name!r}: there is now another model with this name.", name=entry.reference)
        raise ModelError(what, hint=tr("Remove the other one first."))
    with storage_errors(place):
        entry.folder.rename(place)
    versions.remove_if_empty(entry.folder.parent)
