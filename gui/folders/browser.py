"""The window's actions on photos, applied to what the *Folders* page shows."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QUndoStack

from core.base.i18n import tr
from gui.folders.job_text import title_text
from gui.folders.page import FoldersPage
from gui.widgets.notices import Notices


class FolderBrowser:
    """Acts on the rows of the results, on the photo under review, or on the list of jobs."""

    def __init__(self, page: FoldersPage, notices: Notices) -> None:
        self._page, self._stack, self._notices = page, page.stack, notices
        self._nothing = QUndoStack()

    def selected_paths(self) -> list[Path]:
        """The files of the selected rows, unless they are too many, or the folder of the selected job."""
        if self._stack.shows_results:
            return [row.path for row in self._stack.results.selection.loaded() or ()]
        return [] if self._page.listed_job is None else [self._page.listed_job.folder]

    @property
    def has_selection(self) -> bool:
        """Whether there is a photo to act on."""
        return self._stack.shows_results and self._stack.results.selection.has_current

    @property
    def undo_stack(self) -> QUndoStack:
        """The reviews of the job that is open, where they are shown: what is undone is to be seen."""
        is_shown = self._stack.shows_results or self._stack.is_reviewing
        return self._page.reviewer.undo_stack if is_shown else self._nothing

    def copy_answers(self) -> None:
        """Copy the selected rows to the clipboard."""
        if self._stack.shows_results:
            self._stack.results.selection.copy()

    def select_all(self) -> None:
        """Select all rows."""
        if self._stack.shows_results:
            self._stack.results.view_in_use.selectAll()

    def remove_selected(self) -> None:
        """Remove the selected job from the list. Rows cannot be removed: they reflect the folder."""
        job = self._page.listed_job
        if job is not None and (running := self._page.outputs.description(job.id)):
            self._notices.show_notice(
                tr("Can't remove “{name}” yet. In progress: {task}.", name=title_text(job), task=running)
            )
        elif job is not None:
            self._page.jobs.remove(job)

    def step(self, by: int) -> None:
        """Move the current row by this many."""
        if self._stack.shows_results:
            self._stack.results.selection.step(by)

    def resize_photos(self, step: int) -> None:
        """Show photos larger (1) or smaller (-1)."""
        if self._stack.shows_results:
            self._stack.results.gallery.resize_photos(step)

    @property
    def shows_inspector(self) -> bool:
        """Whether the inspector is visible."""
        return self._stack.shows_results and not self._stack.results.inspector.isHidden()

    def toggle_inspector(self) -> None:
        """Show or hide the inspector."""
        if self._stack.shows_results:
            self._stack.results.panels.toggle(self._stack.results.inspector)

    def correct(self) -> None:
        """Ask for the class of the photo under review, or of the selected photos."""
        if self._stack.is_reviewing:
            self._stack.review.ask_for_class()
        elif self._stack.shows_results:
            self._stack.results.selection.ask_for_class()

    def remove_correction(self) -> None:
        """Remove the labels of the selected photos."""
        if self._stack.shows_results:
            self._stack.results.selection.review(None)
