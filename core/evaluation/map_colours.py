"""The colours of class activation maps; without heavy imports, as the window paints with them."""

from __future__ import annotations

from typing import Final, TypeAlias

Colour: TypeAlias = tuple[int, int, int, int]
"""Red, green, blue and opacity, 0..255."""

CIVIDIS: Final = (
    *("#00224e", "#123570", "#3b496c", "#575d6d", "#707173"),
    *("#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"),
)
"""A ramp that is ordered for all kinds of colour vision (Nuñez, Anderton and Renslow, PLOS ONE 2018)."""
_ALPHAS: Final = 0.6, 0.75
"""The opacity of the lowest and the highest value."""


def map_colour(value: float) -> Colour:
    """The colour of a value, 0..1."""
    at = value * (len(CIVIDIS) - 1)
    before = min(int(at), len(CIVIDIS) - 2)
    first, second = (bytes.fromhex(CIVIDIS[place][1:]) for place in (before, before + 1))
    red, green, blue = (round(low + (high - low) * (at - before)) for low, high in zip(first, second, strict=True))
    low, high = _ALPHAS
    return red, green, blue, round(255 * (low + (high - low) * value))
