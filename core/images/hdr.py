"""Tone mapping of high dynamic range and wide gamut, given by code points: PQ and HLG (ITU-R BT.2100) to sRGB.

Diffuse white, 203 cd/m2 (ITU-R BT.2408), becomes white; brighter values are compressed into the upper quarter, so a
photo without highlights looks like its standard version.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

_PQ, _HLG = 16, 18
_BT709, _BT2020, _P3_DCI, _P3 = 1, 9, 11, 12
_WHITE_NITS: Final = 203.0
_HLG_NITS: Final = 1000.0
_KNEE: Final = 0.75
_SAMPLED: Final = 100_000

_PRIMARIES: Final[dict[int, NDArray[np.float64]]] = {
    _BT2020: np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]),
    _P3: np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]),
}
"""Matrices from linear RGB of these primaries (ISO 23091-2, table 2; D65) to linear BT.709 and sRGB."""


class ToneMap:
    """The tone map of one image to sRGB."""

    def __init__(self, primaries: int, transfer: int) -> None:
        self._matrix = _PRIMARIES.get(_P3 if primaries == _P3_DCI else primaries)
        self._is_hlg = transfer == _HLG
        self._is_hdr = transfer in (_PQ, _HLG)
        self._linear = _linear(transfer)
        self._peak = 1.0

    @classmethod
    def of(cls, primaries: int, transfer: int) -> ToneMap | None:
        """Create the tone map for code points of ISO 23091-2; None if none is needed."""
        result = cls(primaries, transfer)
        return result if result._is_hdr or result._matrix is not None else None

    def measure(self, pixels: NDArray[np.uint8]) -> None:
        """Measure the peak brightness of all pixels [height, width, 3]."""
        step = max(1, int((pixels.shape[0] * pixels.shape[1] / _SAMPLED) ** 0.5))
        self._peak = max(1.0, float(np.percentile(self._light(pixels[::step, ::step]).max(axis=-1), 99.9)))

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Convert pixels [rows, width, 3] to sRGB."""
        light = self._light(pixels)
        if self._peak > 1:
            brightest = light.max(axis=-1, keepdims=True)
            light *= _compressed(brightest, self._peak) / np.maximum(brightest, 1e-6)
        light = light.clip(0, 1)
        encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.power(light, 1 / 2.4) - 0.055)
        encoded8: NDArray[np.uint8] = np.rint(encoded * 255).astype(np.uint8)
        return encoded8

    def _light(self, pixels: NDArray[np.uint8]) -> Floats:
        """Convert to linear light in BT.709 primaries; 1 is diffuse white."""
        light = self._linear[pixels]
        if self._is_hlg:
            luminance = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
            light = light * np.power(luminance, np.float32(0.2))[..., None] * np.float32(_HLG_NITS / _WHITE_NITS)
        if self._matrix is not None:
            light = light @ self._matrix.T.astype(np.float32)
        return np.maximum(light, 0)


def _linear(transfer: int) -> Floats:
    """Light for each of 256 values: scene light 0..1 for HLG, otherwise display light, in which 1 is diffuse white."""
    value = np.arange(256) / 255
    if transfer == _PQ:  # SMPTE ST 2084
        root = value ** (32 / 2523)
        light = np.maximum(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)
        return (light ** (16384 / 2610) * 10_000 / _WHITE_NITS).astype(np.float32)
    if transfer == _HLG:  # ARIB STD-B67
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12).astype(np.float32)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _compressed(light: Floats, peak: float) -> Floats:
    """Compress light up to `peak` to 0..1, unchanged below the knee (above it E. Reinhard et al., 2002, equation 4)."""
    above, top = (light - _KNEE) / (1 - _KNEE), (peak - _KNEE) / (1 - _KNEE)
    rolled = _KNEE + (1 - _KNEE) * above * (1 + above / top**2) / (1 + above)
    return np.where(light <= _KNEE, light, rolled)
