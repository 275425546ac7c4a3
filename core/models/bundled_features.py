"""Features of the training images of built-in models, because the images are not included."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.providers import ComputePrecision
from core.engine.feature_store import FeatureKind, Rows
from core.models.files import read_file

FEATURES: Final = "examples.npz"
"""Next to a built-in card: `sha256` uint8 [n, 32] and `features` float16 [n, d] of n images, and their kind.

Features of a composed backbone contain those of its parts as square roots, see `core.models.composite`. `part` is the
kind of the first part: versions that a user made of the model before it was composed are retrained with its features.
"""
VARIANT_FEATURES: Final = "examples-{precision}.npz"
"""The same from a variant of the backbone."""

_MAX_BYTES: Final = 256 * 1024 * 1024
"""Maximum uncompressed size of such a file."""


def features_bytes(
    kind: FeatureKind, rows: Mapping[str, NDArray[np.float16]], part: FeatureKind | None = None
) -> bytes:
    """Encode features [d] by the SHA-256 of their image as a file.

    Args:
        kind: their kind.
        rows: the features.
        part: the kind of the backbone's first part; None if it is not composed.
    """
    buffer = io.BytesIO()
    hashes = np.array([list(bytes.fromhex(image)) for image in rows], np.uint8)
    keys = {"kind": np.array(kind.key)} | ({"part": np.array(part.key)} if part else {})
    np.savez_compressed(buffer, allow_pickle=False, **keys, sha256=hashes, features=np.stack([*rows.values()]))
    return buffer.getvalue()


def bundled_features(folders: Iterable[Path], kind: FeatureKind) -> Rows:
    """The features of this kind in the folders of built-in models, by the SHA-256 of their image."""
    found: Rows = {}
    for folder in folders:
        for file in (FEATURES, *(VARIANT_FEATURES.format(precision=one) for one in ComputePrecision)):
            found |= _read(folder / file, kind)
    return found


def _read(file: Path, kind: FeatureKind) -> Rows:
    """The features in a file if they are of this kind; empty if it is missing or damaged."""
    try:
        data = read_file(file)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MAX_BYTES:
                return {}
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            kinds = {name: tuple(arrays[name].tolist()) for name in ("kind", "part") if name in arrays}
            if kind.key not in kinds.values():
                return {}
            hashes, features = arrays["sha256"], arrays["features"]
            if kind.key != kinds["kind"]:
                features = features[:, : kind.width] ** 2
            if features.dtype != np.float16 or features.shape != (len(hashes), kind.width):
                return {}
            return {bytes(image).hex(): row for image, row in zip(hashes, features, strict=True)}
    except Exception:  # noqa: BLE001 - the boundary: zip, deflate and NumPy raise a dozen unrelated kinds
        return {}
