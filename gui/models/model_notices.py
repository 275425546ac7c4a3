"""Notices about changes to the library, with the action that undoes them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject

from core.base.i18n import tr, tr_n
from core.base.settings import Settings
from gui.session.library_controller import LibraryController
from gui.session.model_controller import ModelController
from gui.tasks.notice import NoticeKind
from gui.widgets.notices import Notices

KEPT_DAYS: Final = 7
"""How long `core.models.versions` keeps removed models; a copy, to import nothing heavy."""


class ModelNotices(QObject):
    """Shows what became of models."""

    def __init__(self, library: LibraryController, models: ModelController, notices: Notices, parent: QObject) -> None:
        super().__init__(parent)
        self._library, self._models, self._notices = library, models, notices
        library.failed.connect(notices.show_error)
        library.rolled_back.connect(self._on_rolled_back)
        library.removed.connect(self._on_removed)
        library.restored.connect(self._on_restored)

    def show_exported(self, text: str, file: Path | None) -> None:
        """Show how an export ended; without a file, it failed."""
        self._notices.show_notice(text, NoticeKind.ERROR if file is None else NoticeKind.SUCCESS)

    def _on_rolled_back(self, name: str, version: int) -> None:
        title = self._models.title_of(name)
        again = tr("“{name}” now uses version {version} again.", name=title, version=version)
        built_in = tr("“{name}” now uses the built-in version again.", name=title)
        self._notices.show_success(again if version else built_in)

    def _on_removed(self, name: str, version: int | None, active: int | None) -> None:
        text = _removed_text(self._models.title_of(name), version)
        default = self._models.installed.get(Settings().model)
        if active is None and name == self._models.name and default is not None:
            text = " ".join((text, tr("Now using “{model}”.", model=default.card.title)))
        undo = (tr("Undo"), lambda: self._library.restore(name, version))
        self._notices.show_success(text, action=undo, key=f"removed {name}")

    def _on_restored(self, name: str, version: int | None) -> None:
        reference = name if version is None else f"{name}@{version}"
        text = tr("Restored “{model}”.", model=self._models.title_of(reference))
        self._notices.show_success(text, key=f"removed {name}")


def _removed_text(name: str, version: int | None) -> str:
    """What was removed: a version of the model with this title, or all of it."""
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
