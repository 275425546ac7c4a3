"""Fovea in the menus of a Linux desktop, for one person and without root: an entry, and its icon in several sizes.

The entry follows the Desktop Entry Specification 1.5, its place and the icons' the XDG Base Directory and Icon Theme
Specifications (specifications.freedesktop.org). Which program opens images by itself is never changed.
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
from core.base.storage import storage_errors, write_atomically

ICON_SIZES: Final = (16, 24, 32, 48, 64, 128, 256, 512)
"""In pixels; each is a folder of the icon theme hicolor, which all others fall back to."""
_HEIC_TYPES: Final = ("image/heic", "image/heif")
IMAGE_TYPES: Final = (
    *("image/avif", "image/bmp", "image/gif", *_HEIC_TYPES),
    *("image/jpeg", "image/png", "image/tiff", "image/webp"),
)
"""What files with a suffix of `images.listing.IMAGE_SUFFIXES` are."""

_ENTRY: Final = "fovea.desktop"
_OWNERSHIP_MARK: Final = "# Written by `fovea --install`; `fovea --uninstall` removes it."
_RESERVED: Final = frozenset(" \t\n\"'\\><~|&;$*?#()`")
_UNWRITABLE: Final = re.compile(r"[=\x00-\x1f\x7f]")
"""The specification allows no `=` in a program's path, and not every desktop reads control characters back."""
_TIMEOUT_S: Final = 20
_ENTRY_TEXT: Final = """\
{ours}
[Desktop Entry]
Type=Application
Version=1.0
Name=Fovea
GenericName=Image Classifier
Comment=Tells what is in a photo, and learns new classes in minutes, on your own machine
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
        command: the program's path and its first arguments.
        folder: where it has to be started; None if anywhere will do.
    """

    command: tuple[str, ...]
    folder: Path | None = None

    @classmethod
    def for_this_program(cls, package: Path) -> LaunchCommand:
        """The bundle that runs, or else this Python with `package`, the window's folder, from where that lies."""
        if this_bundle() is not None:
            return cls((sys.executable,))
        return cls((sys.executable, "-m", package.name), package.parent)


@dataclass(frozen=True, slots=True)
class DesktopEntry:
    """What was done.

    Attributes:
        entry: the file that puts Fovea into the menus.
        skipped: types of images that the entry does not name. Another program opens them by itself, but nobody has
            chosen it, and the desktop would have begun to take Fovea instead.
    """

    entry: Path
    skipped: tuple[str, ...]


def install(launch: LaunchCommand, icons: Path) -> DesktopEntry:
    """Put Fovea into the person's menus and "Open with", or renew what is there.

    Args:
        launch: how it is started.
        icons: the folder with a PNG for each of `ICON_SIZES`, such as `48.png`.

    Raises:
        UsageError: this is no Linux desktop's business, or the program's path cannot be written into an entry.
        StorageError: a file cannot be written, or the entry of that name is not ours.
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
        # Where nobody has chosen a program, a desktop takes one of a person's own before those of the system.
        left_out = tuple(kind for kind in others if _default_handler(kind) == _ENTRY)
        if left_out:
            write_atomically(entry, _entry(launch, [kind for kind in read if kind not in left_out]))
            _refresh()
    return DesktopEntry(entry, left_out)


def _readable_types() -> tuple[str, ...]:
    """The image types that this installation reads: HEIC only with its optional part."""
    reads_heic = importlib.util.find_spec("pillow_heif") is not None
    return tuple(kind for kind in IMAGE_TYPES if reads_heic or kind not in _HEIC_TYPES)


def uninstall() -> tuple[Path, ...]:
    """Remove what `install` wrote, and folders that are empty without it; returns the files removed.

    Raises:
        UsageError: this is no Linux desktop's business.
        StorageError: a file cannot be removed, or the entry of that name is not ours.
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
    """One argument of an entry's `Exec`, before the escapes that any value of an entry needs."""
    if not argument or _RESERVED.intersection(argument):
        argument = '"' + re.sub(r'(["`$\\])', r"\\\1", argument) + '"'
    return argument.replace("%", "%%")


def _entry(launch: LaunchCommand, types: Sequence[str]) -> bytes:
    program = launch.command[0]
    front = ("env",) if "%" in program else ()  # GLib looks for the program before it has read %% back as %
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
        f"The menus cannot start a program in {str(Path(program).parent)!r}.",
        hint="Move Fovea to a folder without '=', line breaks and broken letters in its path.",
    )


def _value(text: str) -> str:
    """Text as the value of a key, whose backslashes are read before any quotes."""
    return text.replace("\\", "\\\\")


def _data_home() -> Path:
    """The specification has a relative path ignored."""
    if sys.platform in ("win32", "darwin"):
        raise UsageError(
            "Only on Linux does Fovea put itself into the menus.",
            hint="Run the installer, which does it, and takes it out again."
            if sys.platform == "win32"
            else "Drag Fovea into the folder Applications, or out of it into the bin.",
        )
    given = os.environ.get("XDG_DATA_HOME", "")
    return Path(given) if os.path.isabs(given) else Path.home() / ".local" / "share"  # noqa: PTH117 - of a text


def _own_entry() -> Path:
    """Where the entry belongs; what somebody else wrote there is not touched."""
    entry = _data_home() / "applications" / _ENTRY
    with _desktop_errors(), storage_errors(entry):
        text = entry.read_bytes() if entry.exists() else _OWNERSHIP_MARK.encode()
    if not text.startswith(_OWNERSHIP_MARK.encode()):
        raise StorageError(
            f"{str(entry)!r} was not written by Fovea, or was changed since.",
            hint="Delete it or give it another name, then ask again.",
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
        raise StorageError(
            error.what, hint="Make it yours to write, or name another folder in XDG_DATA_HOME; Fovea runs without it."
        ) from error


def _refresh() -> None:
    """Have desktops notice; each does so by itself in time, so a program that is missing or fails costs nothing."""
    _run("update-desktop-database", "-q", str(_data_home() / "applications"))
    with suppress(OSError):
        os.utime(_theme())
    # Where there is no cache the folders are read. One made now would hide what others add without renewing it.
    if (_theme() / "icon-theme.cache").exists():
        _run("gtk-update-icon-cache", "-q", "-t", "-f", str(_theme()))


def _default_handler(kind: str) -> str:
    """The entry of the program that opens this type by itself; empty if none does, or nobody can tell."""
    return _run("xdg-mime", "query", "default", kind)


def _run(program: str, *arguments: str) -> str:
    """What a program of the system says, if it is there and ends well."""
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
    """Remove a folder that is empty, and then those around it, up to the one for all data."""
    home = _data_home()
    with suppress(OSError):
        while folder != home:
            folder.rmdir()
            folder = folder.parent
