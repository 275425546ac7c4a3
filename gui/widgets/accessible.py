"""Roles for screen readers that Qt cannot infer from the class of a widget."""

from __future__ import annotations

from functools import cache
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget

_PROPERTY: Final = "accessible role"


def give_role(widget: QWidget, role: QAccessible.Role) -> None:
    """Let screen readers know what a widget is, before it is shown."""
    _install()
    widget.setProperty(_PROPERTY, role.value)


@cache
def _install() -> None:
    QAccessible.installFactory(_interface)


def _interface(_class: str, described: QObject) -> QAccessibleInterface | None:
    """What describes a widget with a role of its own; None for Qt's choice."""
    if not isinstance(described, QWidget) or (role := described.property(_PROPERTY)) is None:
        return None
    return QAccessibleWidget(described, QAccessible.Role(role), "")
