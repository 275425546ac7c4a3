"""Reading the metadata of photos and sidecars before writing, and the initial content of new sidecars."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final, TypeAlias

from core.base.progress import CancelToken
from core.datasets.class_labels import normalize_label
from core.outputs.keywords.exiftool import ExifTool, ExifToolReply, find_exiftool
from core.outputs.keywords.merging import FoundKeywords
from core.outputs.keywords.tags import NOTHING, Metadata, packets, read
from core.outputs.keywords.values import SIDECAR_SUFFIX, KeywordAssignment, sidecar_of

_MAX_SEED_BYTES: Final = 1024**2
"""Maximum size of initial content; user metadata takes a few kilobytes, and depth maps must not be duplicated."""

_AT_ONCE: Final = 200
"""Photos per run of exiftool."""

Seed: TypeAlias = tuple[bytes, Metadata]
"""The initial content of a new sidecar: its bytes, and their metadata."""
NO_SEED: Final[Seed] = (b"", NOTHING)
EMPTY: Final = Metadata(rest=NOTHING.rest)
"""The metadata of an empty file, which has no kind."""


@dataclass(frozen=True, slots=True)
class PhotoMetadata:
    """The metadata of a photo and its sidecar.

    Attributes:
        photo: the photo, with links resolved.
        sidecar: its sidecar, next to the photo as named: links to one photo may be in several folders.
        in_photo: the metadata of the photo; an `ExifToolReply` if it cannot be read; None if it does not exist.
        in_sidecar: the same for the sidecar.
        outside: the photo or sidecar, if outside the folder and therefore not to be changed.
    """

    assignment: KeywordAssignment
    photo: Path
    sidecar: Path
    in_photo: Metadata | ExifToolReply | None
    in_sidecar: Metadata | ExifToolReply | None
    outside: frozenset[Path] = frozenset()

    @property
    def photo_keywords(self) -> FoundKeywords:
        """The keywords of the photo; empty if they cannot be read."""
        return self.in_photo.found if isinstance(self.in_photo, Metadata) else FoundKeywords()

    @property
    def sidecar_keywords(self) -> FoundKeywords:
        """The keywords of the sidecar, which hide those of the photo."""
        found = self.in_sidecar.found if isinstance(self.in_sidecar, Metadata) else FoundKeywords()
        return replace(found, elsewhere=found.elsewhere.or_else(self.photo_keywords.shown))


def read_photos(
    assignments: Sequence[KeywordAssignment], tool: ExifTool, within: Path | None = None
) -> list[PhotoMetadata]:
    """Read the metadata of photos and their sidecars; see `KeywordRequest.within`."""
    pairs = [(Path(os.path.realpath(assignment.photo)), _sidecar(assignment.photo)) for assignment in assignments]
    sizes = {file: _size(file) for file in chain.from_iterable(pairs)}  # other programs may create files meanwhile
    found: dict[Path, Metadata | ExifToolReply] = {file: EMPTY for file, size in sizes.items() if size == 0}
    known = [file for file, size in sizes.items() if size]
    found |= dict(zip(known, read(tool, known), strict=True))
    return [
        PhotoMetadata(
            assignment, photo, sidecar, found.get(photo), found.get(sidecar), _outside((photo, sidecar), within)
        )
        for assignment, (photo, sidecar) in zip(assignments, pairs, strict=True)
    ]


def read_keywords(photos: Sequence[Path], token: CancelToken) -> dict[Path, tuple[str, ...]]:
    """The user's keywords of photos that have any, as photo managers show them; those of a sidecar hide the photo's.

    Keywords that Fovea wrote are not among them. Of a hierarchical keyword without a flat one, the last level counts.
    Raises KeywordError if exiftool, which reads them, is missing.
    """
    tool, found = find_exiftool(), {}
    for start in range(0, len(photos), _AT_ONCE):
        token.check()
        some = [KeywordAssignment(photo, None) for photo in photos[start : start + _AT_ONCE]]
        for one in read_photos(some, tool):
            shown = one.sidecar_keywords.shown
            levels = (path.replace("|", "/").rpartition("/")[2] for path in shown.hierarchy or shown.tags)
            words = map(normalize_label, shown.subject or levels)
            if kept := tuple(dict.fromkeys(filter(None, words))):
                found[one.assignment.photo] = kept
    return found


def seeds(photos: Sequence[PhotoMetadata], tool: ExifTool) -> list[Seed]:
    """The initial content of new sidecars, so that nothing is hidden from programs that prefer sidecars: the XMP of
    photo.xmp, which photo.jpg.xmp hides, or otherwise that of the photo. Damaged XMP is left out.
    """
    others = [_adobe_sidecar(one) for one in photos]
    inside = [one for one, other in zip(photos, others, strict=True) if not other and _has_xmp(one)]
    found = dict(zip((one.photo for one in inside), packets(tool, [one.photo for one in inside]), strict=True))
    return _read_seeds([other or found.get(one.photo, b"") for one, other in zip(photos, others, strict=True)], tool)


def _adobe_sidecar(photo: PhotoMetadata) -> bytes:
    named = photo.sidecar.with_name(photo.sidecar.stem)
    for other in (named.with_suffix(SIDECAR_SUFFIX), named.with_suffix(SIDECAR_SUFFIX.upper())):
        if other != photo.sidecar and 0 < (_size(other) or 0) <= _MAX_SEED_BYTES:
            with contextlib.suppress(OSError):
                return other.read_bytes()
    return b""


def _has_xmp(photo: PhotoMetadata) -> bool:
    return isinstance(photo.in_photo, Metadata) and photo.in_photo.has_xmp


def _read_seeds(contents: Sequence[bytes], tool: ExifTool) -> list[Seed]:
    found = [NO_SEED for _ in contents]
    with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
        files = {n: Path(folder, f"{n}{SIDECAR_SUFFIX}") for n, one in enumerate(contents) if _is_seed(one)}
        for number, file in files.items():
            file.write_bytes(contents[number])
        for number, metadata in zip(files, read(tool, list(files.values())), strict=True):
            if isinstance(metadata, Metadata) and metadata.kind == "XMP" and not metadata.warning:
                found[number] = contents[number], metadata
    return found


def _is_seed(content: bytes) -> bool:
    return 0 < len(content) <= _MAX_SEED_BYTES


def _sidecar(photo: Path) -> Path:
    return sidecar_of(Path(os.path.abspath(photo)))  # noqa: PTH100 - Path.resolve follows links


def _outside(files: tuple[Path, Path], folder: Path | None) -> frozenset[Path]:
    if folder is None:
        return frozenset()
    place = os.path.realpath(folder)
    return frozenset(file for file in files if not Path(os.path.realpath(file)).is_relative_to(place))


def _size(file: Path) -> int | None:
    """The size of a file in bytes; None if it does not exist or is not a file."""
    try:
        status = file.stat()
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
