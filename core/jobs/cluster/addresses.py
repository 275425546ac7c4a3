"""Images in stores supported by fsspec: `s3://bucket/photos`, `file:///photos`, `zip://::/photos.zip`.

Credentials in an address (user, password, token) are passed to the store and never shown.
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
from core.base.i18n import tr
from core.base.text import display_path, natural_sort_key
from core.images.listing import OnError, has_image_suffix
from core.images.system_folders import is_system_folder

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")
"""The scheme has at least two letters, as `C:` is a drive."""
_MAX_BYTES: Final = 1024**3
"""The same limit as for files."""
_MAX_NAME: Final = 120
_UNSAFE: Final = re.compile(r'[\x00-\x1f<>:"/\\|?*]')


class Address(type(Path())):  # type: ignore[misc] # whichever kind of path this system has
    """A path displayed as an address without credentials."""

    _display: str

    def __new__(cls, shown: str) -> Address:
        """Create a path from the address to display."""
        result: Address = super().__new__(cls, shown)
        return result

    def __init__(self, display: str) -> None:
        if hasattr(Path, "with_segments"):  # since Python 3.12, paths are initialized here
            super().__init__(display)
        self._display = display

    def __str__(self) -> str:
        return self._display

    def __reduce__(self) -> tuple[type[Address], tuple[str]]:
        """Pickle the address, as paths are otherwise rebuilt from their parts, which lose one of two slashes."""
        return Address, (self._display,)


@contextmanager
def open_atomic(address: str, name: str) -> Iterator[BinaryIO]:
    """Open a stream that is written to a store when the block ends without an error.

    Args:
        address: a file, or a folder if it ends with a slash.
        name: the file name in such a folder.

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
    except Exception as error:  # noqa: BLE001 - stores raise errors of their own, whose texts may contain credentials
        what = tr(
            "Couldn't write “{file}” to its store: {error}.",
            file=display_path(target.rpartition("/")[2]),
            error=type(error).__name__,
        )
        raise StorageError(what, hint=tr("Check that you have permission to write to the store.")) from None


def is_address(text: str) -> bool:
    """Whether a text is the address of a store rather than a local path."""
    return _ADDRESS.match(text) is not None


class RemoteStore:
    """A store of images, opened by its address; it can be sent to other machines.

    Attributes:
        root: the folder or file of the address, as a path in the store.
    """

    def __init__(self, address: str) -> None:
        """Open the store.

        Raises:
            UsageError: the kind of store is unknown or not installed, or the address is invalid.
        """
        try:
            from fsspec.core import url_to_fs

            self._files: AbstractFileSystem
            self._files, self.root = url_to_fs(address)
        except Exception as error:  # noqa: BLE001 - stores raise errors of their own, whose texts may contain credentials
            kind = re.split(r"://|::", address, maxsplit=1)[0]
            scheme = f"{display_path(kind)}://"
            if isinstance(error, ImportError | ValueError):
                what = tr("Couldn't open “{scheme}…”: no installed package supports this kind of store.", scheme=scheme)
            else:
                what = tr("Couldn't open “{scheme}…”: {error}.", scheme=scheme, error=type(error).__name__)
            hint = tr("Install its fsspec package, such as s3fs for s3://, or copy the photos to a folder.")
            raise UsageError(what, hint=hint) from None

    def images(self, *, recursive: bool, on_error: OnError) -> Iterator[str]:
        """Paths of images at or below the root, in the order of the folder listing.

        Args:
            recursive: whether to include subfolders.
            on_error: called for each folder that cannot be listed; the walk continues.
        """
        waiting = [self.root]
        while waiting:
            place = waiting.pop()
            try:
                entries = self._files.ls(place, detail=True)
            except Exception as error:  # noqa: BLE001 - stores raise errors of their own
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
        """The address of an image, without credentials, to display and store."""
        return Address(str(self._files.unstrip_protocol(path)))

    def put(self, stream: BinaryIO, path: str) -> None:
        """Write a file from the current position of a stream; stores raise errors of their own."""
        with self._files.open(path, "wb") as result:
            shutil.copyfileobj(stream, result)

    def fetch(self, path: str, folder: Path) -> Path:
        """Copy an image into a folder of its own on this machine, under its name.

        Raises:
            ImageError: it is missing, too large, or cannot be read.
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
        what = tr(
            "“{file}” is too large: {size:,} bytes. The limit is {limit:,} bytes.",
            file=display_path(name),
            size=size,
            limit=_MAX_BYTES,
        )
        raise ImageError(ImageErrorKind.TOO_LARGE, what, hint=tr("Save a smaller copy and use that."))


def _in_order(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen = [entry for entry in entries if not _name(entry).startswith(".")]
    return sorted(seen, key=lambda entry: natural_sort_key(_name(entry)))


def _name(entry: dict[str, Any]) -> str:
    return str(entry["name"]).rstrip("/").rpartition("/")[2]


def _is_file(entry: dict[str, Any]) -> bool:
    return entry.get("type") == "file"


def _is_own_folder(entry: dict[str, Any]) -> bool:
    """Whether an entry is a folder of the user, and not a link; local stores report links to folders as both."""
    return not _is_file(entry) and not entry.get("islink") and not is_system_folder(_name(entry))


def _is_image(entry: dict[str, Any]) -> bool:
    return _is_file(entry) and has_image_suffix(_name(entry))


def _unreadable(path: str, error: Exception) -> ImageError:
    """Convert an error of a store without its text, which may contain credentials."""
    name = display_path(path.rstrip("/").rpartition("/")[2] or path)
    if isinstance(error, FileNotFoundError):
        from core.images.failures import missing  # imports Pillow

        return missing(name)
    what = tr("Couldn't read “{file}”: {error}.", file=name, error=type(error).__name__)
    hint = tr("Check that the store is available and that you have permission to read it.")
    return ImageError(ImageErrorKind.NO_ACCESS, what, hint=hint)
