"""Colours, sizes and the style sheet, with one set of colour tokens for each of the light and dark themes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from core.base.settings import Theme
from gui.widgets.style import SHEET

GRID: Final = 8
"""The base distance in pixels: all spacings are multiples or halves of it."""

RADIUS: Final = 8


@dataclass(frozen=True, slots=True)
class Tokens:
    """Colours by meaning, as #rrggbb.

    Attributes:
        field: the borders of fields and the handles of scroll bars, which must be seen (3:1).
        disabled: the text of what cannot be used; exempt from the rules on contrast.
        plot_main: the main series of a plot, and correct predictions; like `plot_other` from the palette of Okabe and
            Ito for all kinds of colour vision (2008).
        plot_other: the series to compare with, and wrong predictions.
    """

    window: str
    surface: str
    raised: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    accent_soft: str
    track: str
    field: str
    hover: str
    pressed: str
    accent_hover: str
    accent_pressed: str
    disabled: str
    success: str
    success_soft: str
    warning: str
    warning_soft: str
    danger: str
    danger_soft: str
    plot_main: str
    plot_other: str


_COLOURS: Final = {
    "window": ("#f4f5f7", "#141518"),
    "surface": ("#ffffff", "#1b1d21"),
    "raised": ("#ffffff", "#24272c"),
    "border": ("#dfe1e6", "#33363d"),
    "text": ("#1a1c21", "#eceef2"),
    "muted": ("#5c606b", "#a2a7b3"),
    "accent": ("#3451c7", "#8ea2ff"),
    "on_accent": ("#ffffff", "#10131f"),
    "accent_soft": ("#e6eafb", "#283056"),
    "track": ("#e7e9ee", "#31343b"),
    "field": ("#80858f", "#858a96"),
    "hover": ("#eef0f4", "#2d3036"),
    "pressed": ("#dfe2ea", "#3a3d45"),
    "accent_hover": ("#2b45ad", "#a3b3ff"),
    "accent_pressed": ("#223890", "#8298f8"),
    "disabled": ("#9a9da5", "#70747e"),
    "success": ("#1b6e3c", "#7fd6a0"),
    "success_soft": ("#e3f4e8", "#1a3325"),
    "warning": ("#7a4d00", "#f3c061"),
    "warning_soft": ("#fdf1d8", "#3a2f17"),
    "danger": ("#b3261e", "#ff8a80"),
    "danger_soft": ("#fce8e6", "#44211f"),
    "plot_main": ("#0072b2", "#56b4e9"),
    "plot_other": ("#d55e00", "#e69f00"),
}
"""The light and the dark colour of each token."""

LIGHT: Final = Tokens(**{name: light for name, (light, _) in _COLOURS.items()})
DARK: Final = Tokens(**{name: dark for name, (_, dark) in _COLOURS.items()})


def is_dark(theme: Theme) -> bool:
    """Whether this theme is currently dark; SYSTEM follows the desktop."""
    if theme is Theme.SYSTEM:
        return QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
    return theme is Theme.DARK


def tokens(theme: Theme) -> Tokens:
    """The colours of this theme."""
    return DARK if is_dark(theme) else LIGHT


def current() -> Tokens:
    """The colours in use, for custom painting; they follow the application's palette."""
    return DARK if QGuiApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def apply(application: QApplication, theme: Theme) -> None:
    """Apply a theme to the whole application, unless it is already in use: restyling takes half a second."""
    apply_colours(application, theme)
    style = SHEET.substitute(asdict(tokens(theme)), radius=RADIUS)
    if application.styleSheet() != style:
        application.setStyleSheet(style)


def apply_colours(application: QApplication, theme: Theme) -> None:
    """Set the palette of this theme only, which, unlike the style sheet, does not slow down building the window."""
    if current() is not tokens(theme) or not application.styleSheet():
        application.setPalette(_palette(tokens(theme)))


def _palette(colours: Tokens) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: colours.window,
        QPalette.ColorRole.WindowText: colours.text,
        QPalette.ColorRole.Base: colours.surface,
        QPalette.ColorRole.AlternateBase: colours.window,
        QPalette.ColorRole.Text: colours.text,
        QPalette.ColorRole.Button: colours.raised,
        QPalette.ColorRole.ButtonText: colours.text,
        QPalette.ColorRole.BrightText: colours.danger,
        QPalette.ColorRole.Highlight: colours.accent,
        QPalette.ColorRole.HighlightedText: colours.on_accent,
        QPalette.ColorRole.Link: colours.accent,
        QPalette.ColorRole.ToolTipBase: colours.raised,
        QPalette.ColorRole.ToolTipText: colours.text,
        QPalette.ColorRole.PlaceholderText: colours.muted,
        QPalette.ColorRole.Mid: colours.border,
        QPalette.ColorRole.Accent: colours.accent,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(colours.disabled))
    return palette
