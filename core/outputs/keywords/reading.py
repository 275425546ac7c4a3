"""What photos and their sidecars say before anything is written, and what a sidecar that Fovea begins begins with."""

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

from core.outputs.keywords.exiftool import ExifTool, ExifToolReply
from core.outputs.keywords.merging import FoundKeywords
from core.outputs.keywords.tags import NOTHING, Metadata, packets, read
from core.outputs.keywords.values import SIDECAR_SUFFIX, KeywordAssignment, sidecar_of

_MAX_SEED_BYTES: Final = 1024**2
"""Bytes; what people enter takes some kilobytes, and depth maps are not to be written once more."""

Seed: TypeAlias = tuple[bytes, Metadata]
"""What a new sidecar begins with: the bytes, and what they say."""
NO_SEED: Final[Seed] = (b"", NOTHING)
EMPTY: Final = Metadata(rest=NOTHING.rest)
"""What a file of no bytes says, of no kind."""


@dataclass(frozen=True, slots=True)
class PhotoMetadata:
    """What was found where a keyword is to be written.

    Attributes:
        assignment: what is to be.
        photo: the file itself, links resolved.
        sidecar: its sidecar, beside the photo as it is named: links to one photo may lie in several folders.
        in_photo: what the photo says; an `ExifToolReply` says why it cannot be read; None: it is not there.
        in_sidecar: the same of the sidecar; None: it is not there.
        outside: of photo and sidecar those that lie outside the folder, and so are not changed.
    """

    assignment: KeywordAssignment
    photo: Path
    sidecar: Path
    in_photo: Metadata | ExifToolReply | None
    in_sidecar: Metadata | ExifToolReply | None
    outside: frozenset[Path] = frozenset()

    @property
    def photo_keywords(self) -> FoundKeywords:
        """The photo's keywords; none where they cannot be read."""
        return self.in_photo.found if isinstance(self.in_photo, Metadata) else FoundKeywords()

    @property
    def sidecar_keywords(self) -> FoundKeywords:
        """The sidecar's keywords, which hide the photo's."""
        found = self.in_sidecar.found if isinstance(self.in_sidecar, Metadata) else FoundKeywords()
        return replace(found, elsewhere=found.elsewhere.or_else(self.photo_keywords.shown))


def read_photos(
    assignments: Sequence[KeywordAssignment], tool: ExifTool, within: Path | None = None
) -> list[PhotoMetadata]:
    """Look into each photo and its sidecar, where they are there; see `KeywordRequest.within`."""
    pairs = [(Path(os.path.realpath(assignment.photo)), _sidecar(assignment.photo)) for assignment in assignments]
    known = [file for file in dict.fromkeys(chain.from_iterable(pairs)) if _size(file)]
    found = dict(zip(known, read(tool, known), strict=True))
    return [
        PhotoMetadata(
            assignment,
            photo,
            sidecar,
            _with_found(photo, found),
            _with_found(sidecar, found),
            _outside((photo, sidecar), within),
        )
        for assignment, (photo, sidecar) in zip(assignments, pairs, strict=True)
    ]


def seeds(photos: Sequence[PhotoMetadata], tool: ExifTool) -> list[Seed]:
    """What sidecars that are not there yet begin with, so that programs that let sidecars win lose nothing: the XMP of
    photo.xmp, which photo.jpg.xmp is read instead of, or else that inside the photo. What is damaged is left out.
    """
    others = [_adobe_sidecar(one) for one in photos]
    inside = [one for one, other in zip(photos, others, strict=True) if not other and _has_xmp(one)]
    found = dict(zip((one.photo for one in inside), packets(tool, [one.photo for one in inside]), strict=True))
    return _read_seeds([other or found.get(one.photo, b"") for one, other in zip(photos, others, strict=True)], tool)


def _adobe_sidecar(look: PhotoMetadata) -> bytes:
    named = look.sidecar.with_name(look.sidecar.stem)
    for other in (named.with_suffix(SIDECAR_SUFFIX), named.with_suffix(SIDECAR_SUFFIX.upper())):
        if other != look.sidecar and 0 < (_size(other) or 0) <= _MAX_SEED_BYTES:
            with contextlib.suppress(OSError):
                return other.read_bytes()
    return b""


def _has_xmp(look: PhotoMetadata) -> bool:
    return isinstance(look.in_photo, Metadata) and look.in_photo.has_xmp


def _read_seeds(contents: Sequence[bytes], tool: ExifTool) -> list[Seed]:
    """Seeds, and what they say."""
    found = [NO_SEED for _ in contents]
    with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
        files = {n: Path(folder, f"{n}{SIDECAR_SUFFIX}") for n, one in enumerate(contents) if _is_seed(one)}
        for number, file in files.items():
            file.write_bytes(contents[number])
        for number, says in zip(files, read(tool, list(files.values())), strict=True):
            if isinstance(says, Metadata) and says.kind == "XMP" and not says.warning:
                found[number] = contents[number], says
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
    """Bytes of a file; None where there is none, or what is there is none."""
    try:
        status = file.stat()
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _with_found(file: Path, found: dict[Path, Metadata | ExifToolReply]) -> Metadata | ExifToolReply | None:
    if file in found:
        return found[file]
    return None if _size(file) is None else EMPTY
