"""Names that every system takes for files and folders, none of them twice."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import count
from pathlib import Path, PurePath
from typing import Final, Protocol

from core.base.text import is_readable
from core.images.system_folders import is_system_folder
from core.outputs.sorting.companions import CompanionNames

_FORBIDDEN: Final = frozenset('<>:"/\\|?*')
"""What Windows does not take (Win32, "Naming Files, Paths, and Namespaces")."""
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|\Z)")
_MAX_NAME: Final = 255
"""Of a name: bytes on Linux, UTF-16 units elsewhere."""
_MAX_SUFFIX: Final = 20
_MAX_FOLDER: Final = 120
"""Of a class's folder, so that paths below it stay within what other programs open."""


class FileSystem(Protocol):
    """What lies in the destination, and what files hold."""

    def entries(self, folder: PurePath) -> Mapping[str, bool]:
        """Each name in a folder below the destination, and whether it is a folder, no file and no link; none where
        there is no such folder.
        """

    def size(self, file: Path) -> int | None:
        """Bytes of a file, or of what a link leads to; None where there is no such file."""

    def same(self, one: Path, other: Path) -> bool:
        """Whether two files of the same size hold the same bytes."""


def folder_name(label: str) -> str:
    """A class's label as the name of a folder that every system takes, that shows itself as it is, and that no walk
    passes over.
    """
    name = "".join(map(_safe, unicodedata.normalize("NFC", label))).strip(" .")
    name = _cut(name, _MAX_FOLDER).rstrip(" .")
    if _RESERVED.match(name) or is_system_folder(name):
        name = f"_{name}"
    return name or "_"


def _safe(character: str) -> str:
    """Or an underscore for what no name may hold: also what controls a terminal or turns the writing direction."""
    return character if is_readable(character) and character not in _FORBIDDEN else "_"


def casefold_key(name: str) -> str:
    """What makes two names one, on systems that tell capitals or ways of writing accents not apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def numbered(name: str, number: int, reserve: int = 0) -> str:
    """A name, or from 2 on one like it: `photo (2).jpg`; never longer than names may be, less `reserve`."""
    if number == 1:
        return name
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - PurePath takes "a." for a suffix
    if _length(suffix) > _MAX_SUFFIX:
        stem, suffix = name, ""
    ending = f" ({number}){suffix}"
    return _cut(stem, _MAX_NAME - reserve - _length(ending)) + ending


class NameAllocator:
    """Gives out names below the destination, none twice, whatever system that is taken to."""

    def __init__(self, destination: Path, disk: FileSystem) -> None:
        """Nothing is looked at until a name is asked for; then each folder once."""
        self._destination, self._file_system = destination, disk
        self._folders: dict[tuple[PurePath, str], PurePath] = {}
        self._target_folders: dict[PurePath, _TargetFolder] = {}

    def folder(self, parent: PurePath, wanted: str, intended: str) -> PurePath:
        """The folder that is to hold what `intended` stands for: the one called `wanted`, or else one called like it.

        Args:
            parent: the folder above, as this method gave it, or `PurePath()`.
            wanted: its name.
            intended: what makes it this folder and no other one.
        """
        key = parent, intended
        if key not in self._folders:
            self._folders[key] = parent / self._target_folder(parent).allocate_folder(wanted)
        return self._folders[key]

    def file(
        self, parent: PurePath, wanted: str, source: Path, size: int, companions: CompanionNames | None = None
    ) -> tuple[PurePath, Path | None]:
        """A name for a file: the one wanted, or else one like it. The names of the files that go along are taken too.

        Args:
            parent: the folder, as `folder` gave it.
            wanted: its name.
            source: the file that will bear it.
            size: of that, in bytes.
            companions: what goes along with it; None: nothing.

        Returns:
            The path relative to the destination; and a file that holds the same bytes and bears such a name already,
            which makes the new one needless.
        """
        place, key, companions = self._target_folder(parent), casefold_key(wanted), companions or CompanionNames(wanted)
        series = place.series.get(key)
        if series is None:
            if key not in place.firsts and place.allocate_files(wanted, *companions.renamed(wanted)) is None:
                place.firsts[key] = str(source), size
                return parent / wanted, None
            series = place.series[key] = _Series(place.firsts.pop(key, None))
        while True:
            existing = next((one for one in series.by_size.get(size, ()) if self._file_system.same(one, source)), None)
            if existing is not None:
                return parent / wanted, existing
            series.number += 1
            name = numbered(wanted, series.number, _excess(companions, wanted))
            there = place.allocate_files(name, *companions.renamed(name))
            if there is None:
                series.by_size[size].append(source)
                return parent / name, None
            for spelt in there:
                file = self._destination / parent / spelt
                found = self._file_system.size(file)
                if found is not None:
                    series.by_size[found].append(file)

    def _target_folder(self, folder: PurePath) -> _TargetFolder:
        if folder not in self._target_folders:
            self._target_folders[folder] = _TargetFolder(self._file_system.entries(folder))
        return self._target_folders[folder]


class _Series:
    """Files that wanted the same name: how many names were tried, and the files by their sizes."""

    def __init__(self, first: tuple[str, int] | None) -> None:
        self.number = 0 if first is None else 1
        self.by_size: defaultdict[int, list[Path]] = defaultdict(list)
        if first is not None:
            self.by_size[first[1]].append(Path(first[0]))


class _TargetFolder:
    """The names in one folder: those that are there, and those that were given out."""

    def __init__(self, entries: Mapping[str, bool]) -> None:
        self._there: defaultdict[str, dict[str, bool]] = defaultdict(dict)
        for name, is_folder in entries.items():
            self._there[casefold_key(name)][name] = is_folder
        self._given: set[str] = set()
        self.firsts: dict[str, tuple[str, int]] = {}  # by far the most: files whose name nobody else wanted, and sizes
        self.series: dict[str, _Series] = {}

    def allocate_folder(self, wanted: str) -> str:
        """A name for a folder; that of a folder which is there, if it is spelt so or but for capitals."""
        for number in count(1):
            name = numbered(wanted, number)
            existing = self._there.get(casefold_key(name), {})
            if casefold_key(name) not in self._given and all(existing.values()):
                self._given.add(casefold_key(name))
                return name if name in existing or not existing else min(existing)
        raise AssertionError

    def allocate_files(self, *names: str) -> Collection[str] | None:
        """Take names for files, all or none; if one is taken, the files that are there under the first, but for those
        given out.
        """
        keys = {casefold_key(name) for name in names}
        if self._given.isdisjoint(keys) and not any(self._there.get(key) for key in keys):
            self._given |= keys
            return None
        there = self._there.get(casefold_key(names[0]), {})
        return [spelt for spelt, is_folder in there.items() if not is_folder]


def _excess(companions: CompanionNames, name: str) -> int:
    """How much longer than a photo's name the longest of its companions' names is."""
    return max((_length(one) - _length(name) for one in companions.renamed(name)), default=0)


def _cut(name: str, max_length: int) -> str:
    """The beginning of a name, no longer than that."""
    while _length(name) > max_length:
        name = name[: len(name) - max(1, (_length(name) - max_length) // 4)]
    return name


def _length(name: str) -> int:
    return len(name.encode("utf-16-le", "surrogatepass")) // 2 if sys.platform == "win32" else len(os.fsencode(name))
