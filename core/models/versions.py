"""The user's models on disk, and how they change: atomically, even with two programs at once.

`<own>/<name>/<n>/` is version n of a name: 1, 2 and so on. `<own>/<name>/active` has one number per line: the last is
the active version, those above were active before. `<own>/<name>/newest` is the highest number ever used, if that
version was removed; it is not reused.

A version is built in `.new-*` next to its final path and then renamed. Removed versions are moved to `.removed-*` and
can be restored for `KEPT_DAYS`. Writers hold `<own>/.lock`, which the system releases if a program is killed; readers
need no lock. Leftovers of killed programs, and what was removed long ago, are deleted by a later installation or
removal.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from core.base import lock_files
from core.base.errors import ModelError, StorageError, os_reason
from core.base.i18n import tr
from core.base.salvage import set_aside
from core.base.storage import reading_errors, replace, storage_errors, write_atomically
from core.models.files import read_file

LOCK: Final = ".lock"
_ACTIVE: Final = "active"
_NEWEST: Final = "newest"
_MAX_KEPT: Final = 100
"""Maximum number of lines in `active`."""
_NUMBER: Final = re.compile(r"(0|[1-9][0-9]{0,8})\Z")
KEPT_DAYS: Final = 7
"""How long removed models and versions can be restored."""
TRASH: Final = (".removed-*", "*/.removed-*")
_LEFTOVERS: Final = ("*/.new-*", "*/.*.part")
_STALE_S: Final = 24 * 3600
"""The age at which a leftover cannot belong to a running program."""
_TIMEOUT_S: Final = 30.0
"""How long to wait for the lock; it is held for milliseconds, at most as long as a backbone is read."""


class NameTakenError(ModelError):
    """A model was to be installed under a new name, but the name is taken."""


def split_reference(reference: str) -> tuple[str, int | None]:
    """Split `name@number`; the number is None if only the name is given, for the active version.

    Raises:
        ModelError: what follows the @ is not a number.
    """
    name, at, number = reference.partition("@")
    if not at:
        return name, None
    if not _NUMBER.match(number):
        what = tr("{reference!r} is not a version of a model.", reference=reference)
        raise ModelError(what, hint=tr("Write the version number after the @, for example mine@2."))
    return name, int(number)


def subfolders(place: Path) -> list[Path]:
    """The visible subfolders of a folder, sorted by name; none if it cannot be read."""
    try:
        return sorted(
            folder for folder in place.iterdir() if folder.is_dir() and not folder.name.startswith((".", "_"))
        )
    except OSError:
        return []


def numbers(place: Path) -> tuple[int, ...]:
    """The versions in the folder of a name, in ascending order."""
    found = (int(folder.name) for folder in subfolders(place) if _NUMBER.match(folder.name))
    return tuple(sorted(number for number in found if number))


def history(place: Path) -> tuple[int, ...]:
    """The versions that were active, the latest last; 0 is the built-in version, or an invalid line."""
    return _lines(place / _ACTIVE)


def history_error(place: Path) -> ModelError | None:
    """Why the active version of a name cannot be read; None if it can, or if none is active."""
    file = place / _ACTIVE
    try:
        os.scandir(place).close()
        lines = file.read_bytes().splitlines() if file.exists() else []
    except OSError as error:
        what = tr(
            "Couldn't read the folder {folder!r} of the model {name!r}: {reason}.",
            folder=str(place),
            name=place.name,
            reason=os_reason(error),
        )
        return ModelError(what, hint=tr("Check the folder's permissions and its disk."))
    if not lines or _is_number(lines[-1]):
        return None
    what = tr("The active version of {name!r} is unknown: {file!r} is damaged.", name=place.name, file=str(file))
    return ModelError(what, hint=tr("Run `fovea models activate {name}@N` to choose a version.", name=place.name))


def active(place: Path) -> int:
    """The number of the active version, which may be missing; 0 if none is active."""
    past = history(place)
    return past[-1] if past else 0


def earlier(place: Path, existing: Collection[int]) -> tuple[int, ...]:
    """The versions that were active before, the latest last; that one exists and is not the active one."""
    past = history(place)
    before = past[:-1]
    while before and (before[-1] not in existing or before[-1] == past[-1]):
        before = before[:-1]
    return before


def write_history(place: Path, past: Sequence[int]) -> None:
    """Make the last of these numbers the active version; a long history is truncated at the start.

    Raises:
        StorageError: the folder does not allow it; the active version is unchanged.
    """
    file = place / _ACTIVE
    with reading_errors(file):
        lines = file.read_bytes().splitlines() if file.exists() else []
    if not all(map(_is_number, lines)):
        set_aside(file)
    write_atomically(file, "".join(f"{number}\n" for number in past[-_MAX_KEPT:]).encode())


@contextlib.contextmanager
def locked(own: Path) -> Iterator[None]:
    """Lock the user's models against changes by other programs.

    Raises:
        StorageError: the folder does not allow it, or another program holds the lock for too long.
    """
    with lock_files.locked(own / LOCK, lambda: _taken_error(own), patience_s=_TIMEOUT_S):
        yield


def _taken_error(own: Path) -> StorageError:
    what = tr("Couldn't change the models in {folder!r}: another program is changing them.", folder=str(own))
    return StorageError(what, hint=tr("Close other programs that may be changing them, and check the folder."))


@contextlib.contextmanager
def staging(place: Path, *, new_name: bool) -> Iterator[Path]:
    """Create a folder to build a version in; it is removed afterwards unless it was published.

    Args:
        place: the folder of the name.
        new_name: whether that folder must not exist yet; only one program can succeed.

    Raises:
        NameTakenError: with `new_name`, there is one.
        StorageError: the disk does not allow it.
    """
    with storage_errors(place):
        _claim(place, new_name=new_name)
    try:
        with storage_errors(place):
            folder = Path(tempfile.mkdtemp(dir=place, prefix=".new-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        remove_if_empty(place)


def _claim(place: Path, *, new_name: bool) -> None:
    try:
        place.mkdir(parents=True, exist_ok=not new_name)
    except FileExistsError as error:
        if not new_name:
            raise
        what = tr("There is already a model named {name!r}.", name=place.name)
        raise NameTakenError(what, hint=tr("Choose another name.")) from error


def publish(folder: Path, place: Path, *, activate: bool, before: int | None) -> int:
    """Make a finished folder the next version, and optionally the active one, or change nothing; needs the lock.

    Args:
        folder: the finished folder.
        place: the folder of the name.
        activate: whether to make it the active version.
        before: the active version; 0 for the built-in one, None for none.

    Returns:
        The number of the new version.

    Raises:
        StorageError: the disk does not allow it.
    """
    with storage_errors(place):
        number = 1 + max((*_lines(place / _NEWEST), *_taken(place)), default=0)
        folder.rename(place / str(number))
    if activate:
        try:
            beneath = (0,) if before == 0 and not history(place) else ()
            write_history(place, (*beneath, *history(place), number))
        except StorageError:
            shutil.rmtree(place / str(number), ignore_errors=True)
            raise
    return number


def discard(place: Path, number: int) -> None:
    """Remove a version so that its number is not reused; needs the lock.

    Raises:
        StorageError: the disk does not allow it; the version is unchanged.
    """
    spend(place, number)
    move_to_trash(place / str(number))


def spend(place: Path, number: int) -> None:
    """Record that a version number was used, so that it is not used again; needs the lock.

    Raises:
        StorageError: the disk does not allow it.
    """
    write_atomically(place / _NEWEST, f"{max((number, *_lines(place / _NEWEST)))}\n".encode())


def move_to_trash(folder: Path) -> None:
    """Move a folder to the trash, from which it can be restored; a kill leaves it in one place or the other.

    Raises:
        StorageError: the disk does not allow it; the folder is unchanged.
    """
    with storage_errors(folder):
        trashed = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".removed-"))
        try:
            replace(folder, trashed / folder.name)
        except BaseException:
            remove_if_empty(trashed)
            raise


def purge(own: Path) -> None:
    """Delete leftovers of killed programs, and what was removed long ago."""
    for patterns, oldest_s in ((_LEFTOVERS, _STALE_S), (TRASH, KEPT_DAYS * 24 * 3600)):
        for path in (path for pattern in patterns for path in own.glob(pattern)):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > oldest_s:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                    remove_if_empty(path.parent)


def _taken(place: Path) -> list[int]:
    """Numbers that a new version cannot use."""
    return [int(path.name) for path in place.iterdir() if _NUMBER.match(path.name)]


def _is_number(line: bytes) -> bool:
    return bool(_NUMBER.match(line.decode("ascii", errors="replace")))


def _lines(file: Path) -> tuple[int, ...]:
    """The numbers in a file, one per line, 0 for an invalid line; empty if it cannot be read."""
    try:
        lines = read_file(file).decode("ascii").splitlines()
    except (ModelError, UnicodeDecodeError):
        return ()
    return tuple(int(line) if _NUMBER.match(line) else 0 for line in lines)


def remove_if_empty(place: Path) -> None:
    """Delete a folder if it is empty."""
    with contextlib.suppress(OSError):
        place.rmdir()
