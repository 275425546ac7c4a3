"""What is asked about photos' keywords, and what came of it; light values, nothing heavy is imported for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.prediction import Failure

ROOT: Final = "Fovea"
"""Above every keyword of ours in hierarchies: photo managers show Fovea > bird."""

UNSURE: Final = "unsure"
"""What a photo that no class fits well enough is called, where the person wants that."""

SIDECAR_SUFFIX: Final = ".xmp"
"""Appended to the whole name: photo.jpg.xmp, as digiKam and darktable write it and Immich and PhotoPrism read it.

photo.xmp, Adobe's form, would be one file for photo.jpg and photo.heic; Lightroom reads it for raw files only, and for
a JPEG only what is inside the photo.
"""


class KeywordTarget(StrEnum):
    """Where keywords go."""

    SIDECAR = "sidecar"
    """A file beside the photo; the photo stays byte for byte as it is."""
    PHOTO = "in-place"
    """Into the photo, which every photo manager reads; its pixels stay as they are."""


class KeywordChange(StrEnum):
    """What became of a photo's keywords."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    """What was to be there was there, or nothing was to be there."""


@dataclass(frozen=True, slots=True)
class KeywordAssignment:
    """The keyword a photo is to have of Fovea; None: none at all."""

    photo: Path
    label: str | None


@dataclass(frozen=True, slots=True)
class KeywordRequest:
    """How keywords are written.

    Attributes:
        place: where to; a photo that cannot take them, by format or because it is read-only, gets a sidecar.
        keep_time: whether a photo written into keeps its time of last change. Photo managers and backups may then not
            notice that anything is new, so by default it is now.
        dry_run: whether everything is only told.
        within: the folder outside which no file is changed; None: any file may be. A photo that a link in the folder
            leads to gets a sidecar beside the link.
    """

    place: KeywordTarget = KeywordTarget.SIDECAR
    keep_time: bool = False
    dry_run: bool = False
    within: Path | None = None


@dataclass(frozen=True, slots=True)
class KeywordResult:
    """What became of one photo.

    Attributes:
        photo: as it was named in the wish.
        file: what holds its keyword of ours, or held it: the photo or its sidecar.
        label: the keyword that it has now; None: none.
        change: what was done, or would be.
        note: why another place was taken than the one asked for, or that its sidecar is broken; else empty.
    """

    photo: Path
    file: Path
    label: str | None
    change: KeywordChange
    note: str = ""


KeywordOutcome = KeywordResult | Failure


def sidecar_of(photo: Path) -> Path:
    """The file beside a photo that holds metadata about it."""
    return photo.with_name(photo.name + SIDECAR_SUFFIX)
