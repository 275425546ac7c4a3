"""The empty state of the *Photos* page: a drop zone and sample photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QIcon, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from core.base.i18n import tr
from gui.widgets import theme
from gui.widgets.basic import Icon, label

SAMPLES: Final = tuple(sorted((Path(__file__).parent.parent / "samples").glob("*.jpg")))
_SAMPLE_SIZE: Final = QSize(144, 96)


class EmptyState(QWidget):
    """Invites to drop, open or paste photos, or to try samples.

    Attributes:
        samples_chosen: the user chose these sample photos.
    """

    samples_chosen = Signal(object)

    def __init__(self, actions: Sequence[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        page = QVBoxLayout(self)
        page.setContentsMargins(40, 32, 40, 32)
        zone = QFrame()
        zone.setObjectName("dropzone")
        column = QVBoxLayout(zone)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(theme.GRID)
        column.addStretch(3)
        column.addWidget(Icon("image-plus", "accent", 64), alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(label(tr("Drop photos here"), "display"), alignment=Qt.AlignmentFlag.AlignHCenter)
        promise = tr("Files, folders, or an image from another program. Nothing leaves this computer.")
        column.addWidget(label(promise, "muted"), alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(16)
        buttons = [_button(action, is_first=action is actions[0]) for action in actions]
        column.addLayout(_row_of(buttons))
        self.setFocusProxy(buttons[0])
        column.addStretch(2)
        column.addWidget(label(tr("Or try one of these"), "muted"), alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(self._samples())
        column.addStretch(1)
        page.addWidget(zone)

    def _samples(self) -> QHBoxLayout:
        return _row_of([self._sample(sample) for sample in SAMPLES])

    def _sample(self, sample: Path) -> QPushButton:
        button = QPushButton()
        button.setProperty("kind", "picture")
        button.setAccessibleName(tr("Try the sample photo “{name}”", name=sample.stem))
        button.setToolTip(tr("Try this photo"))
        button.setIcon(QIcon(QPixmap(str(sample)).scaled(_SAMPLE_SIZE * 2, Qt.AspectRatioMode.KeepAspectRatio)))
        button.setIconSize(_SAMPLE_SIZE)
        button.clicked.connect(lambda: self.samples_chosen.emit((sample,)))
        return button


def _button(action: QAction, *, is_first: bool) -> QPushButton:
    button = QPushButton(action.text().replace("&", ""))
    button.setProperty("kind", "primary" if is_first else "")
    button.setToolTip(action.shortcut().toString())
    button.clicked.connect(action.trigger)
    return button


def _row_of(buttons: Sequence[QPushButton]) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme.GRID)
    row.addStretch()
    for button in buttons:
        row.addWidget(button)
    row.addStretch()
    return row
