"""Images as plain bytes, for processes and threads that do without NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright sRGB image: `rgb` has height x width x 3 bytes."""

    width: int
    height: int
    rgb: bytes

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> Picture:
        """Convert pixels uint8 [height, width, 3]."""
        height, width, _ = pixels.shape
        return cls(width, height, pixels.tobytes())

    def pixels(self) -> NDArray[np.uint8]:
        """The pixels, uint8 [height, width, 3]; read-only."""
        import numpy as np

        return np.frombuffer(self.rgb, np.uint8).reshape(self.height, self.width, 3)


def draw(file: Path, side: int) -> Picture:
    """Read an image file with a longer side of at most `side` pixels; raises ImageError if it cannot be read."""
    from core.images.decoding import decode_thumbnail

    return Picture.of(decode_thumbnail(file, side))
