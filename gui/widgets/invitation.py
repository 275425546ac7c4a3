"""What a place shows while it is empty: what it is for, and how to begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame

from gui.widgets import theme
from gui.widgets.basic import Icon, label
from gui.widgets.layouts import CENTRE, SPACE, Item, Placed, hbox, vbox

_ICON: Final = 64
_TEXT_WIDTH: Final = 640
"""The widest that lines of text are, so that they are easy to read."""


def invitation(icon: str, title: str, lines: Sequence[str], buttons: Sequence[Item], *below: Item) -> QFrame:
    """A zone with an icon, a title, lines about what to do, buttons in a row, and further items below them."""
    zone = QFrame()
    zone.setObjectName("dropzone")
    heading = label(title, "display", wrap=True)
    texts = [label(line, "plain" if number == 0 else "muted", wrap=True) for number, line in enumerate(lines)]
    for text in (heading, *texts):
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text.setMaximumWidth(_TEXT_WIDTH)
    picture = Placed(Icon(icon, "accent", _ICON), alignment=CENTRE)
    row = hbox(SPACE, *buttons, SPACE, spacing=theme.GRID)
    centred = [hbox(SPACE, Placed(text, 1000), SPACE) for text in (heading, *texts)]
    parts = (SPACE, picture, *centred, theme.GRID, row, *below, SPACE)
    vbox(*parts, parent=zone, margins=3 * theme.GRID, spacing=2 * theme.GRID)
    return zone
