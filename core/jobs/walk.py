"""Walking a job's folder: every image in input order, with its size and modification time to detect changes.

The list of images is never in memory: a database on disk sorts the names of one folder in natural order, as a folder
may contain a million of them.
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

from core.base.database import connect
from core.base.errors import ImageError, UsageError
from core.base.i18n import tr
from core.base.text import display_path, natural_sort_key
from core.images.kinds import unread_name
from core.images.listing import has_near_image_suffix, is_folder, is_valid_path, visible_entries, walk_folders
from core.jobs.journal import FoundFile
from core.jobs.patterns import Patterns
from core.jobs.schema import journal_errors
from core.jobs.values import JobRequest
from core.prediction import Failure

NAMES: Final = "names.sqlite"
_MAX_INSPECTED: Final = 100
"""How many files without an image extension are inspected in one walk."""
_TABLE: Final = """
CREATE TABLE names (key BLOB PRIMARY KEY, name BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL)
WITHOUT ROWID
"""
_UNKNOWN: Final = (-1, 0)
"""Size and time of a file without readable status, such as a broken link; reading it reports the error."""


class Walk:
    """One walk over a job's folder, in the order of `core.images.listing.find_images`.

    Attributes:
        unreadable_folders: the folders that could not be read so far.
        skipped: the number of files of unsupported types found so far, by type.
        found_count: the number of images found so far, including those of the current folder not yielded yet.
        links: the number of links to folders found so far, which are not followed.
        misnamed: the number of images without an image extension found so far, among `_MAX_INSPECTED` files.
    """

    def __init__(self, request: JobRequest, place: Path) -> None:
        """Check the request without reading anything.

        Args:
            request: the folder, whether to include subfolders, and the patterns.
            place: a folder for the temporary database.

        Raises:
            UsageError: the folder does not exist, or a pattern is invalid.
        """
        self.unreadable_folders: list[Failure] = []
        self.found_count = self.links = self.misnamed = 0
        self.skipped: Counter[str] = Counter()
        self._inspected = 0
        self._patterns = Patterns.of(request.include, request.exclude)
        self._top, self._recursive = request.folder, request.recursive
        self._file = place / NAMES
        check_folder(request.folder)

    def __iter__(self) -> Iterator[FoundFile]:
        """Iterate over all images, once only.

        Raises:
            StorageError: the temporary database cannot be written.
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
        """Whether there are no images; stops at the first one, and writes nothing."""
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
        """The matching images of one folder; its subfolders are added to the list."""
        all_count = self._patterns.includes(_slashed(below))
        for entry, is_subfolder in visible_entries(folder, lambda entry: self._on_skipped(entry, below)):
            path = _slashed(os.path.join(below, entry.name))  # noqa: PTH118 - creating a Path for each is slow
            if self._patterns.excludes(path):
                continue
            if is_subfolder:
                subfolders.append(folder / entry.name)
            elif all_count or self._patterns.includes(path):
                self.found_count += 1
                yield natural_sort_key(entry.name), os.fsencode(entry.name), *_state(entry)

    def _on_skipped(self, entry: os.DirEntry[str], below: str) -> None:
        """Count a skipped entry that the user may miss."""
        path = _slashed(os.path.join(below, entry.name))  # noqa: PTH118 - creating a Path for each is slow
        if self._patterns.excludes(path):
            return
        if is_folder(entry):
            self.links += self._recursive
        elif kind := unread_name(entry.name):
            if self._patterns.includes(path):
                self.skipped[kind] += 1
        elif self._inspected < _MAX_INSPECTED and has_near_image_suffix(entry.name) and entry.is_file():
            self._inspected += 1
            self.misnamed += self._patterns.includes(path) and _holds_image(Path(entry.path))

    def _on_error(self, folder: Path, error: ImageError) -> None:
        self.unreadable_folders.append(Failure.of(folder, error))

    @contextlib.contextmanager
    def _names(self) -> Iterator[sqlite3.Connection]:
        """Open the temporary database. It is never committed, so that it is written only when its cache is full."""
        self._file.unlink(missing_ok=True)  # left by a walk that was killed
        try:
            with contextlib.closing(connect(self._file)) as names:
                for pragma in ("journal_mode = OFF", "synchronous = OFF"):
                    names.execute(f"PRAGMA {pragma}")
                names.execute("BEGIN")
                names.execute(_TABLE)
                yield names
        finally:
            self._file.unlink(missing_ok=True)


def _holds_image(file: Path) -> bool:
    from core.images.decoding import looks_like_image  # imports Pillow

    try:
        return looks_like_image(file)
    except OSError:
        return False


def check_folder(folder: Path) -> None:
    """Check that a path is a folder.

    Raises:
        UsageError: it does not exist, is not a folder, or is not a valid path.
    """
    try:
        os.scandir(folder).close()
    except NotADirectoryError as error:
        what = tr("{path} is not a folder.", path=display_path(folder))
        raise UsageError(what, hint=tr("Choose a folder.")) from error
    except FileNotFoundError as error:
        hint = tr("Check that it was not moved or renamed, and that its drive is connected.")
        raise UsageError(tr("There is no folder {path}.", path=display_path(folder)), hint=hint) from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte
        if not is_valid_path(folder) or (isinstance(error, OSError) and error.errno == errno.ELOOP):
            hint = tr("Check the name; it may be too long, or a link that points to itself.")
            raise UsageError(tr("Invalid folder path: {path}.", path=display_path(folder)), hint=hint) from error
        # the walk reports other errors


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
