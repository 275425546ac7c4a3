"""The bar above the pages: the model switcher and the provider in use."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QCursor
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget

from core.base.i18n import tr
from core.base.providers import provider_text
from gui.models.version_text import model_title
from gui.session.model_controller import ModelController
from gui.widgets import icons, theme
from gui.widgets.basic import Choice, ProgressBar, button, caption, label
from gui.widgets.layouts import Placed, fill, hbox

_BUSY_WIDTH = 64


class TopBar(QWidget):
    """Shows and changes the model and provider in use."""

    def __init__(self, models: ModelController, provider_actions: Sequence[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("top")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._models = models
        self.switcher = Choice(tr("Model in use"))
        self.switcher.setMinimumWidth(240)
        self.switcher.activated.connect(self._on_activated)
        self.chip = self._make_chip(provider_actions)
        self._state = label(kind="muted")
        self._busy = ProgressBar()
        self._busy.setRange(0, 0)
        self._busy.setFixedWidth(_BUSY_WIDTH)
        self._busy.setAccessibleName(tr("Opening model…"))
        self._state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # the first to give room
        opening = Placed(self._busy, alignment=Qt.AlignmentFlag.AlignVCenter), fill(self._state)
        name = caption(tr("Model"), self.switcher)
        hbox(name, self.switcher, self.chip, *opening, parent=self, margins=(16, 8, 16, 8), spacing=theme.GRID)
        models.changed.connect(self.show_model)
        self.show_model()

    def _make_chip(self, provider_actions: Sequence[QAction]) -> QPushButton:
        chip, menu = button("", kind="chip"), QMenu(self)
        chip.setIcon(icons.icon("cpu", "accent"))
        chip.setIconSize(QSize(16, 16))
        chip.setToolTip(tr("Runs the model. Click to choose another provider."))
        chip.setMenu(menu)
        menu.addActions(list(provider_actions))
        menu.aboutToHide.connect(self._end_hover)
        return chip

    def show_model(self) -> None:
        """Show the installed models, the one in use, and its provider."""
        models, in_use = self._models, self._models.in_use
        self.switcher.offer({name: model_title(model) for name, model in models.installed.items()})
        self.switcher.setCurrentIndex(self.switcher.findData(models.opening or models.name))
        self.switcher.setEnabled(bool(models.installed))
        provider = tr("Starting…") if models.opening else tr("No provider")
        if in_use:
            provider = provider_text(in_use.provider, in_use.precision)
        self.chip.setText(f" {provider}")
        self.chip.setAccessibleName(tr("Provider in use: {provider}", provider=provider))
        self._busy.setVisible(bool(models.opening))
        self._state.setText(tr("Opening {model}…", model=models.opening_title) if models.opening else "")

    def _end_hover(self) -> None:
        """Paint the chip as the pointer left it: it does not notice while its menu is open."""
        is_under = self.chip.rect().contains(self.chip.mapFromGlobal(QCursor.pos()))
        self.chip.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, is_under)
        self.chip.update()

    def _on_activated(self, index: int) -> None:
        name = self.switcher.itemData(index)
        if name and name != self._models.name:
            self._models.open(model=name)
