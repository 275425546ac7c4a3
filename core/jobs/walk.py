"""Walking a job's folder: every image in input order, with what tells whether it changed.

No list of them is ever in memory: the names of one folder are put in their natural order by a file on disk, for a
folder may hold a million of them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from core.base.errors import ImageError, UsageError
from core.base.text import display_path, natural_sort_key
from core.images.kinds import unread_name
from core.images.listing import has_near_image_suffix, is_folder, is_valid_path, visible_entries, walk_folders
from core.jobs.journal import FoundFile
from core.jobs.patterns import Patterns
from core.jobs.schema import journal_errors
from core.jobs.values import JobRequest, UnreadableFolder

NAMES: Final = "names.sqlite"
_VISITED: Final = 100
"""Files in one walk."""
_TABLE: Final = """
CREATE TABLE names (key BLOB PRIMARY KEY, name BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL)
WITHOUT ROWID
"""
_UNKNOWN: Final = (-1, 0)
"""Size and time of what cannot be looked at, such as a link that leads nowhere; reading it tells what is wrong."""


class Walk:
    """One walk over a job's folder, in the order of `core.images.listing.find_images`.

    Attributes:
        unreadable_folders: the folders that could not be read so far.
        skipped: files met so far of kinds that Fovea does not read.
        found_count: images met so far; of a folder that takes long to read, those not given yet count too.
        links: links to folders met so far, which are not followed.
        misnamed: files met so far that hold an image but are not named like one; `_VISITED` are looked into.
    """

    def __init__(self, request: JobRequest, place: Path) -> None:
        """Nothing is read yet.

        Args:
            request: the folder, whether subfolders count, and the patterns.
            place: a folder to keep one folder's names in meanwhile.

        Raises:
            UsageError: there is no such folder, or a pattern means nothing.
        """
        self.unreadable_folders: list[UnreadableFolder] = []
        self.found_count = self.links = self.misnamed = 0
        self.skipped: Counter[str] = Counter()
        self._visited = 0
        self._patterns = Patterns.of(request.include, request.exclude)
        self._top, self._recursive = request.folder, request.recursive
        self._file = place / NAMES
        check_folder(request.folder)

    def __iter__(self) -> Iterator[FoundFile]:
        """Every image, once.

        Raises:
            StorageError: the names cannot be kept.
        """
        with journal_errors(self._file), self._names() as names:
            yield from walk_folders(
                self._top,
                lambda folder: self._entries(folder, names),
                recursive=self._recursive,
                on_error=self._on_error,
                read=set(),
            )

    def is_empty(self) -> bool:
        """Whether there is no image; looks no further than to the first one, and keeps no names."""
        images = walk_folders(self._top, self._unsorted, recursive=self._recursive, on_error=self._on_error, read=set())
        return next(images, None) is None

    def _unsorted(self, folder: Path) -> tuple[Iterable[object], list[Path]]:
        subfolders: list[Path] = []
        return self._chosen(folder, self._below(folder), subfolders), subfolders

    def _below(self, folder: Path) -> str:
        place = os.path.relpath(folder, self._top)
        return "" if place == os.curdir else place

    def _entries(self, folder: Path, names: sqlite3.Connection) -> tuple[Iterable[FoundFile], list[Path]]:
        below = self._below(folder)
        subfolders: list[Path] = []
        names.execute("DELETE FROM names")
        names.executemany("INSERT INTO names VALUES (?, ?, ?, ?)", self._chosen(folder, below, subfolders))
        return _sorted(names, os.fsencode(below)), sorted(subfolders, key=lambda path: natural_sort_key(path.name))

    def _chosen(self, folder: Path, below: str, subfolders: list[Path]) -> Iterator[tuple[bytes, bytes, int, int]]:
        """The images of one folder that count; its subfolders go into the list."""
        all_count = self._patterns.includes(_slashed(below))
        for entry, is_subfolder in visible_entries(folder, lambda entry: self._on_skipped(entry, below)):
            path = _slashed(os.path.join(below, entry.name))  # noqa: PTH118 - a Path for each is slow
            if self._patterns.excludes(path):
                continue
            if is_subfolder:
                subfolders.append(folder / entry.name)
            elif all_count or self._patterns.includes(path):
                self.found_count += 1
                yield natural_sort_key(entry.name), os.fsencode(entry.name), *_state(entry)

    def _on_skipped(self, entry: os.DirEntry[str], below: str) -> None:
        """Count what a person may miss."""
        path = _slashed(os.path.join(below, entry.name))  # noqa: PTH118 - a Path for each is slow
        if self._patterns.excludes(path):
            return
        if is_folder(entry):
            self.links += self._recursive
        elif kind := unread_name(entry.name):
            if self._patterns.includes(path):
                self.skipped[kind] += 1
        elif self._visited < _VISITED and has_near_image_suffix(entry.name) and entry.is_file():
            self._visited += 1
            self.misnamed += self._patterns.includes(path) and _holds_image(Path(entry.path))

    def _on_error(self, folder: Path, error: ImageError) -> None:
        self.unreadable_folders.append(UnreadableFolder(folder, error.what, error.hint))

    @contextlib.contextmanager
    def _names(self) -> Iterator[sqlite3.Connection]:
        """The file for names, gone afterwards; it is never committed, so only what its cache cannot hold is written."""
        self._file.unlink(missing_ok=True)  # of a walk that was killed
        try:
            with contextlib.closing(sqlite3.connect(self._file, isolation_level=None)) as names:
                for pragma in ("journal_mode = OFF", "synchronous = OFF"):
                    names.execute(f"PRAGMA {pragma}")
                names.execute("BEGIN")
                names.execute(_TABLE)
                yield names
        finally:
            self._file.unlink(missing_ok=True)


def _holds_image(file: Path) -> bool:
    from core.images.decoding import looks_like_image  # takes Pillow

    try:
        return looks_like_image(file)
    except OSError:
        return False


def check_folder(folder: Path) -> None:
    """Refuse what is no folder, and never can be.

    Raises:
        UsageError: it is not there, something else is, or no folder can be called so.
    """
    try:
        os.scandir(folder).close()
    except NotADirectoryError as error:
        raise UsageError(f"{display_path(folder)} is not a folder.", hint="A job classifies a folder.") from error
    except FileNotFoundError as error:
        hint = "See that it was not moved or renamed, and that its disk is there."
        raise UsageError(f"There is no folder {display_path(folder)}.", hint=hint) from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte
        if not is_valid_path(folder) or (isinstance(error, OSError) and error.errno == errno.ELOOP):
            hint = "Check the name; it may be too long, or a link that leads back to itself."
            raise UsageError(f"No folder can be called {display_path(folder)}.", hint=hint) from error
        # the walk tells


def _sorted(names: sqlite3.Connection, folder: bytes) -> Iterator[FoundFile]:
    for name, size, mtime_ns in names.execute("SELECT name, size, mtime_ns FROM names ORDER BY key"):
        yield FoundFile(folder, name, size, mtime_ns)


def _state(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        status = entry.stat()
    except OSError:
        return _UNKNOWN
    return status.st_size, status.st_mtime_ns


def _slashed(path: str) -> str:
    return path.replace(os.sep, "/") if os.sep != "/" else path
