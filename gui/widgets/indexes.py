"""What Qt's item models and delegates take."""

from __future__ import annotations

from typing import Final, TypeAlias

from PySide6.QtCore import QModelIndex, QPersistentModelIndex

Index: TypeAlias = QModelIndex | QPersistentModelIndex
"""A cell, as Qt passes either kind to methods that are overridden."""
NOWHERE: Final = QModelIndex()
"""The parent of all cells of a table or list, in which no cell has others below it."""
