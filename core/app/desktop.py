"""Fovea in the menus of a Linux desktop, for one user and without root: a desktop entry and icons.

The entry follows the Desktop Entry Specification 1.5, the folders the XDG Base Directory and Icon Theme Specifications
(specifications.freedesktop.org). The default program for images is never changed.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.base.bundle import clean_environment, this_bundle
from core.base.errors import StorageError, UsageError
from core.base.i18n import tr
from core.base.storage import storage_errors, write_atomically

ICON_SIZES: Final = (16, 24, 32, 48, 64, 128, 256, 512)
"""In pixels; each is a folder of the icon theme hicolor, the fallback of all themes."""
_HEIC_TYPES: Final = ("image/heic", "image/heif")
IMAGE_TYPES: Final = (
    *("image/avif", "image/bmp", "image/gif", *_HEIC_TYPES),
    *("image/jpeg", "image/png", "image/tiff", "image/webp"),
)
"""The MIME types of files with a suffix in `images.listing.IMAGE_SUFFIXES`."""

_ENTRY: Final = "fovea.desktop"
_OWNERSHIP_MARK: Final = "# Written by `fovea --install`; `fovea --uninstall` removes it."
_RESERVED: Final = frozenset(" \t\n\"'\\><~|&;$*?#()`")
_UNWRITABLE: Final = re.compile(r"[=\x00-\x1f\x7f]")
"""The specification allows no `=` in the path of a program, and some desktops cannot read control characters."""
_TIMEOUT_S: Final = 20
_ENTRY_TEXT: Final = """\
{ours}
[Desktop Entry]
Type=Application
Version=1.0
Name=Fovea
GenericName=Image Classifier
Comment=Recognize what is in photos and train your own classes, on your own computer
Exec={exec}
TryExec={program}
{path}Icon=fovea
Terminal=false
StartupNotify=true
StartupWMClass=Fovea
Categories=Graphics;Photography;
Keywords=photo;picture;image;classify;recognize;label;keyword;train;model;
MimeType={types}
"""


@dataclass(frozen=True, slots=True)
class LaunchCommand:
    """How the menus start Fovea.

    Attributes:
        command: the path of the program and its first arguments.
        folder: the required working directory; None if it does not matter.
    """

    command: tuple[str, ...]
    folder: Path | None = None

    @classmethod
    def for_this_program(cls, package: Path) -> LaunchCommand:
        """The running bundle, or this Python with the folder `package` of the window as a module."""
        if this_bundle() is not None:
            return cls((sys.executable,))
        return cls((sys.executable, "-m", package.name), package.parent)


@dataclass(frozen=True, slots=True)
class DesktopEntry:
    """The installed desktop entry.

    Attributes:
        entry: the entry's file.
        skipped: image types left out of the entry. Their default program was not chosen by the user, so the desktop
            would have made Fovea the default.
    """

    entry: Path
    skipped: tuple[str, ...]


def install(launch: LaunchCommand, icons: Path) -> DesktopEntry:
    """Add Fovea to the user's menus and to "Open with", or update the existing entry.

    Args:
        launch: how it is started.
        icons: the folder with a PNG for each of `ICON_SIZES`, such as `48.png`.

    Raises:
        UsageError: this is not Linux, or the path of the program cannot be written into an entry.
        StorageError: a file cannot be written, or the existing entry was not written by Fovea.
    """
    entry, read = _own_entry(), _readable_types()
    text = _entry(launch, read)
    pictures = {place: (icons / f"{size}.png").read_bytes() for size, place in _icon_places().items()}
    others = [kind for kind in read if _default_handler(kind) not in ("", _ENTRY)]
    with _desktop_errors():
        for place, picture in pictures.items():
            write_atomically(place, picture)
        write_atomically(entry, text)
        _refresh()
        # Without a default chosen by the user, desktops prefer the user's own entries to those of the system.
        left_out = tuple(kind for kind in others if _default_handler(kind) == _ENTRY)
        if left_out:
            write_atomically(entry, _entry(launch, [kind for kind in read if kind not in left_out]))
            _refresh()
    return DesktopEntry(entry, left_out)


def _readable_types() -> tuple[str, ...]:
    """The image types that this installation reads: HEIC only with its optional library."""
    reads_heic = importlib.util.find_spec("pillow_heif") is not None
    return tuple(kind for kind in IMAGE_TYPES if reads_heic or kind not in _HEIC_TYPES)


def uninstall() -> tuple[Path, ...]:
    """Remove the files written by `install` and folders left empty; return the removed files.

    Raises:
        UsageError: this is not Linux.
        StorageError: a file cannot be removed, or the existing entry was not written by Fovea.
    """
    places = [_own_entry(), *_icon_places().values()]
    found = tuple(place for place in places if os.path.lexists(place))
    with _desktop_errors():
        for place in found:
            with storage_errors(place):
                place.unlink()
    if found:
        _refresh()
    for place in found:
        _remove_empty(place.parent)
    return found


def quote_exec(argument: str) -> str:
    """Quote one argument of an entry's `Exec`, before the escaping of values."""
    if not argument or _RESERVED.intersection(argument):
        argument = '"' + re.sub(r'(["`$\\])', r"\\\1", argument) + '"'
    return argument.replace("%", "%%")


def _entry(launch: LaunchCommand, types: Sequence[str]) -> bytes:
    program = launch.command[0]
    front = ("env",) if "%" in program else ()  # GLib looks up the program before it unescapes %%
    text = _ENTRY_TEXT.format(
        ours=_OWNERSHIP_MARK,
        exec=_value(" ".join([*front, *map(quote_exec, launch.command), "%F"])),
        program=_value(program),
        path=f"Path={_value(str(launch.folder))}\n" if launch.folder else "",
        types="".join(f"{kind};" for kind in types),
    )
    with suppress(UnicodeEncodeError):
        if not _UNWRITABLE.search(program) and not _UNWRITABLE.search(str(launch.folder or "")):
            return text.encode()
    raise UsageError(
        tr("The menus can't start a program in {folder!r}.", folder=str(Path(program).parent)),
        hint=tr("Move Fovea to a folder whose path has no '=', line breaks or invalid characters."),
    )


def _value(text: str) -> str:
    """Escape a value, in which backslashes are unescaped before quotes."""
    return text.replace("\\", "\\\\")


def _data_home() -> Path:
    """The folder for user data; the specification says to ignore relative paths."""
    if sys.platform in ("win32", "darwin"):
        raise UsageError(
            tr("`fovea --install` and `fovea --uninstall` work only on Linux."),
            hint=tr("Use the installer instead.")
            if sys.platform == "win32"
            else tr("Drag Fovea into the Applications folder, or to the Trash to remove it."),
        )
    given = os.environ.get("XDG_DATA_HOME", "")
    return Path(given) if os.path.isabs(given) else Path.home() / ".local" / "share"  # noqa: PTH117 - of a text


def _own_entry() -> Path:
    """The path of the entry; one that Fovea did not write is refused."""
    entry = _data_home() / "applications" / _ENTRY
    with _desktop_errors(), storage_errors(entry):
        text = entry.read_bytes() if entry.exists() else _OWNERSHIP_MARK.encode()
    if not text.startswith(_OWNERSHIP_MARK.encode()):
        raise StorageError(
            tr("{file!r} was not created by Fovea, or was changed since.", file=str(entry)),
            hint=tr("Delete or rename it, then try again."),
        )
    return entry


def _icon_places() -> Mapping[int, Path]:
    theme = _theme()
    return {size: theme / f"{size}x{size}" / "apps" / "fovea.png" for size in ICON_SIZES}


def _theme() -> Path:
    return _data_home() / "icons" / "hicolor"


@contextmanager
def _desktop_errors() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        hint = tr(
            "Check its permissions, or set XDG_DATA_HOME to another folder. Fovea also runs without a menu entry."
        )
        raise StorageError(error.what, hint=hint) from error


def _refresh() -> None:
    """Notify the desktop; it also notices by itself after a while, so missing or failing programs do not matter."""
    _run("update-desktop-database", "-q", str(_data_home() / "applications"))
    with suppress(OSError):
        os.utime(_theme())
    # Without a cache the folders are read; a new cache would hide icons that others add without updating it.
    if (_theme() / "icon-theme.cache").exists():
        _run("gtk-update-icon-cache", "-q", "-t", "-f", str(_theme()))


def _default_handler(kind: str) -> str:
    """The entry of the default program for this type; empty if there is none or it is unknown."""
    return _run("xdg-mime", "query", "default", kind)


def _run(program: str, *arguments: str) -> str:
    """The output of a system program; empty if it is missing or fails."""
    found = shutil.which(program)
    if found is None:
        return ""
    try:
        done = subprocess.run(
            [found, *arguments],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return os.fsdecode(done.stdout).strip()


def _remove_empty(folder: Path) -> None:
    """Remove an empty folder and its empty parents, up to the folder for user data."""
    home = _data_home()
    with suppress(OSError):
        while folder != home:
            folder.rmdir()
            folder = folder.parent
