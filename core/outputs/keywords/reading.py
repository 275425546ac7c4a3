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

from core.outputs.keywords.exiftool import Answer, ExifTool
from core.outputs.keywords.merging import Found
from core.outputs.keywords.tags import NOTHING, Metadata, packets, read
from core.outputs.keywords.values import SIDECAR_SUFFIX, Wish, sidecar_of

_LARGEST_SEED: Final = 1024**2
"""Bytes; what people enter takes some kilobytes, and depth maps are not to be written once more."""

Seed: TypeAlias = tuple[bytes, Metadata]
"""What a new sidecar begins with: the bytes, and what they say."""
NO_SEED: Final[Seed] = (b"", NOTHING)
EMPTY: Final = Metadata(rest=NOTHING.rest)
"""What a file of no bytes says, of no kind."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found where a keyword is to be written.

    Attributes:
        wish: what is to be.
        photo: the file itself, links resolved.
        sidecar: its sidecar, beside the photo as it is named: links to one photo may lie in several folders.
        inside: what the photo says; an `Answer` says why it cannot be read; None: it is not there.
        beside: the same of the sidecar; None: it is not there.
        outside: of photo and sidecar those that lie outside the folder, and so are not changed.
    """

    wish: Wish
    photo: Path
    sidecar: Path
    inside: Metadata | Answer | None
    beside: Metadata | Answer | None
    outside: frozenset[Path] = frozenset()

    @property
    def found_inside(self) -> Found:
        """The photo's keywords; none where they cannot be read."""
        return self.inside.found if isinstance(self.inside, Metadata) else Found()

    @property
    def found_beside(self) -> Found:
        """The sidecar's keywords, which hide the photo's."""
        found = self.beside.found if isinstance(self.beside, Metadata) else Found()
        return replace(found, elsewhere=found.elsewhere.otherwise(self.found_inside.shown))


def look(wishes: Sequence[Wish], tool: ExifTool, within: Path | None = None) -> list[Look]:
    """Look into each photo and its sidecar, where they are there; see `KeywordRequest.within`."""
    pairs = [(Path(os.path.realpath(wish.photo)), _sidecar(wish.photo)) for wish in wishes]
    known = [file for file in dict.fromkeys(chain.from_iterable(pairs)) if _size(file)]
    found = dict(zip(known, read(tool, known), strict=True))
    return [
        Look(wish, photo, sidecar, _seen(photo, found), _seen(sidecar, found), _outside((photo, sidecar), within))
        for wish, (photo, sidecar) in zip(wishes, pairs, strict=True)
    ]


def seeds(looks: Sequence[Look], tool: ExifTool) -> list[Seed]:
    """What sidecars that are not there yet begin with, so that programs that let sidecars win lose nothing: the XMP of
    photo.xmp, which photo.jpg.xmp is read instead of, or else that inside the photo. What is damaged is left out.
    """
    others = [_adobe_sidecar(one) for one in looks]
    inside = [one for one, other in zip(looks, others, strict=True) if not other and _has_xmp(one)]
    found = dict(zip((one.photo for one in inside), packets(tool, [one.photo for one in inside]), strict=True))
    return _read_seeds([other or found.get(one.photo, b"") for one, other in zip(looks, others, strict=True)], tool)


def _adobe_sidecar(look: Look) -> bytes:
    named = look.sidecar.with_name(look.sidecar.stem)
    for other in (named.with_suffix(SIDECAR_SUFFIX), named.with_suffix(SIDECAR_SUFFIX.upper())):
        if other != look.sidecar and 0 < (_size(other) or 0) <= _LARGEST_SEED:
            with contextlib.suppress(OSError):
                return other.read_bytes()
    return b""


def _has_xmp(look: Look) -> bool:
    return isinstance(look.inside, Metadata) and look.inside.has_xmp


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
    return 0 < len(content) <= _LARGEST_SEED


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


def _seen(file: Path, found: dict[Path, Metadata | Answer]) -> Metadata | Answer | None:
    if file in found:
        return found[file]
    return None if _size(file) is None else EMPTY
