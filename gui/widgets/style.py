"""The style sheet: widgets are styled by their class, object name, `kind`, and `ring` (see `focus_ring`)."""

from __future__ import annotations

from string import Template
from typing import Final

SHEET: Final = Template("""
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
QFrame#notice { background: $accent_soft; border: 1px solid $accent; border-radius: ${radius}px; }
QFrame#notice[kind="success"] { background: $success_soft; border-color: $success; }
QFrame#notice[kind="warning"] { background: $warning_soft; border-color: $warning; }
QFrame#notice[kind="error"] { background: $danger_soft; border-color: $danger; }
QFrame#strip { background: $accent_soft; border: 1px solid $border; border-radius: ${radius}px; }
QFrame#palette { background: $raised; border: 1px solid $field; border-radius: ${radius}px; }
QFrame#dropzone { background: $surface; border: 2px dashed $border; border-radius: 16px; }
QFrame#overlay { background: $accent_soft; border: 3px dashed $accent; border-radius: 16px; }
QFrame#overlay[refused="true"] { background: $warning_soft; border-color: $warning; }
QPushButton {
    background: $raised; color: $text; border: 1px solid $border; border-radius: ${radius}px; padding: 6px 14px;
    min-height: 20px;
}
QPushButton:hover { background: $hover; border-color: $field; }
QPushButton:pressed { background: $pressed; border-color: $field; }
QPushButton:disabled { background: $track; color: $disabled; border-color: transparent; }
QPushButton[ring="true"] { border: 2px solid $accent; padding: 5px 13px; }
QPushButton[kind="primary"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[kind="primary"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[kind="primary"]:pressed { background: $accent_pressed; border-color: $accent_pressed; }
QPushButton[kind="primary"]:disabled {
    background: $track; color: $disabled; border-color: transparent; font-weight: 400;
}
QPushButton[kind="primary"][ring="true"] { border: 2px solid $text; }
QPushButton[kind="link"] { background: transparent; border: none; color: $accent; padding: 4px 8px; }
QPushButton[kind="link"]:hover { color: $accent_hover; text-decoration: underline; }
QPushButton[kind="link"]:pressed { color: $accent_pressed; text-decoration: underline; }
QPushButton[kind="link"]:disabled { color: $disabled; text-decoration: none; }
QPushButton[kind="link"][ring="true"] { border: 2px solid $accent; padding: 2px 6px; }
QPushButton[kind="link"][edge="true"] { padding: 4px 8px 4px 2px; }
QPushButton[kind="link"][edge="true"][ring="true"] { padding: 2px 6px 2px 0px; }
QPushButton[kind="picture"] { padding: 8px; text-align: center; }
QPushButton[kind="picture"][ring="true"] { padding: 7px; }
QPushButton[kind="offer"] { text-align: left; padding: 5px 12px; }
QPushButton[kind="offer"][ring="true"] { padding: 4px 11px; }
QComboBox {
    background: $surface; color: $text; border: 1px solid $field; border-radius: ${radius}px;
    padding: 6px 24px 6px 14px; min-height: 20px; combobox-popup: 0;
}
QComboBox:hover { border-color: $muted; }
QComboBox:focus, QComboBox:on, QComboBox[ring="true"] { border: 2px solid $accent; padding: 5px 23px 5px 13px; }
QComboBox:disabled { background: $window; color: $disabled; border-color: $border; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox QLineEdit, QComboBox QLineEdit:focus { background: transparent; border: none; padding: 0; }
QComboBox QAbstractItemView {
    background: $raised; color: $text; border: 1px solid $border; outline: none;
    selection-background-color: $accent_soft; selection-color: $text;
}
QComboBox QAbstractItemView::item { padding: 6px 10px; min-height: 20px; }
QPushButton::menu-indicator { image: none; width: 0; }
QPushButton[kind="place"] {
    background: transparent; color: $muted; border: none; border-radius: ${radius}px; padding: 8px 4px;
    min-height: 44px; font-size: 12px;
}
QPushButton[kind="place"]:hover { background: $hover; }
QPushButton[kind="place"]:pressed { background: $pressed; }
QPushButton[kind="place"]:checked { background: $accent_soft; color: $accent; font-weight: 600; }
QPushButton[kind="place"][ring="true"] { border: 2px solid $accent; padding: 6px 2px; }
QToolButton[kind="plain"] { background: transparent; border: none; border-radius: 4px; padding: 4px; }
QToolButton[kind="plain"]:hover { background: $hover; }
QToolButton[kind="plain"]:pressed { background: $pressed; }
QToolButton[kind="plain"]:disabled { color: $disabled; }
QToolButton[kind="plain"][ring="true"] { border: 2px solid $accent; padding: 2px; }
QLineEdit, QPlainTextEdit, QSpinBox, QDoubleSpinBox {
    background: $surface; color: $text; border: 1px solid $field; border-radius: ${radius}px;
    placeholder-text-color: $muted; selection-background-color: $accent; selection-color: $on_accent;
}
QLineEdit { padding: 6px 10px; }
QPlainTextEdit { padding: 8px; }
QSpinBox, QDoubleSpinBox { padding: 5px 8px; min-height: 20px; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {
    width: 0; border: none;
}
QLineEdit:hover, QPlainTextEdit:hover, QSpinBox:hover, QDoubleSpinBox:hover { border-color: $muted; }
QLineEdit:focus, QPlainTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus,
QLineEdit[ring="true"], QPlainTextEdit[ring="true"], QSpinBox[ring="true"], QDoubleSpinBox[ring="true"] {
    border: 2px solid $accent;
}
QLineEdit:focus, QLineEdit[ring="true"] { padding: 5px 9px; }
QPlainTextEdit:focus, QPlainTextEdit[ring="true"] { padding: 7px; }
QSpinBox:focus, QDoubleSpinBox:focus, QSpinBox[ring="true"], QDoubleSpinBox[ring="true"] { padding: 4px 7px; }
QLineEdit:disabled, QPlainTextEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled {
    background: $window; color: $disabled; border-color: $border;
}
QTextBrowser {
    background: $surface; color: $text; border: 1px solid $border; border-radius: ${radius}px; padding: 8px 16px;
}
QListView { background: $window; border: none; outline: none; }
QAbstractItemView#choices { background: transparent; border: none; outline: none; }
QAbstractItemView#choices::item { padding: 8px; color: $text; }
QTreeView#choices::item { padding: 8px 8px 8px 5px; }
QAbstractItemView#choices::item:hover { background: $track; }
QAbstractItemView#choices::item:selected { background: $accent_soft; color: $text; }
QAbstractItemView#found { background: transparent; border: none; outline: none; selection-color: $text; }
QAbstractItemView#found::item { padding: 8px; }
QAbstractItemView#found::item:hover { background: $track; }
QAbstractItemView#found::item:selected { background: $accent_soft; }
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
QToolButton[kind="plain"]:checked { background: $accent_soft; }
QCheckBox, QRadioButton {
    spacing: 8px; color: $text; border: 2px solid transparent; border-radius: 6px; padding: 2px 4px 2px 2px;
}
QCheckBox[ring="true"], QRadioButton[ring="true"] { border-color: $accent; }
QCheckBox:disabled, QRadioButton:disabled { color: $disabled; }
QCheckBox::indicator, QRadioButton::indicator {
    width: 14px; height: 14px; border: 1px solid $muted; background: $surface;
}
QCheckBox::indicator { border-radius: 4px; }
QRadioButton::indicator { border-radius: 8px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: $accent; background: $hover; }
QCheckBox::indicator:pressed, QRadioButton::indicator:pressed { background: $pressed; }
QCheckBox::indicator:checked, QCheckBox::indicator:indeterminate { background: $accent; border-color: $accent; }
QCheckBox::indicator:checked:hover, QCheckBox::indicator:indeterminate:hover { background: $accent_hover; }
QCheckBox::indicator:checked:pressed, QCheckBox::indicator:indeterminate:pressed { background: $accent_pressed; }
QRadioButton::indicator:checked { border: 5px solid $accent; width: 6px; height: 6px; background: $on_accent; }
QRadioButton::indicator:checked:hover { border-color: $accent_hover; }
QRadioButton::indicator:checked:pressed { border-color: $accent_pressed; background: $on_accent; }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { border-color: $border; background: $window; }
QCheckBox::indicator:checked:disabled, QCheckBox::indicator:indeterminate:disabled {
    background: $disabled; border-color: $disabled;
}
QRadioButton::indicator:checked:disabled { border-color: $disabled; }
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
QTableView#data QHeaderView::up-arrow, QTableView#data QHeaderView::down-arrow { width: 0; height: 0; }
QTableView#data::item { padding: 0 5px; }
QFrame#card { background: $surface; border: 1px solid $border; border-radius: ${radius}px; }
QFrame#card:hover { border-color: $field; }
QFrame#card[chosen="true"] { background: $accent_soft; border: 2px solid $accent; }
QRadioButton[kind="heading"] { font-size: 15px; font-weight: 600; }
QSlider { min-height: 24px; }
QSlider::groove:horizontal { background: $track; height: 4px; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal {
    background: $accent; border: 2px solid $surface; width: 16px; margin: -8px 0; border-radius: 10px;
}
QSlider::handle:horizontal:hover { background: $accent_hover; }
QSlider::handle:horizontal:pressed { background: $accent_pressed; }
QSlider::handle:horizontal:focus { border-color: $text; }
QProgressBar { background: $track; border: none; border-radius: 4px; min-height: 8px; max-height: 8px; }
QProgressBar::chunk { background: $accent; border-radius: 4px; }
QListView#wall { background: $surface; }
QListView#tiles, QListView#files { background: transparent; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollArea > QWidget > QWidget#inspector { background: transparent; border: none; }
QScrollArea { background: transparent; border: 2px solid transparent; border-radius: ${radius}px; }
QScrollArea[ring="true"] { border-color: $accent; }
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
QScrollBar::handle { background: $field; border-radius: 3px; margin: 3px; min-height: 32px; min-width: 32px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")
