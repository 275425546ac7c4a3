"""Requests and results for keywords: light values without heavy imports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.prediction import Failure

ROOT: Final = "Fovea"
"""The parent of all keywords of Fovea in hierarchies: photo managers show Fovea > bird."""

UNSURE: Final = "unsure"
"""The optional keyword for photos below the minimum confidence."""

SIDECAR_SUFFIX: Final = ".xmp"
"""Appended to the whole name: photo.jpg.xmp, as digiKam and darktable write it and Immich and PhotoPrism read it.

Adobe's form, photo.xmp, would be one file for photo.jpg and photo.heic; Lightroom reads it only for raw files, and for
a JPEG only the metadata inside the photo.
"""


class KeywordTarget(StrEnum):
    """Where keywords are written."""

    SIDECAR = "sidecar"
    """To a file next to the photo, which is not changed."""
    PHOTO = "in-place"
    """To the photo, which every photo manager reads; its pixels are not changed."""


class KeywordChange(StrEnum):
    """The change of a photo's keywords."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    """The keywords were as requested already."""


@dataclass(frozen=True, slots=True)
class KeywordAssignment:
    """The only keywords of Fovea that a photo should have.

    Attributes:
        label: the keyword; None for none.
        groups: in hierarchical lists, the levels above it, from the broadest.
        others: further keywords, of a photo with several classes.
    """

    photo: Path
    label: str | None
    groups: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeywordRequest:
    """How keywords are written.

    Attributes:
        place: where to write; a photo of an unsupported type, or a read-only one, gets a sidecar.
        keep_time: whether a changed photo keeps its modification time. By default it does not, as photo managers and
            backups may otherwise miss the change.
        within: the folder outside which no file is changed; None for no limit. A photo that is linked from the folder
            gets a sidecar next to the link.
    """

    place: KeywordTarget = KeywordTarget.SIDECAR
    keep_time: bool = False
    dry_run: bool = False
    within: Path | None = None


@dataclass(frozen=True, slots=True)
class KeywordResult:
    """The result for one photo.

    Attributes:
        file: the file with its keyword of Fovea, now or before: the photo or its sidecar.
        label: its keyword now; None for none.
        note: why the keyword is not in the requested place, or that the sidecar cannot be read; otherwise empty.
    """

    photo: Path
    file: Path
    label: str | None
    change: KeywordChange
    note: str = ""
    others: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """All its keywords now."""
        return () if self.label is None else (self.label, *self.others)


KeywordOutcome = KeywordResult | Failure


def sidecar_of(photo: Path) -> Path:
    """The path of a photo's sidecar."""
    return photo.with_name(photo.name + SIDECAR_SUFFIX)
