"""The versions of a model: date, recipe, accuracy, and which one is in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QTreeWidgetItem

from core.base.i18n import mark, tr
from core.models.values import ModelName, Version
from core.services.wording import card_wording
from gui.models import version_text
from gui.widgets.basic import Panel, button, fit_rows, label, list_item, plain_list, show_text
from gui.widgets.context_menu import attach_menu
from gui.widgets.flow import FlowRow
from gui.widgets.layouts import add

_COLUMNS: Final = (mark("Version"), mark("Installed"), mark("Recipe"), mark("Accuracy"), mark("Training photos"))
_ACCURACY: Final = 3
_NUMBER: Final = Qt.ItemDataRole.UserRole
_MAX_ROWS: Final = 8


class VersionsPanel(Panel):
    """Lists versions, newest first.

    Attributes:
        chosen: the selected version; None if there is none.
        result_wanted: show the evaluation of the selected version.
        use_wanted: make this version the active one.
        back_wanted: roll back to the version that was active before.
        remove_wanted: remove this version.
    """

    chosen = Signal(object)
    result_wanted = Signal()
    use_wanted = Signal(int)
    back_wanted = Signal()
    remove_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__(tr("Versions"))
        self._one: ModelName | None = None
        self._used: int | None = None
        self._wanted: tuple[str, int] | None = None
        self.list = plain_list(tr("Versions of this model"), [tr(column) for column in _COLUMNS], _ACCURACY)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.currentItemChanged.connect(self._on_chosen)
        self.use = button(tr("Use this version"), lambda: self._emit(self.use_wanted))
        self.result = button(tr("Show evaluation"), self.result_wanted.emit)
        self.back = button(tr("Go back"), self.back_wanted.emit)
        self.remove = button(tr("Remove this version"), lambda: self._emit(self.remove_wanted))
        self._reason = label(kind="danger", wrap=True)
        self._reason.hide()
        self.list.itemActivated.connect(lambda: self._emit(self.use_wanted))
        attach_menu(self.list, lambda: (self.use, self.result, self.back, None, self.remove))
        add(self.body, self.list, self._reason, FlowRow(self.use, self.result, self.back, self.remove))

    def show_versions(self, one: ModelName | None, used: int | None) -> None:
        """Show the versions of this model; the selection is kept if possible, else the active version is selected.

        Args:
            one: the model; None for none.
            used: its version that is in use; None if another model is.
        """
        if (one, used, None) == (self._one, self._used, self._wanted):
            return
        selected = self.number if self._one and one and self._one.name == one.name else None
        self._one, self._used = one, used
        with QSignalBlocker(self.list):
            self._fill(() if one is None else tuple(reversed(one.versions)), selected)
        fit_rows(self.list, _MAX_ROWS)
        self._show_buttons()

    def _fill(self, versions: Sequence[Version], selected: int | None) -> None:
        self.list.clear()
        for version in versions:
            self.list.addTopLevelItem(_item(version, used=version.number == self._used))
        numbers = [version.number for version in versions]
        if self._one and self._wanted in [(self._one.name, number) for number in numbers]:
            (_, selected), self._wanted = self._wanted, None
        active = self._one.active.number if self._one and self._one.active else None
        wanted = selected if selected in numbers else active
        if numbers:
            row = numbers.index(wanted) if wanted in numbers else 0
            self.list.setCurrentIndex(self.list.model().index(row, 0))

    def select(self, name: str, number: int) -> None:
        """Select this version of a model once it is shown."""
        self._wanted = name, number

    @property
    def number(self) -> int | None:
        """The number of the selected version; None if there is none."""
        item = self.list.currentItem()
        return None if item is None else int(item.data(0, _NUMBER))

    @property
    def version(self) -> Version | None:
        """The selected version; None if there is none."""
        number = self.number
        return next((one for one in self._one.versions if one.number == number), None) if self._one else None

    def _on_chosen(self) -> None:
        self._show_buttons()
        self.chosen.emit(self.version)

    def _show_buttons(self) -> None:
        version = self.version
        model = version.model if version is not None else None
        is_active = version is not None and version.is_active
        is_used = version is not None and version.number == self._used
        is_own = version is not None and version.number > 0
        self.use.setEnabled(model is not None and not is_used)
        self.use.setText(tr("In use") if is_used else tr("Use this version"))
        self.result.setEnabled(model is not None and model.has_evaluation)
        self.result.setToolTip("" if self.result.isEnabled() else tr("No evaluation was saved with this version."))
        self.remove.setEnabled(is_own and not is_active)
        self.remove.setToolTip(tr("Activate another version first, or remove the model") if is_active else "")
        self._show_back(self._one.previous if self._one else None)
        show_text(self._reason, str(version.error) if version is not None and version.error else "")

    def _show_back(self, previous: int | None) -> None:
        self.back.setEnabled(previous is not None)
        self.back.setToolTip("" if previous is not None else tr("No other version was active before."))
        if previous is None:
            self.back.setText(tr("Go back"))
        elif previous == 0:
            self.back.setText(tr("Go back to the built-in version"))
        else:
            self.back.setText(tr("Go back to version {number}", number=previous))

    def _emit(self, signal: object) -> None:
        number = self.number
        sender = self.use if signal is self.use_wanted else self.remove
        if number is not None and sender.isEnabled():
            signal.emit(number)  # type: ignore[attr-defined]


def _item(version: Version, *, used: bool) -> QTreeWidgetItem:
    item = list_item(_COLUMNS, version_text.cells(version, used=used))
    item.setData(0, _NUMBER, version.number)
    if version.model:
        item.setToolTip(0, card_wording(version.model.card.summary))
    return item
