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
from core.outputs.sorting.companions import Along

_FORBIDDEN: Final = frozenset('<>:"/\\|?*')
"""What Windows does not take (Win32, "Naming Files, Paths, and Namespaces")."""
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|\Z)")
_LONGEST: Final = 255
"""Of a name: bytes on Linux, UTF-16 units elsewhere."""
_LONGEST_SUFFIX: Final = 20
_LONGEST_FOLDER: Final = 120
"""Of a class's folder, so that paths below it stay within what other programs open."""


class Disk(Protocol):
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
    name = _cut(name, _LONGEST_FOLDER).rstrip(" .")
    if _RESERVED.match(name) or is_system_folder(name):
        name = f"_{name}"
    return name or "_"


def _safe(character: str) -> str:
    """Or an underscore for what no name may hold: also what controls a terminal or turns the writing direction."""
    return character if is_readable(character) and character not in _FORBIDDEN else "_"


def folded(name: str) -> str:
    """What makes two names one, on systems that tell capitals or ways of writing accents not apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def numbered(name: str, number: int, reserve: int = 0) -> str:
    """A name, or from 2 on one like it: `photo (2).jpg`; never longer than names may be, less `reserve`."""
    if number == 1:
        return name
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - PurePath takes "a." for a suffix
    if _length(suffix) > _LONGEST_SUFFIX:
        stem, suffix = name, ""
    ending = f" ({number}){suffix}"
    return _cut(stem, _LONGEST - reserve - _length(ending)) + ending


class Names:
    """Gives out names below the destination, none twice, whatever system that is taken to."""

    def __init__(self, destination: Path, disk: Disk) -> None:
        """Nothing is looked at until a name is asked for; then each folder once."""
        self._destination, self._disk = destination, disk
        self._folders: dict[tuple[PurePath, str], PurePath] = {}
        self._places: dict[PurePath, _Place] = {}

    def folder(self, parent: PurePath, wanted: str, meant: str) -> PurePath:
        """The folder that is to hold what `meant` stands for: the one called `wanted`, or else one called like it.

        Args:
            parent: the folder above, as this method gave it, or `PurePath()`.
            wanted: its name.
            meant: what makes it this folder and no other one.
        """
        key = parent, meant
        if key not in self._folders:
            self._folders[key] = parent / self._place(parent).take_folder(wanted)
        return self._folders[key]

    def file(
        self, parent: PurePath, wanted: str, source: Path, size: int, along: Along | None = None
    ) -> tuple[PurePath, Path | None]:
        """A name for a file: the one wanted, or else one like it. The names of the files that go along are taken too.

        Args:
            parent: the folder, as `folder` gave it.
            wanted: its name.
            source: the file that will bear it.
            size: of that, in bytes.
            along: what goes along with it; None: nothing.

        Returns:
            The path relative to the destination; and a file that holds the same bytes and bears such a name already,
            which makes the new one needless.
        """
        place, key, along = self._place(parent), folded(wanted), along or Along(wanted)
        series = place.series.get(key)
        if series is None:
            if key not in place.firsts and place.take_files(wanted, *along.called(wanted)) is None:
                place.firsts[key] = str(source), size
                return parent / wanted, None
            series = place.series[key] = _Series(place.firsts.pop(key, None))
        while True:
            twin = next((one for one in series.by_size.get(size, ()) if self._disk.same(one, source)), None)
            if twin is not None:
                return parent / wanted, twin
            series.number += 1
            name = numbered(wanted, series.number, _excess(along, wanted))
            there = place.take_files(name, *along.called(name))
            if there is None:
                series.by_size[size].append(source)
                return parent / name, None
            for spelt in there:
                file = self._destination / parent / spelt
                found = self._disk.size(file)
                if found is not None:
                    series.by_size[found].append(file)

    def _place(self, folder: PurePath) -> _Place:
        if folder not in self._places:
            self._places[folder] = _Place(self._disk.entries(folder))
        return self._places[folder]


class _Series:
    """Files that wanted the same name: how many names were tried, and the files by their sizes."""

    def __init__(self, first: tuple[str, int] | None) -> None:
        self.number = 0 if first is None else 1
        self.by_size: defaultdict[int, list[Path]] = defaultdict(list)
        if first is not None:
            self.by_size[first[1]].append(Path(first[0]))


class _Place:
    """The names in one folder: those that are there, and those that were given out."""

    def __init__(self, entries: Mapping[str, bool]) -> None:
        self._there: defaultdict[str, dict[str, bool]] = defaultdict(dict)
        for name, is_folder in entries.items():
            self._there[folded(name)][name] = is_folder
        self._given: set[str] = set()
        self.firsts: dict[str, tuple[str, int]] = {}  # by far the most: files whose name nobody else wanted, and sizes
        self.series: dict[str, _Series] = {}

    def take_folder(self, wanted: str) -> str:
        """A name for a folder; that of a folder which is there, if it is spelt so or but for capitals."""
        for number in count(1):
            name = numbered(wanted, number)
            there = self._there.get(folded(name), {})
            if folded(name) not in self._given and all(there.values()):
                self._given.add(folded(name))
                return name if name in there or not there else min(there)
        raise AssertionError

    def take_files(self, *names: str) -> Collection[str] | None:
        """Take names for files, all or none; if one is taken, the files that are there under the first, but for those
        given out.
        """
        keys = {folded(name) for name in names}
        if self._given.isdisjoint(keys) and not any(self._there.get(key) for key in keys):
            self._given |= keys
            return None
        there = self._there.get(folded(names[0]), {})
        return [spelt for spelt, is_folder in there.items() if not is_folder]


def _excess(along: Along, name: str) -> int:
    """How much longer than a photo's name the longest of its companions' names is."""
    return max((_length(one) - _length(name) for one in along.called(name)), default=0)


def _cut(name: str, longest: int) -> str:
    """The beginning of a name, no longer than that."""
    while _length(name) > longest:
        name = name[: len(name) - max(1, (_length(name) - longest) // 4)]
    return name


def _length(name: str) -> int:
    return len(name.encode("utf-16-le", "surrogatepass")) // 2 if sys.platform == "win32" else len(os.fsencode(name))
