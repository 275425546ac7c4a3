"""Hashes of the images a model was trained on, to detect leakage in evaluations.

Stored next to the card as `TRAINING_HASHES`: a header, then the first 8 bytes of each image's SHA-256, ascending. Two
images share them by chance once in 10^19 pairs. They reveal nothing about the images, only whether a given file was
among them; they are not part of an exported model. Only identical files are recognized, not resaved copies.
"""

from __future__ import annotations

import contextlib
import logging
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.i18n import tr
from core.models.files import file_size, read_file

TRAINING_HASHES: Final = "learnt.bin"
_log = logging.getLogger(__name__)
_MAGIC: Final = b"FVLEARNT"
_VERSION: Final = 1
_HEADER: Final = struct.Struct("<8sIII")
"""The magic bytes, the format version, the number of images, and their CRC-32."""
_MAX_IMAGES: Final = 10_000_000
_PREFIX: Final = np.dtype("<u8")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingHashes:
    """The images a model was trained on.

    Attributes:
        prefixes: the first 8 bytes of their SHA-256, uint64 [n], strictly ascending.
    """

    prefixes: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.prefixes)

    def contains(self, sha256: str) -> bool:
        """Whether the model was trained on the image with this SHA-256, in hexadecimal."""
        prefix = _prefix(sha256)
        at = int(np.searchsorted(self.prefixes, prefix))
        return at < len(self.prefixes) and bool(self.prefixes[at] == prefix)


def serialize_hashes(images: Iterable[str]) -> bytes:
    """Encode the SHA-256 of images, in hexadecimal, as a file."""
    prefixes = np.unique(np.array([_prefix(image) for image in images], _PREFIX)).tobytes()
    return _HEADER.pack(_MAGIC, _VERSION, len(prefixes) // _PREFIX.itemsize, zlib.crc32(prefixes)) + prefixes


def read_hashes(folder: Path) -> TrainingHashes | None:
    """Read the file in a model's folder; None if it is missing, damaged, or from a later version."""
    if not (folder / TRAINING_HASHES).exists():
        return None
    with contextlib.suppress(ModelError, struct.error, ValueError):
        if file_size(folder / TRAINING_HASHES) > _HEADER.size + _MAX_IMAGES * _PREFIX.itemsize:
            return None
        found = _parse(read_file(folder / TRAINING_HASHES))
        if found is not None:
            return found
    file = str(folder / TRAINING_HASHES)
    what = tr("Couldn't read {file!r}, so it is unknown which images the model was trained on.", file=file)
    _log.warning("%s", what)
    return None


def _parse(data: bytes) -> TrainingHashes | None:
    magic, version, count, crc = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if (magic, version, crc) != (_MAGIC, _VERSION, zlib.crc32(body)) or len(body) != count * _PREFIX.itemsize:
        return None
    prefixes = np.frombuffer(body, _PREFIX).astype(np.uint64)
    return TrainingHashes(prefixes) if bool((prefixes[1:] > prefixes[:-1]).all()) else None


def _prefix(sha256: str) -> np.uint64:
    return np.uint64(int(sha256[:16], 16))
