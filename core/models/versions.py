"""How the person's own models lie on disk, and how that changes: wholly or not at all, also with two programs at once.

`<own>/<name>/<n>/` is version n of a name: 1, 2 and so on. `<own>/<name>/active` says which one is active, one number
a line: the last one is, those above it were before. `<own>/<name>/newest` is the highest number ever given, where that
version was removed; no other version will bear it.

A version is built in `.new-*` beside its place and then renamed; what is removed is renamed into `.removed-*` there and
can be restored for `KEPT_DAYS`. Who changes anything holds `<own>/.lock`, which the system takes back from a killed
program; who only reads needs no lock. What a kill leaves, and what was removed long ago, is deleted by a later
installation or removal.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from core.base.errors import ModelError, StorageError
from core.base.salvage import recovery_lock, set_aside
from core.base.storage import reading_errors, replace, storage_errors, write_atomically
from core.models.files import read_file

LOCK: Final = ".lock"
_ACTIVE: Final = "active"
_NEWEST: Final = "newest"
_MAX_KEPT: Final = 100
"""How many lines `active` may have."""
_NUMBER: Final = re.compile(r"(0|[1-9][0-9]{0,8})\Z")
KEPT_DAYS: Final = 7
"""How long what was removed can be restored."""
TRASH: Final = (".removed-*", "*/.removed-*")
_LEFTOVERS: Final = ("*/.new-*", "*/.*.part")
_STALE_S: Final = 24 * 3600
"""The age from which a leftover cannot be the work of a program that still runs."""
_TIMEOUT_S: Final = 30.0
"""How long another program may hold the lock; it does so for milliseconds, at most as long as a backbone is read."""


class NameTakenError(ModelError):
    """A model was to be installed under a new name, and the name is not new."""


def split_reference(reference: str) -> tuple[str, int | None]:
    """The name and the number in `name@number`; without a number the active version is meant.

    Raises:
        ModelError: what follows the @ is no number.
    """
    name, at, number = reference.partition("@")
    if not at:
        return name, None
    if not _NUMBER.match(number):
        raise ModelError(
            f"{reference!r} names no version of a model.", hint="After the @ stands a version's number: mine@2."
        )
    return name, int(number)


def subfolders(place: Path) -> list[Path]:
    """The folders in a place by name, without hidden ones; none where the place cannot be read."""
    try:
        return sorted(
            folder for folder in place.iterdir() if folder.is_dir() and not folder.name.startswith((".", "_"))
        )
    except OSError:
        return []


def numbers(place: Path) -> tuple[int, ...]:
    """The versions in the folder of a name, the lowest number first."""
    found = (int(folder.name) for folder in subfolders(place) if _NUMBER.match(folder.name))
    return tuple(sorted(number for number in found if number))


def history(place: Path) -> tuple[int, ...]:
    """The versions that were active, the latest last; 0 is what came with the program, or a line that says nothing."""
    return _lines(place / _ACTIVE)


def history_error(place: Path) -> ModelError | None:
    """Why it is not known which version of a name is active; None where it is, or none is."""
    file = place / _ACTIVE
    try:
        os.scandir(place).close()
        lines = file.read_bytes().splitlines() if file.exists() else []
    except OSError as error:
        what = f"The folder {str(place)!r} of the model {place.name!r} cannot be read: {error.strerror}."
        return ModelError(what, hint="Check the permissions of that folder and its disk.")
    if not lines or _is_number(lines[-1]):
        return None
    what = f"It is not known which version of {place.name!r} is active: {str(file)!r} is damaged."
    return ModelError(what, hint=f"`fovea models activate {place.name}@N` chooses one.")


def active(place: Path) -> int:
    """The number of the active version, which may be gone; 0 where none is active."""
    past = history(place)
    return past[-1] if past else 0


def write_history(place: Path, past: Sequence[int]) -> None:
    """Make the last of these numbers the active version; of a long history the beginning is forgotten.

    Raises:
        StorageError: the folder does not allow it; what was active still is.
    """
    file = place / _ACTIVE
    with reading_errors(file):
        lines = file.read_bytes().splitlines() if file.exists() else []
    if not all(map(_is_number, lines)):
        set_aside(file)
    write_atomically(file, "".join(f"{number}\n" for number in past[-_MAX_KEPT:]).encode())


@contextlib.contextmanager
def locked(own: Path) -> Iterator[None]:
    """Keep every other program from changing the person's models meanwhile.

    Raises:
        StorageError: the folder does not allow it, or another program holds the lock for too long.
    """
    with storage_errors(own):
        own.mkdir(parents=True, exist_ok=True)
    recovery_lock(own / LOCK)
    with contextlib.ExitStack() as stack:
        try:
            lock = sqlite3.connect(own / LOCK, timeout=_TIMEOUT_S, isolation_level=None)
            stack.callback(lock.close)
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            what = f"The models in {str(own)!r} cannot be changed just now: {error}."
            raise StorageError(what, hint="Close what else may be changing them, and check that folder.") from error
        yield


@contextlib.contextmanager
def staging(place: Path, *, new_name: bool) -> Iterator[Path]:
    """A folder to build a version in, gone afterwards unless it was published.

    Args:
        place: the folder of the name.
        new_name: whether there must be no such folder yet; only one program can succeed in that.

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
        what = f"There already is a model called {place.name!r}."
        raise NameTakenError(what, hint="Choose another name.") from error


def publish(folder: Path, place: Path, *, activate: bool, before: int | None) -> int:
    """Make a finished folder the next version, and the active one if wanted, or leave no trace of it; needs the lock.

    Args:
        folder: the finished folder.
        place: the folder of the name.
        activate: whether it is to be the active one.
        before: which is active now; 0 for what came with the program, None for none.

    Returns:
        The version's number.

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
    """Remove a version whose number shall not be given again; needs the lock.

    Raises:
        StorageError: the disk does not allow it; the version is as it was.
    """
    write_atomically(place / _NEWEST, f"{max((number, *_lines(place / _NEWEST)))}\n".encode())
    move_to_trash(place / str(number))


def move_to_trash(folder: Path) -> None:
    """Take a folder away, so that it can be restored; a kill leaves it in its place or in its grave.

    Raises:
        StorageError: the disk does not allow it; the folder is as it was.
    """
    with storage_errors(folder):
        trashed = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".removed-"))
        try:
            replace(folder, trashed / folder.name)
        except BaseException:
            remove_if_empty(trashed)
            raise


def purge(own: Path) -> None:
    """Delete what killed programs left half done, and what was removed long ago."""
    for patterns, oldest_s in ((_LEFTOVERS, _STALE_S), (TRASH, KEPT_DAYS * 24 * 3600)):
        for path in (path for pattern in patterns for path in own.glob(pattern)):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > oldest_s:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                    remove_if_empty(path.parent)


def _taken(place: Path) -> list[int]:
    """Numbers that a new version cannot bear, whatever stands under them."""
    return [int(path.name) for path in place.iterdir() if _NUMBER.match(path.name)]


def _is_number(line: bytes) -> bool:
    return bool(_NUMBER.match(line.decode("ascii", errors="replace")))


def _lines(file: Path) -> tuple[int, ...]:
    """The numbers in a file, one a line, 0 for a line that is none; empty where it cannot be read."""
    try:
        lines = read_file(file).decode("ascii").splitlines()
    except (ModelError, UnicodeDecodeError):
        return ()
    return tuple(int(line) if _NUMBER.match(line) else 0 for line in lines)


def remove_if_empty(place: Path) -> None:
    """Delete a folder in which nothing lies."""
    with contextlib.suppress(OSError):
        place.rmdir()
