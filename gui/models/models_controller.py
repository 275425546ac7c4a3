"""Changes to the library: what follows for the model in use, and the notices that report and undo them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject

from core.base.i18n import tr, tr_n
from core.base.settings import Settings
from gui.session.library_controller import LibraryController
from gui.session.model_controller import ModelController
from gui.widgets.notices import Notices

KEPT_DAYS: Final = 7
"""How long `core.models.versions` keeps removed models; a copy, to import nothing heavy."""


class ModelsController(QObject):
    """Decides which model is in use after the library changed."""

    def __init__(self, models: ModelController, library: LibraryController, notices: Notices, parent: QObject) -> None:
        super().__init__(parent)
        self._models, self._library, self._notices = models, library, notices
        library.failed.connect(notices.show_error)
        library.activated.connect(self._on_activated)
        library.rolled_back.connect(self._on_rolled_back)
        library.removed.connect(self._on_removed)
        library.restored.connect(self._on_restored)
        library.changed.connect(self.list_again)

    @property
    def in_use(self) -> str:
        """The name of the model in use; empty if there is none."""
        return self._models.in_use.name if self._models.in_use else ""

    def use(self, name: str) -> None:
        """Use a model from now on, if it can be opened."""
        if name in self._models.installed:
            self._models.open(model=name)

    def list_again(self) -> None:
        """List the models and the library, because they changed."""
        self._models.refresh()
        self._library.refresh()

    def _on_activated(self, name: str) -> None:
        if name != self.in_use:
            self._models.open(model=name)

    def _on_rolled_back(self, name: str, version: int) -> None:
        self._notices.show_notice(tr("“{name}” now uses version {version} again.", name=name, version=version))

    def _on_removed(self, name: str, version: int | None, active: int | None) -> None:
        undo = (tr("Undo"), lambda: self._library.restore(name, version))
        self._notices.show_notice(_removed_text(name, version), action=undo)
        if active is None and name == self.in_use:
            self._models.open(model=Settings().model)

    def _on_restored(self, name: str, version: int | None) -> None:
        self._notices.show_notice(tr("Restored “{model}”.", model=name if version is None else f"{name}@{version}"))


def _removed_text(name: str, version: int | None) -> str:
    if version is None:
        return tr_n(
            "Removed “{name}” with all its versions. You can restore it for {count} day.",
            "Removed “{name}” with all its versions. You can restore it for {count} days.",
            KEPT_DAYS,
            name=name,
        )
    return tr_n(
        "Removed version {version} of “{name}”. You can restore it for {count} day.",
        "Removed version {version} of “{name}”. You can restore it for {count} days.",
        KEPT_DAYS,
        name=name,
        version=version,
    )
