"""Which versions of a model were made with an image, and deleting them for good.

Versions in the trash and leftovers of killed programs count as well. Models that were exported are out of reach.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.base.hashing import file_sha256
from core.base.storage import replace, storage_errors
from core.models import versions
from core.models.files import read_file
from core.models.thumbnails import thumbnail_file
from core.models.training_examples import EXAMPLES
from core.models.training_hashes import TRAINING_HASHES, TrainingHashes, read_hashes


@dataclass(frozen=True, slots=True, eq=False)
class VersionRecord:
    """What a version says of the images that it was made with.

    Attributes:
        folder: of the version.
        files: where its training, validation and test images were, by SHA-256.
        trained: the images that its head was fitted to; None if unknown.
    """

    folder: Path
    files: Mapping[str, Path]
    trained: TrainingHashes | None

    def has(self, sha256: str) -> bool:
        """Whether it was trained, calibrated or evaluated on an image."""
        is_trained = self.trained is not None and self.trained.contains(sha256)
        return is_trained or sha256 in self.files or thumbnail_file(self.folder, sha256).exists()

    def has_any(self, images: Collection[str]) -> bool:
        """Whether it was made with one of these images."""
        return any(map(self.has, images))


def version_records(own: Path, name: str) -> tuple[VersionRecord, ...]:
    """The records of all versions of a name that have them, removed ones included.

    Raises:
        ModelError: a file cannot be read.
    """
    places = (own / name, *(removed / name for removed in own.glob(".removed-*")))
    files = (file for place in places for what in (EXAMPLES, TRAINING_HASHES) for file in place.rglob(what))
    folders = sorted({file.parent for file in files})
    return tuple(VersionRecord(folder, _files(folder), read_hashes(folder)) for folder in folders)


def hashes_of(photo: Path, records: Sequence[VersionRecord]) -> frozenset[str]:
    """SHA-256 of a photo, which may be missing, as it is and as it was; only those that versions were made with."""
    place = photo.absolute()
    found = {sha256 for one in records for sha256, file in one.files.items() if file == place}
    with contextlib.suppress(OSError):
        found.add(file_sha256(photo))
    return frozenset(sha256 for sha256 in found if any(one.has(sha256) for one in records))


def erase_versions(own: Path, name: str, folders: Collection[Path]) -> tuple[int, ...]:
    """Delete versions for good: they cannot be restored, and their numbers are not used again.

    Args:
        own: the folder of the user's models.
        name: of the model, none of whose folders is the active version.
        folders: their folders, removed ones included.

    Returns:
        The numbers of those that were installed.

    Raises:
        StorageError: the disk does not allow it; calling it again goes on.
    """
    place = own / name
    with versions.locked(own):
        numbers = [number for number in versions.numbers(place) if place / str(number) in folders]
        if numbers:
            versions.spend(place, max(numbers))
        for folder in folders:
            _erase(folder)
    return tuple(numbers)


def _erase(folder: Path) -> None:
    """Delete a folder; what a kill leaves of it is deleted by the next call, or with other leftovers."""
    with storage_errors(folder):
        leftover = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
        replace(folder, leftover / folder.name)
        shutil.rmtree(leftover)
    if folder.parent.name.startswith("."):
        versions.remove_if_empty(folder.parent)


def _files(folder: Path) -> dict[str, Path]:
    """The file of each image of a version by SHA-256; damaged lines are left out."""
    found = {}
    for line in read_file(folder / EXAMPLES).splitlines() if (folder / EXAMPLES).exists() else ():
        with contextlib.suppress(ValueError, RecursionError, TypeError, KeyError):
            content = json.loads(line)
            found[str(content["sha256"])] = Path(content["path"])
    return found
