"""Which actions can be carried out now, and why the others cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Qt

from core.base.i18n import tr
from core.base.providers import Provider, ProviderPreference
from core.models.values import InstalledModel, OpenedModel
from gui.camera.support import missing_reason
from gui.photos.retraining import Phase
from gui.session.session import Session
from gui.shell.actions import PAGES, PROVIDERS, ActionId, Actions
from gui.shell.commands import MODEL_BUTTONS
from gui.shell.pages import PageStack
from gui.shell.rail import Page

_VIEWING: Final = (
    *(ActionId.LARGER, ActionId.SMALLER, ActionId.NEXT_PHOTO, ActionId.PREVIOUS_PHOTO),
    *(ActionId.SELECT_ALL, ActionId.SHOW_INSPECTOR),
)


class Availability(QObject):
    """Enables the actions that can be carried out, and gives the others the reason why not.

    `FolderCommands` does so for the actions of the *Folders* page.
    """

    def __init__(self, session: Session, pages: PageStack, actions: Actions) -> None:
        super().__init__(pages)
        self._session, self._pages, self._actions = session, pages, actions
        self._missing: Mapping[Provider, str] = {}
        self._table = self._make_table()
        self._connect()
        self.update()

    def _make_table(self) -> Mapping[ActionId, Callable[[], str]]:
        """For each action, why it cannot be carried out; an empty text means that it can."""
        return {
            ActionId.CAMERA: missing_reason,
            **dict.fromkeys((ActionId.OPEN_FILE, ActionId.SHOW_IN_FOLDER, ActionId.COPY_PATH), self._no_file),
            ActionId.COPY: self._no_photo,
            ActionId.CLASSIFY_SELECTED: self._not_in_photos,
            ActionId.CORRECT: self._cannot_correct,
            ActionId.REMOVE_CORRECTION: self._no_label,
            ActionId.REMOVE: self._cannot_remove,
            ActionId.CLEAR: self._cannot_clear,
            **dict.fromkeys(_VIEWING, self._no_photos),
            ActionId.SHOW_MAP: self._nothing_to_explain,
            ActionId.STOP: self._nothing_waits,
            ActionId.CLASSIFY_AGAIN: self._empty_list,
            ActionId.RETRAIN: self._cannot_retrain,
            **dict.fromkeys((ActionId.SHOW_CHANGES, ActionId.UNDO_RETRAINING), self._not_retrained),
            ActionId.FORGET: self._cannot_forget,
            ActionId.CROP: lambda: _cannot_crop(self._session.models.current),
            **{action: partial(self._about_model, action) for action in MODEL_BUTTONS},
            **{action: partial(self._no_provider, preferred) for action, preferred in PROVIDERS.items()},
        }

    def _connect(self) -> None:
        session, pages = self._session, self._pages
        for signal in (
            session.photos.rowsInserted,
            session.photos.modelReset,
            session.corrections.changed,
            session.photo_list.undo_stack.indexChanged,
            session.engine.waiting_changed,
            session.models.changed,
            pages.photos.gallery.selectionModel().selectionChanged,
            pages.photos.gallery.selectionModel().currentChanged,
            pages.photos.retraining.changed,
            pages.state_changed,
            pages.currentChanged,
        ):
            signal.connect(self.update)
        session.models.opened.connect(self._check_providers, Qt.ConnectionType.SingleShotConnection)

    def update(self) -> None:
        """Enable and disable the actions, and name what can be undone."""
        for action, reason in self._table.items():
            self._actions[action].set_reason(reason())
        for action, page in PAGES.items():
            self._actions[action].setChecked(page is self._pages.current_page)
        self._show_undo()

    def _show_undo(self) -> None:
        undo, redo, last, next_ = self._actions[ActionId.UNDO], self._actions[ActionId.REDO], "", ""
        if self._pages.current_page in (Page.PHOTOS, Page.FOLDERS):
            stack = self._pages.photo_browser.undo_stack
            last, next_ = stack.undoText(), stack.redoText()
        undo.setText(tr("&Undo {step}", step=last) if last else tr("&Undo"))
        redo.setText(tr("&Redo {step}", step=next_) if next_ else tr("&Redo"))
        undo.set_reason("" if last else tr("There is nothing to undo here."))
        redo.set_reason("" if next_ else tr("There is nothing to redo here."))

    # ---- photos

    @property
    def _shows_photos(self) -> bool:
        return self._pages.current_page is Page.PHOTOS

    def _no_photo(self) -> str:
        match self._pages.current_page:
            case Page.PHOTOS if self._pages.photos.browser.has_selection:
                return ""
            case Page.FOLDERS if self._pages.folder_commands.browser.has_selection:
                return ""
        return tr("Select a photo first.")

    def _no_label(self) -> str:
        """Of several photos, some may have a label: looking at each of thousands would take too long here."""
        if self._shows_photos and self._pages.photos.browser.selected_count == 1:
            (photo,) = self._pages.photos.browser.selected()
            return "" if self._session.photos.correction(photo) else tr("This photo has no label.")
        return self._no_photo()

    def _no_file(self) -> str:
        has_job = self._pages.current_page is Page.FOLDERS and self._pages.folders.listed_job is not None
        return "" if has_job else self._no_photo()

    def _no_photos(self) -> str:
        match self._pages.current_page:
            case Page.PHOTOS if self._session.photos.rowCount():
                return ""
            case Page.FOLDERS if self._pages.folders.stack.shows_results:
                return ""
        return tr("No photos are shown.")

    @property
    def _is_reviewing(self) -> bool:
        return self._pages.current_page is Page.FOLDERS and self._pages.folders.stack.is_reviewing

    def _nothing_to_explain(self) -> str:
        return "" if self._is_reviewing else self._no_photos()

    def _not_in_photos(self) -> str:
        return self._no_photo() if self._shows_photos else tr("Only photos on the Photos page can be classified again.")

    def _cannot_correct(self) -> str:
        return "" if self._is_reviewing else self._no_photo()

    def _cannot_remove(self) -> str:
        if self._pages.current_page is not Page.FOLDERS:
            return self._no_photo()
        if self._pages.folders.listed_job is not None:
            return ""
        if self._pages.folders.stack.shows_results:
            return tr("Results show what is in the folder: photos can't be removed from them.")
        return tr("Select a folder first.")

    def _cannot_clear(self) -> str:
        return self._empty_list() if self._shows_photos else tr("Show the Photos page first.")

    def _empty_list(self) -> str:
        return "" if self._session.photos.photos() else tr("There are no photos in the list.")

    # ---- models

    def _nothing_waits(self) -> str:
        return "" if self._session.engine.waiting_count else tr("No photos are being classified.")

    def _cannot_retrain(self) -> str:
        retraining = self._pages.photos.retraining
        if retraining.can_start:
            return ""
        if retraining.phase is Phase.RUNNING:
            return tr("The model is being retrained.")
        if not retraining.pending.labels:
            return tr("No corrections to learn. Select photos and press F2 to correct them.")
        model = retraining.model
        name = model.card.title if model else ""
        return tr("“{model}” can't be retrained: its training data was not saved.", model=name)

    def _not_retrained(self) -> str:
        if self._pages.photos.retraining.summary is not None:
            return ""
        return tr("The model has not been retrained since you opened Fovea.")

    def _cannot_forget(self) -> str:
        model = self._session.models.current
        if model is None or not model.has_training_data:
            return tr("The model in use doesn't know which photos it was trained on.")
        return self._no_photo()

    def _about_model(self, action: ActionId) -> str:
        """Why the model that is selected on the *Models* page cannot be counted, exported, rolled back or removed."""
        page = self._pages.made_models
        if page is None or page.choices.name not in page.names:  # not listed yet
            return ""
        button = MODEL_BUTTONS[action](page)
        if button.isEnabled():
            return ""
        return tr("This model has no earlier version.") if action is ActionId.ROLL_BACK else button.toolTip()

    def _check_providers(self, _opened: OpenedModel) -> None:
        from core.api import machine  # not needed by the first paint

        task = self._session.engine.tasks.start(machine.missing_providers)
        task.succeeded.connect(self._on_checked)

    def _on_checked(self, missing: Mapping[Provider, str]) -> None:
        self._missing = missing
        self.update()

    def _no_provider(self, preferred: ProviderPreference) -> str:
        return next((reason for one, reason in self._missing.items() if one.value == preferred.value), "")


def _cannot_crop(model: InstalledModel | None) -> str:
    several = model is not None and model.card.is_multi_label
    return tr("The model finds several classes per photo, and a crop would lose some.") if several else ""
