"""The preferences: how the window looks, and how photos are classified. Each change applies immediately."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QDialog, QGridLayout, QSpinBox, QWidget

from core.base.i18n import tr
from gui.session.session import Session
from gui.shell.actions import PROVIDERS, THEMES, Action, ActionId, Actions
from gui.widgets.basic import Choice, button, caption
from gui.widgets.layouts import SPACE, hbox, vbox

_MOST_CLASSES: Final = 20


class PreferencesDialog(QDialog):
    """A non-modal dialog with the settings, which carries out the same actions as the menus."""

    def __init__(self, session: Session, actions: Actions, window: QWidget) -> None:
        super().__init__(window)
        self.setWindowTitle(tr("Preferences"))
        self._session, self._actions = session, actions
        self.theme, self.provider = self._choice(tuple(THEMES)), self._choice(tuple(PROVIDERS))
        self.exact = QCheckBox(tr("Full precision (float32), slower on some processors"))
        self.exact.clicked.connect(actions[ActionId.EXACT].trigger)
        self.top_k = QSpinBox()
        self.top_k.setRange(1, _MOST_CLASSES)
        self.top_k.setKeyboardTracking(False)
        self.top_k.valueChanged.connect(self._on_top_k)
        self.fill = QCheckBox(tr("Fill tiles with photos, which crops them"))
        self.fill.clicked.connect(actions[ActionId.FILL_TILES].trigger)
        close = button(tr("Close"), self.close, kind="primary")
        vbox(self._form(), SPACE, hbox(SPACE, close), parent=self, margins=24, spacing=16)
        session.settings.changed.connect(self.show_settings)
        session.models.changed.connect(self.show_settings)
        self.show_settings()
        self.theme.setFocus()

    def _form(self) -> QGridLayout:
        form = QGridLayout()
        form.setVerticalSpacing(12)
        form.setHorizontalSpacing(16)
        rows: tuple[tuple[str, QWidget], ...] = (
            (tr("Theme"), self.theme),
            ("", self.fill),
            (tr("Provider"), self.provider),
            ("", self.exact),
            (tr("Classes shown for a photo"), self.top_k),
        )
        for row, (name, field) in enumerate(rows):
            form.addWidget(field, row, 1)
            if name:
                field.setAccessibleName(name)
                form.addWidget(caption(name, field, "plain"), row, 0)
        return form

    def show_settings(self) -> None:
        """Show the current settings, and why a provider cannot be chosen."""
        for choice, ids in ((self.theme, THEMES), (self.provider, PROVIDERS)):
            checked = [row for row, id_ in enumerate(ids) if self._actions[id_].isChecked()]
            choice.setCurrentIndex(checked[0] if checked else -1)
            _show_reasons(choice, (self._actions[id_] for id_ in ids))
        self.exact.setChecked(self._actions[ActionId.EXACT].isChecked())
        self.fill.setChecked(self._actions[ActionId.FILL_TILES].isChecked())
        if self.top_k.value() != self._session.settings.value.top_k:
            self.top_k.setValue(self._session.settings.value.top_k)

    def _choice(self, ids: tuple[ActionId, ...]) -> Choice:
        result = Choice()
        result.addItems([self._actions[id_].plain_text for id_ in ids])
        result.activated.connect(lambda row: self._actions[ids[row]].trigger())
        return result

    def _on_top_k(self, count: int) -> None:
        if count != self._session.settings.value.top_k:
            self._session.settings.change(top_k=count)
            self._session.models.open()


def _show_reasons(choice: Choice, actions: Iterable[Action]) -> None:
    model = choice.model()
    assert isinstance(model, QStandardItemModel)
    for row, action in enumerate(actions):
        model.item(row).setEnabled(action.isEnabled())
        name = action.plain_text
        choice.setItemText(row, tr("{name} ({reason})", name=name, reason=action.reason) if action.reason else name)
        choice.setItemData(row, action.reason, Qt.ItemDataRole.ToolTipRole)
