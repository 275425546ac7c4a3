"""Images behind addresses that fsspec understands: `s3://bucket/photos`, `file:///photos`, `zip://::/photos.zip`.

What an address says of who may read (user, password, token) is given to the store and shown nowhere.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from core.base.errors import FoveaError, ImageError, ImageErrorKind, StorageError, UsageError
from core.base.text import display_path, natural_sort_key
from core.images.listing import OnError, has_image_suffix
from core.images.system_folders import is_system_folder

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")
"""Two letters and more before it: `C:` is a drive."""
_MAX_BYTES: Final = 1024**3
"""As for files."""
_MAX_NAME: Final = 120
_UNSAFE: Final = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_HINT: Final = "See that the store is there and that you may read it."


class Address(type(Path())):  # type: ignore[misc] # whichever kind of path this system has
    """A path that is shown as an address, without what lets one in."""

    _display: str

    def __new__(cls, shown: str) -> Address:
        """The address as it is to be shown."""
        result: Address = super().__new__(cls, shown)
        return result

    def __init__(self, display: str) -> None:
        if hasattr(Path, "with_segments"):  # from Python 3.12 on a path is made here
            super().__init__(display)
        self._display = display

    def __str__(self) -> str:
        return self._display

    def __reduce__(self) -> tuple[type[Address], tuple[str]]:
        """Paths are rebuilt of their parts, which lose one of two slashes."""
        return Address, (self._display,)


@contextmanager
def open_atomic(address: str, name: str) -> Iterator[BinaryIO]:
    """A stream into a store, where it is whole once the block ends well; else there is nothing new.

    Args:
        address: a file, or a folder if it ends with a slash.
        name: of the file in such a folder.

    Raises:
        UsageError: the store cannot be opened.
        StorageError: it cannot be written.
    """
    store = RemoteStore(address)
    target = f"{store.root.rstrip('/')}/{name}" if address.endswith("/") else store.root
    try:
        with tempfile.TemporaryFile() as stream:
            yield stream
            stream.seek(0)
            store.put(stream, target)
    except FoveaError:
        raise
    except Exception as error:  # noqa: BLE001 - each store raises its own, whose text may hold what lets one in
        what = f"“{display_path(target.rpartition('/')[2])}” could not be written to its store: {type(error).__name__}."
        raise StorageError(what, hint="See that you may write there.") from None


def is_address(text: str) -> bool:
    """Whether it is no path on this machine but the address of a store."""
    return _ADDRESS.match(text) is not None


class RemoteStore:
    """A place that holds images, opened by an address; it can be sent to other machines.

    Attributes:
        root: the folder or file in the store that the address means.
    """

    def __init__(self, address: str) -> None:
        """Open the store.

        Raises:
            UsageError: there is no such kind of store, it is not installed, or the address is wrong.
        """
        try:
            from fsspec.core import url_to_fs

            self._files: AbstractFileSystem
            self._files, self.root = url_to_fs(address)
        except Exception as error:  # noqa: BLE001 - each store raises its own, whose text may hold what lets one in
            kind = re.split(r"://|::", address, maxsplit=1)[0]
            what = f"The store that an address “{display_path(kind)}://…” names cannot be opened here"
            missing = isinstance(error, ImportError | ValueError)
            reason = "nothing installed reads that kind." if missing else f"{type(error).__name__}."
            hint = "Install what fsspec needs for it, such as s3fs for s3://, or copy the photos to a folder."
            raise UsageError(f"{what}: {reason}", hint=hint) from None

    def images(self, *, recursive: bool, on_error: OnError) -> Iterator[str]:
        """Images at or below the root, by their paths in the store, in the order in which folders give them.

        Args:
            recursive: whether subfolders count.
            on_error: told of each folder that cannot be listed; the walk goes on.
        """
        waiting = [self.root]
        while waiting:
            place = waiting.pop()
            try:
                entries = self._files.ls(place, detail=True)
            except Exception as error:  # noqa: BLE001 - every kind of store raises its own
                on_error(self.display_url(place), _unreadable(place, error))
                continue
            if len(entries) == 1 and entries[0]["name"].rstrip("/") == place.rstrip("/") and _is_file(entries[0]):
                yield entries[0]["name"]
                continue
            yield from (entry["name"] for entry in _in_order(entries) if _is_image(entry))
            if recursive:
                folders = (entry["name"] for entry in _in_order(entries) if _is_own_folder(entry))
                waiting.extend(reversed([one for one in folders if one.rstrip("/") != place.rstrip("/")]))

    def display_url(self, path: str) -> Address:
        """An image's address, to be told and kept."""
        return Address(str(self._files.unstrip_protocol(path)))

    def put(self, stream: BinaryIO, path: str) -> None:
        """Write a file from where a stream stands; every kind of store raises errors of its own."""
        with self._files.open(path, "wb") as result:
            shutil.copyfileobj(stream, result)

    def fetch(self, path: str, folder: Path) -> Path:
        """Copy an image into a folder of its own on this machine, under its name.

        Raises:
            ImageError: it is not there, too large, or may not be read.
        """
        name = _UNSAFE.sub("_", path.rstrip("/").rpartition("/")[2])[-_MAX_NAME:] or "image"
        try:
            _check_size(name, self._files.size(path))
            folder.mkdir(parents=True, exist_ok=True)
            self._files.get_file(path, str(folder / name))
        except ImageError:
            raise
        except Exception as error:
            raise _unreadable(path, error) from error
        return folder / name


def _check_size(name: str, size: int | None) -> None:
    if size is not None and size > _MAX_BYTES:
        what = f"“{display_path(name)}” has {size:,} bytes, more than the {_MAX_BYTES:,} that Fovea opens."
        raise ImageError(ImageErrorKind.TOO_LARGE, what, hint="Save a smaller copy of it and use that.")


def _in_order(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen = [entry for entry in entries if not _name(entry).startswith(".")]
    return sorted(seen, key=lambda entry: natural_sort_key(_name(entry)))


def _name(entry: dict[str, Any]) -> str:
    return str(entry["name"]).rstrip("/").rpartition("/")[2]


def _is_file(entry: dict[str, Any]) -> bool:
    return entry.get("type") == "file"


def _is_own_folder(entry: dict[str, Any]) -> bool:
    """Whether it is a folder of the user's; stores on this machine say of links to folders that they are both."""
    return not _is_file(entry) and not entry.get("islink") and not is_system_folder(_name(entry))


def _is_image(entry: dict[str, Any]) -> bool:
    return _is_file(entry) and has_image_suffix(_name(entry))


def _unreadable(path: str, error: Exception) -> ImageError:
    """What a store's error means; its own text may hold what lets one in, so it is not told."""
    name = display_path(path.rstrip("/").rpartition("/")[2] or path)
    if isinstance(error, FileNotFoundError):
        what = f"“{name}” does not exist."
        return ImageError(ImageErrorKind.MISSING, what, hint="See that it was not moved, renamed or deleted.")
    return ImageError(ImageErrorKind.NO_ACCESS, f"“{name}” could not be read: {type(error).__name__}.", hint=_HINT)
