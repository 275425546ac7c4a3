"""The empty state of the *Photos* page: a drop zone and sample photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QIcon, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from core.base.i18n import tr
from gui.widgets import theme
from gui.widgets.basic import Icon, action_button, button, label
from gui.widgets.layouts import CENTRE, SPACE, Placed, hbox, vbox

SAMPLES: Final = tuple(sorted((Path(__file__).parent.parent / "samples").glob("*.jpg")))
_SAMPLE_SIZE: Final = QSize(144, 96)
_HEIGHT_WITH_ICON: Final = 460
_HEIGHT_WITH_SAMPLES: Final = 390


class EmptyState(QWidget):
    """Invites to drop, open or paste photos, or to try samples.

    Attributes:
        samples_chosen: the user chose these sample photos.
    """

    samples_chosen = Signal(object)

    def __init__(self, actions: Sequence[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self._icon, self._samples = Icon("image-plus", "accent", 64), self._make_samples()
        vbox(self._make_zone(actions), parent=self, margins=(40, 32, 40, 32))

    def _make_zone(self, actions: Sequence[QAction]) -> QFrame:
        zone = QFrame()
        zone.setObjectName("dropzone")
        promise = label(
            tr("Files, folders, or an image from another program. Nothing leaves this computer."), "muted", wrap=True
        )
        promise.setAlignment(CENTRE)
        buttons = [action_button(action, "primary" if action is actions[0] else "") for action in actions]
        self.setFocusProxy(buttons[0])
        vbox(
            Placed(None, 3),
            Placed(self._icon, alignment=CENTRE),
            Placed(label(tr("Drop photos here"), "display"), alignment=CENTRE),
            promise,
            16,
            hbox(SPACE, *buttons, SPACE, spacing=theme.GRID),
            Placed(None, 2),
            self._samples,
            Placed(None, 1),
            parent=zone,
            margins=24,
            spacing=theme.GRID,
        )
        return zone

    def _make_samples(self) -> QWidget:
        samples = QWidget()
        invitation = Placed(label(tr("Or try one of these"), "muted"), alignment=CENTRE)
        pictures = hbox(SPACE, *map(self._sample, SAMPLES), SPACE, spacing=theme.GRID)
        vbox(invitation, pictures, parent=samples, spacing=theme.GRID)
        return samples

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what a low window has no room for."""
        super().resizeEvent(event)
        self._icon.setVisible(self.height() >= _HEIGHT_WITH_ICON)
        self._samples.setVisible(self.height() >= _HEIGHT_WITH_SAMPLES)

    def _sample(self, sample: Path) -> QPushButton:
        name = tr("Try the sample photo “{name}”", name=sample.stem)
        result = button(
            "", lambda: self.samples_chosen.emit((sample,)), kind="picture", hint=tr("Try this photo"), name=name
        )
        result.setIcon(QIcon(QPixmap(str(sample)).scaled(_SAMPLE_SIZE * 2, Qt.AspectRatioMode.KeepAspectRatio)))
        result.setIconSize(_SAMPLE_SIZE)
        return result
