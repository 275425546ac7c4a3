"""Features of the images that shipped models were made of: the images did not come with the program."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.engine.feature_store import FeatureKind, Rows
from core.models.files import read_file

FEATURES: Final = "examples.npz"
"""Beside a shipped card: of n images `sha256` uint8 [n, 32] and `features` float16 [n, d], and what kind they are."""

_MAX_BYTES: Final = 256 * 1024 * 1024
"""What such a file may unpack to."""


def features_bytes(kind: FeatureKind, rows: Mapping[str, NDArray[np.float16]]) -> bytes:
    """The file for features [d] by the sha256 of their image."""
    buffer = io.BytesIO()
    hashes = np.array([list(bytes.fromhex(image)) for image in rows], np.uint8)
    np.savez_compressed(buffer, kind=np.array(kind.key), sha256=hashes, features=np.stack([*rows.values()]))
    return buffer.getvalue()


def bundled_features(folders: Iterable[Path], kind: FeatureKind) -> Rows:
    """The features of that kind that lie in folders of shipped models, by the sha256 of their image."""
    found: Rows = {}
    for folder in folders:
        found |= _read(folder, kind)
    return found


def _read(folder: Path, kind: FeatureKind) -> Rows:
    """What a folder has of that kind; a file that is missing or damaged has nothing."""
    try:
        data = read_file(folder / FEATURES)
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
