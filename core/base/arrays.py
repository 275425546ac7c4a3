"""Arrays in .npz files."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_arrays(data: bytes, max_bytes: int) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz file by name; nothing is unpickled.

    Raises:
        ValueError: they have more than `max_bytes` uncompressed, or two have the same name.
        Exception: the file is damaged, for which zip, deflate and NumPy raise a dozen unrelated kinds.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if unpacked > max_bytes or len({member.filename for member in members}) < len(members):
        raise ValueError(f"{len(members)} arrays unpack to {unpacked:,} bytes")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return {name: np.asarray(arrays[name]) for name in arrays.files}
