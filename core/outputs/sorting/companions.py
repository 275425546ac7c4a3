"""Companion files of a photo: sidecars, the movie of a Live Photo, edits by Apple Photos, the raw file."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.images.listing import IMAGE_SUFFIXES

_SIDECARS: Final = frozenset({".xmp", ".pp3", ".dop", ".json"})
"""Appended to the whole name, as in photo.jpg.xmp: digiKam, darktable, Immich; RawTherapee; DxO; Google Takeout."""
_RAW: Final = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc", ".mef", ".mos"}
    | {".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
_PARTNERS: Final = _RAW | {".xmp", ".aae", ".mov", ".mp4"}
"""Instead of the suffix, as in photo.mov: Adobe's sidecars, edits by Apple Photos, movies of Live Photos."""


@dataclass(frozen=True, slots=True)
class CompanionNames:
    """The names of a photo's companions; files that also belong to another photo of the stem are shared, and stay in
    place.
    """

    photo: str
    names: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    def renamed(self, photo: str) -> tuple[str, ...]:
        """The names of the companions if the photo is renamed to `photo`."""
        before, after = _stem(self.photo), _stem(photo)
        return tuple(
            photo + name[len(self.photo) :] if name.startswith(f"{self.photo}.") else after + name[len(before) :]
            for name in self.names
        )


class CompanionFinder:
    """Finds the companions of photos; caches the last folder."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._by_stem: defaultdict[str, list[str]] = defaultdict(list)
        self._names: frozenset[str] = frozenset()
        self._photos: set[str] = set()
        self._stems: Counter[str] = Counter()

    def of(self, photo: Path) -> CompanionNames:
        """The companions of a photo, which may be gone already; none if its folder cannot be read."""
        if photo.parent != self._folder:
            self._scan(photo.parent)
        stem, name = _stem(photo.name), photo.name
        partners = [] if stem in self._photos else self._chosen(stem, _PARTNERS)
        partners += [sidecar for partner in partners for sidecar in self._chosen(partner, _SIDECARS)]
        shared = self._stems[stem] > (name in self._names)
        own = _distinct([*self._chosen(name, _SIDECARS), *([] if shared else partners)])
        return CompanionNames(name, own, tuple(partners) if shared else ())

    def _chosen(self, stem: str, suffixes: frozenset[str]) -> list[str]:
        return [name for name in self._by_stem.get(stem, ()) if _suffix(name) in suffixes]

    def _scan(self, folder: Path) -> None:
        self._folder = folder
        self._by_stem.clear()
        for name in _files(folder):
            if _suffix(name) in _SIDECARS | _PARTNERS:
                self._by_stem[_stem(name)].append(name)
        photos = [name for name in _files(folder) if _suffix(name) in IMAGE_SUFFIXES] if self._by_stem else []
        self._names = frozenset(photos)
        self._photos = {name for name in photos if name in self._by_stem}
        self._stems = Counter(stem for name in photos if (stem := _stem(name)) in self._by_stem)


def _files(folder: Path) -> Iterable[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    except OSError:
        return ()


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The first of names that differ only in case, as some file systems cannot contain both."""
    return tuple({name.casefold(): name for name in reversed(list(names))}.values())[::-1]


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]  # noqa: PTH122 - PurePath treats "a." as having a suffix


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - as above
