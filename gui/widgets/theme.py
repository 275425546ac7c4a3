"""Colours, sizes and the style sheet, with one set of colour tokens for each of the light and dark themes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from string import Template
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from core.base.settings import Theme

GRID: Final = 8
"""The base distance in pixels: all spacings are multiples or halves of it."""

RADIUS: Final = 8


@dataclass(frozen=True, slots=True)
class Tokens:
    """Colours by meaning, as #rrggbb.

    Attributes:
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
    danger: str
    warning: str
    warning_soft: str
    plot_main: str
    plot_other: str


LIGHT: Final = Tokens(
    window="#f4f5f7",
    surface="#ffffff",
    raised="#ffffff",
    border="#dfe1e6",
    text="#1a1c21",
    muted="#5c606b",
    accent="#3451c7",
    on_accent="#ffffff",
    accent_soft="#e6eafb",
    track="#e7e9ee",
    danger="#b3261e",
    warning="#7a4d00",
    warning_soft="#fdf1d8",
    plot_main="#0072b2",
    plot_other="#d55e00",
)
DARK: Final = Tokens(
    window="#141518",
    surface="#1b1d21",
    raised="#24272c",
    border="#33363d",
    text="#eceef2",
    muted="#a2a7b3",
    accent="#8ea2ff",
    on_accent="#10131f",
    accent_soft="#283056",
    track="#31343b",
    danger="#ff8a80",
    warning="#f3c061",
    warning_soft="#3a2f17",
    plot_main="#56b4e9",
    plot_other="#e69f00",
)


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
    style = _STYLE.substitute(asdict(tokens(theme)), radius=RADIUS)
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
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(colours.muted))
    return palette


# Widgets are styled by object name or a `kind` property; colours are defined only in this module.
_STYLE: Final = Template("""
QMainWindow, QWidget#page { background: $window; }
QWidget#rail, QWidget#top, QStatusBar { background: $surface; }
QWidget#rail { border-right: 1px solid $border; }
QWidget#top { border-bottom: 1px solid $border; }
QWidget#foot { background: $surface; border-top: 1px solid $border; }
QStatusBar { border-top: 1px solid $border; color: $muted; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: $muted; padding: 0 8px; }
QLabel[kind="muted"] { color: $muted; }
QLabel[kind="danger"] { color: $danger; }
QLabel[kind="warning"] { color: $warning; }
QLabel[kind="title"] { font-size: 20px; font-weight: 600; }
QLabel[kind="display"] { font-size: 28px; font-weight: 600; }
QLabel[kind="heading"] { font-size: 15px; font-weight: 600; }
QLabel[kind="number"] { font-weight: 600; }
QFrame#panel { background: $surface; border: 1px solid $border; border-radius: ${radius}px; }
QFrame#notice { background: $warning_soft; border: 1px solid $border; border-radius: ${radius}px; }
QFrame#strip { background: $accent_soft; border: 1px solid $border; border-radius: ${radius}px; }
QFrame#palette { background: $raised; border: 1px solid $border; border-radius: ${radius}px; }
QFrame#dropzone { background: $surface; border: 2px dashed $border; border-radius: 16px; }
QFrame#overlay { background: $accent_soft; border: 3px dashed $accent; border-radius: 16px; }
QFrame#overlay[refused="true"] { background: $warning_soft; border-color: $warning; }
QPushButton, QComboBox {
    background: $raised; color: $text; border: 1px solid $border; border-radius: ${radius}px; padding: 6px 14px;
    min-height: 20px;
}
QPushButton:hover, QComboBox:hover { border-color: $muted; }
QPushButton:focus, QComboBox:focus, QToolButton:focus { border: 2px solid $accent; padding: 5px 13px; }
QPushButton:disabled { color: $muted; }
QPushButton[kind="primary"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[kind="primary"]:disabled { background: $track; color: $muted; border-color: $track; font-weight: 400; }
QPushButton[kind="primary"]:focus { border: 2px solid $text; }
QPushButton[kind="link"] { background: transparent; border: none; color: $accent; padding: 4px 8px; }
QPushButton[kind="link"]:focus { border: 2px solid $accent; padding: 2px 6px; }
QPushButton[kind="picture"] { padding: 8px; text-align: center; }
QPushButton[kind="picture"]:focus { padding: 7px; }
QComboBox { padding-right: 24px; combobox-popup: 0; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox QAbstractItemView {
    background: $raised; color: $text; border: 1px solid $border; outline: none;
    selection-background-color: $accent_soft; selection-color: $text;
}
QComboBox QAbstractItemView::item { padding: 6px 10px; min-height: 20px; }
QPushButton::menu-indicator { image: none; width: 0; }
QToolButton[kind="place"] {
    background: transparent; color: $muted; border: none; border-radius: ${radius}px; padding: 8px 4px; font-size: 12px;
}
QToolButton[kind="place"]:hover { background: $track; }
QToolButton[kind="place"]:checked { background: $accent_soft; color: $accent; font-weight: 600; }
QToolButton[kind="place"]:focus { border: 2px solid $accent; padding: 6px 2px; }
QToolButton[kind="plain"] { background: transparent; border: none; border-radius: 4px; padding: 4px; }
QToolButton[kind="plain"]:hover { background: $track; }
QToolButton[kind="plain"]:focus { border: 2px solid $accent; padding: 2px; }
QLineEdit {
    background: $surface; color: $text; border: 1px solid $border; border-radius: ${radius}px; padding: 6px 10px;
    selection-background-color: $accent; selection-color: $on_accent;
}
QLineEdit:focus { border: 2px solid $accent; padding: 5px 9px; }
QPlainTextEdit {
    background: $surface; color: $text; border: 1px solid $border; border-radius: ${radius}px; padding: 8px;
    selection-background-color: $accent; selection-color: $on_accent;
}
QPlainTextEdit:focus { border: 2px solid $accent; padding: 7px; }
QListView { background: $window; border: none; outline: none; }
QAbstractItemView#choices { background: transparent; border: none; outline: none; }
QAbstractItemView#choices::item { padding: 8px; color: $text; }
QAbstractItemView#choices::item:hover { background: $track; }
QAbstractItemView#choices::item:selected { background: $accent_soft; color: $text; }
QTreeView#choices QHeaderView { background: $surface; border: none; }
QTreeView#choices QHeaderView::section {
    background: $surface; color: $muted; border: none; border-bottom: 1px solid $border; padding: 4px 8px;
}
QTableView#rows { background: $surface; color: $text; border: none; border-radius: ${radius}px; outline: none; }
QTableView#rows QHeaderView { background: $surface; }
QTableView#rows QHeaderView::section {
    background: $surface; color: $muted; border: none; border-bottom: 1px solid $border; padding: 8px;
}
QTableView#rows QHeaderView::section:hover { color: $text; }
QListWidget#jobs::item:hover { background: transparent; }
QPushButton[kind="offer"] { text-align: left; padding: 5px 12px; }
QPushButton[kind="offer"]:focus { padding: 4px 11px; }
QToolButton[kind="plain"]:checked { background: $accent_soft; }
QToolButton[kind="plain"][marked="true"] { background: $warning_soft; }
QCheckBox { spacing: 8px; color: $text; }
QCheckBox:focus { color: $accent; }
QCheckBox::indicator { width: 14px; height: 14px; border-radius: 4px; border: 1px solid $muted; background: $surface; }
QCheckBox::indicator:checked { border: 5px solid $accent; width: 6px; height: 6px; background: $on_accent; }
QTableView#data { background: $surface; color: $text; border: none; }
QTableView#cells, QTableView#cells QHeaderView, QTableView#cells QTableCornerButton::section {
    background: $surface; border: none;
}
QTableView#data QHeaderView { background: $surface; }
QTableView#data QHeaderView::section {
    background: $surface; color: $muted; border: none; padding: 4px 8px;
}
QTableView#data QHeaderView::section:horizontal, QTableView#data QTableCornerButton::section {
    background: $surface; border: none; border-bottom: 1px solid $border;
}
QTableView#data::item { padding: 0 5px; }
QFrame#card { background: $surface; border: 1px solid $border; border-radius: ${radius}px; }
QFrame#card:hover { border-color: $muted; }
QFrame#card[chosen="true"] { background: $accent_soft; border: 2px solid $accent; }
QRadioButton[kind="heading"] { font-size: 15px; font-weight: 600; spacing: 8px; }
QRadioButton::indicator {
    width: 14px; height: 14px; border-radius: 8px; border: 1px solid $muted; background: $surface;
}
QRadioButton::indicator:checked { border: 5px solid $accent; width: 6px; height: 6px; background: $on_accent; }
QRadioButton::indicator:disabled { border-color: $border; }
QRadioButton:focus { color: $accent; }
QProgressBar { background: $track; border: none; border-radius: 4px; min-height: 8px; max-height: 8px; }
QProgressBar::chunk { background: $accent; border-radius: 4px; }
QSpinBox, QDoubleSpinBox {
    background: $surface; color: $text; border: 1px solid $border; border-radius: ${radius}px; padding: 5px 8px;
    min-height: 20px; selection-background-color: $accent; selection-color: $on_accent;
}
QSpinBox:focus, QDoubleSpinBox:focus { border: 2px solid $accent; padding: 4px 7px; }
QSpinBox:disabled, QDoubleSpinBox:disabled { color: $muted; }
QListView#wall { background: $surface; }
QListView#tiles, QListView#files { background: transparent; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollArea, QScrollArea > QWidget > QWidget#inspector { background: transparent; border: none; }
QSplitter::handle { background: transparent; }
QMenuBar { background: $surface; color: $text; border-bottom: 1px solid $border; }
QMenuBar::item { padding: 6px 10px; background: transparent; border-radius: 4px; }
QMenuBar::item:selected { background: $track; }
QMenu { background: $raised; color: $text; border: 1px solid $border; padding: 6px; }
QMenu::item { padding: 6px 24px 6px 24px; border-radius: 4px; }
QMenu::item:selected { background: $accent_soft; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { height: 1px; background: $border; margin: 6px 8px; }
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 6px; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: $border; border-radius: 4px; margin: 2px; min-height: 32px; min-width: 32px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")
