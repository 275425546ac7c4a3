"""Unique names for files and folders that are valid on every system."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import count
from pathlib import Path, PurePath
from typing import Final

from core.base.text import is_readable
from core.images.system_folders import is_system_folder
from core.outputs.sorting.companions import CompanionNames
from core.outputs.sorting.disk import RealFileSystem

_FORBIDDEN: Final = frozenset('<>:"/\\|?*')
"""Characters not allowed on Windows (Win32, "Naming Files, Paths, and Namespaces")."""
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|\Z)")
_MAX_NAME: Final = 255
"""Maximum length of a name: in bytes on Linux, in UTF-16 units elsewhere."""
_MAX_SUFFIX: Final = 20
_MAX_FOLDER: Final = 120
"""Maximum length of a class folder's name, so that paths stay within the limits of other programs."""


def folder_name(label: str) -> str:
    """Convert a label to a folder name that is valid on every system, displays safely, and is not skipped by walks."""
    name = "".join(map(_safe, unicodedata.normalize("NFC", label))).strip(" .")
    name = _cut(name, _MAX_FOLDER).rstrip(" .")
    if _RESERVED.match(name) or is_system_folder(name):
        name = f"_{name}"
    return name or "_"


def _safe(character: str) -> str:
    """Replace a forbidden, control or bidirectional character by an underscore."""
    return character if is_readable(character) and character not in _FORBIDDEN else "_"


def casefold_key(name: str) -> str:
    """A key that is equal for names that are the same on systems that ignore case or Unicode normalization."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def numbered(name: str, number: int, reserve: int = 0) -> str:
    """A name, numbered from 2 on: `photo (2).jpg`; at most `reserve` shorter than the maximum length."""
    if number == 1:
        return name
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - PurePath treats "a." as having a suffix
    if _length(suffix) > _MAX_SUFFIX:
        stem, suffix = name, ""
    ending = f" ({number}){suffix}"
    return _cut(stem, _MAX_NAME - reserve - _length(ending)) + ending


class NameAllocator:
    """Allocates names in the destination that are unique on every system."""

    def __init__(self, destination: Path, disk: RealFileSystem) -> None:
        self._destination, self._file_system = destination, disk
        self._folders: dict[tuple[PurePath, str], PurePath] = {}
        self._target_folders: dict[PurePath, _TargetFolder] = {}

    def folder(self, parent: PurePath, wanted: str, intended: str) -> PurePath:
        """The folder for the key `intended`, named `wanted` or, if that is taken, similarly.

        `parent` is a folder from this method, or `PurePath()`.
        """
        key = parent, intended
        if key not in self._folders:
            self._folders[key] = parent / self._target_folder(parent).allocate_folder(wanted)
        return self._folders[key]

    def file(
        self, parent: PurePath, wanted: str, source: Path, size: int, companions: CompanionNames | None = None
    ) -> tuple[PurePath, Path | None]:
        """Allocate a name for a file of `size` bytes, `wanted` or similar, and names for its companions.

        Returns:
            The path relative to the destination, and an existing identical file with such a name, if any, which makes
            the new one unnecessary.
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
    """Files that want the same name: the number of names tried, and the files by size."""

    def __init__(self, first: tuple[str, int] | None) -> None:
        self.number = 0 if first is None else 1
        self.by_size: defaultdict[int, list[Path]] = defaultdict(list)
        if first is not None:
            self.by_size[first[1]].append(Path(first[0]))


class _TargetFolder:
    """The names in one folder: existing and allocated ones."""

    def __init__(self, entries: Mapping[str, bool]) -> None:
        self._there: defaultdict[str, dict[str, bool]] = defaultdict(dict)
        for name, is_folder in entries.items():
            self._there[casefold_key(name)][name] = is_folder
        self._given: set[str] = set()
        self.firsts: dict[str, tuple[str, int]] = {}  # files with a unique name, the normal case
        self.series: dict[str, _Series] = {}

    def allocate_folder(self, wanted: str) -> str:
        """Allocate a name for a folder, reusing an existing folder whose name is equal except for case."""
        for number in count(1):
            name = numbered(wanted, number)
            existing = self._there.get(casefold_key(name), {})
            if casefold_key(name) not in self._given and all(existing.values()):
                self._given.add(casefold_key(name))
                return name if name in existing or not existing else min(existing)
        raise AssertionError

    def allocate_files(self, *names: str) -> Collection[str] | None:
        """Allocate all names, and return None; if any is taken, allocate none, and return the existing files with the
        first name.
        """
        keys = {casefold_key(name) for name in names}
        if self._given.isdisjoint(keys) and not any(self._there.get(key) for key in keys):
            self._given |= keys
            return None
        there = self._there.get(casefold_key(names[0]), {})
        return [spelt for spelt, is_folder in there.items() if not is_folder]


def _excess(companions: CompanionNames, name: str) -> int:
    """By how much the longest name of a companion exceeds the photo's name."""
    return max((_length(one) - _length(name) for one in companions.renamed(name)), default=0)


def _cut(name: str, max_length: int) -> str:
    while _length(name) > max_length:
        name = name[: len(name) - max(1, (_length(name) - max_length) // 4)]
    return name


def _length(name: str) -> int:
    return len(name.encode("utf-16-le", "surrogatepass")) // 2 if sys.platform == "win32" else len(os.fsencode(name))
