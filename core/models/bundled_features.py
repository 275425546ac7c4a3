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
"""Next to a built-in card: `sha256` uint8 [n, 32] and `features` float16 [n, d] of n images, and their kind."""
VARIANT_FEATURES: Final = "examples-{precision}.npz"
"""The same from a variant of the backbone."""

_MAX_BYTES: Final = 256 * 1024 * 1024
"""Maximum uncompressed size of such a file."""


def features_bytes(kind: FeatureKind, rows: Mapping[str, NDArray[np.float16]]) -> bytes:
    """Encode features [d] by the SHA-256 of their image as a file."""
    buffer = io.BytesIO()
    hashes = np.array([list(bytes.fromhex(image)) for image in rows], np.uint8)
    np.savez_compressed(buffer, kind=np.array(kind.key), sha256=hashes, features=np.stack([*rows.values()]))
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
            if tuple(arrays["kind"].tolist()) != kind.key:
                return {}
            hashes, features = arrays["sha256"], arrays["features"]
            if features.dtype != np.float16 or features.shape != (len(hashes), kind.width):
                return {}
            return {bytes(image).hex(): row for image, row in zip(hashes, features, strict=True)}
    except Exception:  # noqa: BLE001 - the boundary: zip, deflate and NumPy raise a dozen unrelated kinds
        return {}
