"""A tree of photos in the colours of the tiny model, and the window on the *Folders* page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from core.jobs.values import JobState
from gui.folders.page import FoldersPage
from gui.folders.plan_forms import SortForm
from gui.folders.plan_page import PlanPage
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.shell.rail import Page
from tests import tiny
from tests.gui.conftest import PATIENCE_MS


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Nine photos in three folders, and one file that is not a photo."""
    top = tmp_path / "holiday"
    for number, colour in enumerate(("red", "green", "blue")):
        for copy in range(3):
            tiny.write_solid(top / f"day {number}" / f"{colour} {copy}.png", colour, size=(40 + copy, 30))
    (top / "broken.jpg").write_text("this is not a photo")
    return top


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot) -> FoldersPage:
    """The *Folders* page, visible."""
    window.actions_by_id[ActionId.SHOW_FOLDERS].trigger()
    qtbot.waitUntil(lambda: window.pages.folders.tasks.process_id is not None, timeout=PATIENCE_MS)
    return window.pages.folders


Classify = Callable[[Path], None]


@pytest.fixture
def classify(page: FoldersPage, window: MainWindow, qtbot: QtBot) -> Classify:
    """Classify a folder from the menu, and wait until its results are shown."""

    def run(folder: Path) -> None:
        begin(window, qtbot, folder)
        qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: loaded(page), timeout=PATIENCE_MS)

    return run


def begin(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    """Start a job as a user does, and wait until its results are visible."""
    page = window.pages.folders
    window.pages.show_page(Page.FOLDERS)
    page.open_form(folder)
    qtbot.waitUntil(page.stack.form.begin.isEnabled, timeout=PATIENCE_MS)
    qtbot.mouseClick(page.stack.form.begin, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.stack.shows_results, timeout=PATIENCE_MS)


def is_at(page: FoldersPage, state: JobState) -> bool:
    return page.job is not None and page.job.state is state


def shown_job(page: FoldersPage) -> str:
    """The id of the job that is shown."""
    assert page.job is not None
    return page.job.id


def sorting_of(page: FoldersPage) -> PlanPage:
    """The page for sorting into folders."""
    return page.stack.plans[SortForm].get()


def loaded(page: FoldersPage) -> bool:
    """Whether every row is loaded; for tests with few rows."""
    rows, job = page.stack.results.rows, page.job
    is_counted = job is not None and rows.rowCount() == job.counts.found > 0
    return is_counted and all(rows.row(place) is not None for place in range(rows.rowCount()))


def names(page: FoldersPage) -> list[str]:
    """The first column of the loaded rows."""
    rows = page.stack.results.rows
    return [str(rows.index(row, 0).data()) for row in range(rows.rowCount())]


def press(parent: QWidget, text: str, qtbot: QtBot) -> None:
    """Click the button with this text, once it is visible."""

    def found() -> list[QPushButton]:
        return [one for one in parent.findChildren(QPushButton) if one.text() == text and one.isVisible()]

    qtbot.waitUntil(lambda: bool(found()), timeout=PATIENCE_MS)
    qtbot.mouseClick(found()[0], Qt.MouseButton.LeftButton)
