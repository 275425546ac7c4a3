"""Images as plain bytes, to be shown by whoever knows nothing of NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Picture:
    """Drawn pixels: `rgb` holds height x width x 3 bytes."""

    width: int
    height: int
    rgb: bytes

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> Picture:
        """Pixels uint8 [height, width, 3] as a picture."""
        height, width, _ = pixels.shape
        return cls(width, height, pixels.tobytes())


def draw(file: Path, side: int) -> Picture:
    """Draw an image file no larger than `side` pixels.

    Raises:
        ImageError: it cannot be read.
    """
    from core.images.decoding import decode_thumbnail

    return Picture.of(decode_thumbnail(file, side))
