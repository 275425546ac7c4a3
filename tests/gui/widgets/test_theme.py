"""The contrast of every pair of colours in use (WCAG 2.2: 1.4.3 and 1.4.11), in both themes."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest

from gui.widgets.theme import DARK, LIGHT, Tokens

TEXT, SHAPE = 4.5, 3.0
GROUNDS = ("window", "surface", "raised", "accent_soft")
STATES = ("hover", "pressed", "track")
PAIRS: dict[tuple[str, ...], tuple[float, tuple[str, ...]]] = {
    ("text",): (TEXT, (*GROUNDS, *STATES, "success_soft", "warning_soft", "danger_soft")),
    ("muted",): (TEXT, (*GROUNDS, "hover", "track")),
    ("accent",): (TEXT, (*GROUNDS, "success_soft", "warning_soft", "danger_soft")),  # links, and the rings of focus
    ("accent_hover", "accent_pressed"): (TEXT, (*GROUNDS, "success_soft", "warning_soft", "danger_soft")),
    ("on_accent",): (TEXT, ("accent", "accent_hover", "accent_pressed")),
    ("success", "warning", "danger"): (TEXT, (*GROUNDS, "hover")),
    ("success",): (SHAPE, ("success_soft",)),
    ("warning",): (SHAPE, ("warning_soft",)),
    ("danger",): (SHAPE, ("danger_soft",)),
    ("field",): (SHAPE, (*GROUNDS, "hover")),  # the borders of fields, the handles of scroll bars
    ("plot_main", "plot_other"): (SHAPE, ("surface", "window")),
}
WITHOUT_RULE = {"border", "disabled"}
"""Lines that only decorate, and what cannot be used: WCAG asks nothing of them."""


def luminance(colour: str) -> float:
    """The relative luminance, 0..1, of #rrggbb."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast, 1..21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_every_pair_can_be_told_apart(tokens: Tokens) -> None:
    colours = asdict(tokens)
    weak = [
        (over, under, round(contrast(colours[over], colours[under]), 2))
        for names, (least, grounds) in PAIRS.items()
        for over in names
        for under in grounds
        if contrast(colours[over], colours[under]) < least
    ]
    assert not weak


def test_every_token_has_a_rule() -> None:
    known = {name for names, (_, grounds) in PAIRS.items() for name in (*names, *grounds)}
    assert {field.name for field in fields(Tokens)} == known | WITHOUT_RULE


def test_the_measure_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
