"""What the command palette finds: actions, models, jobs, and the classes of the model in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QKeySequence

from core.base.i18n import tr, tr_n
from gui.session.session import Session
from gui.shell.actions import ActionId, Actions
from gui.shell.pages import PageStack
from gui.shell.rail import Page
from gui.widgets import fuzzy


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """Something to do.

    Attributes:
        text: what it does.
        place: the menu or kind of thing to which it belongs.
        run: does it.
        shortcut: its shortcut.
        synonyms: other words by which it is found.
        reason: why it cannot be done now; empty if it can.
        is_rare: whether it is found only by typing, as there are many of its kind.
    """

    text: str
    place: str
    run: Callable[[], object]
    shortcut: str = ""
    synonyms: str = ""
    reason: str = ""
    is_rare: bool = False

    @property
    def title(self) -> str:
        """The place and the text."""
        return tr("{place} › {action}", place=self.place, action=self.text)

    def score(self, query: str) -> int:
        """How well it matches a query; 0 if not at all."""
        if not query:
            return 0 if self.is_rare else 1
        return (
            fuzzy.score(query, self.text) if self.is_rare else fuzzy.score(query, self.text, self.title, self.synonyms)
        )


class PaletteEntries:
    """Collects what the command palette finds."""

    def __init__(self, session: Session, pages: PageStack, actions: Actions) -> None:
        self._session, self._pages, self._actions = session, pages, actions

    def all(self) -> list[Entry]:
        """Everything there is to do now."""
        return [*self._of_actions(), *self._of_models(), *self._of_jobs(), *self._of_classes()]

    def _of_actions(self) -> Iterator[Entry]:
        for id_, action in self._actions.items():
            if id_ is not ActionId.PALETTE:
                shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
                yield Entry(
                    action.plain_text, action.menu_path, action.trigger, shortcut, action.synonyms, action.reason
                )

    def _of_models(self) -> Iterator[Entry]:
        models = self._session.models
        for name, model in models.installed.items():
            reason = tr("In use") if models.in_use is not None and name == models.in_use.name else ""
            text = tr("Use {model}", model=model.card.title)
            yield Entry(text, tr("Model"), partial(models.open, model=name), synonyms=name, reason=reason)

    def _of_jobs(self) -> Iterator[Entry]:
        folders = self._pages.made_folders
        for job in folders.jobs.all.values() if folders is not None else ():
            text = tr("Open folder {name}", name=job.folder.name or str(job.folder))
            yield Entry(text, tr("Folders"), partial(self._open_job, job.id), synonyms=str(job.folder))

    def _open_job(self, job: str) -> None:
        self._pages.show_page(Page.FOLDERS)
        self._pages.folders.open_job(job)

    def _of_classes(self) -> Iterator[Entry]:
        model, photos = self._session.models.current, self._pages.photos.browser
        if model is None or self._pages.current_page is not Page.PHOTOS:
            return
        count = photos.selected_count
        reason = "" if count else tr("Select a photo first.")
        place = tr_n("Label photo", "Label {count:,} photos", count or 1)
        for name in model.card.classes:
            yield Entry(name, place, partial(photos.label_selected, name), reason=reason, is_rare=True)
