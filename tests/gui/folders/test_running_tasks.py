"""While photos are being sorted, no other task can run on them; the running task is shown and can be stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.jobs.values import JobState
from gui.folders import page as page_module
from gui.folders.page import FoldersPage
from gui.folders.plan_forms import SortForm
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests.gui.conftest import PATIENCE_MS
from tests.gui.folders.conftest import Classify, begin, is_at, press, sorting_of
from tests.gui.serving import RELEASE, serve_batch_that_sorts_slowly

OTHERS = (ActionId.WRITE_KEYWORDS, ActionId.CONTINUE_SORTING, ActionId.UNDO_SORTING)


@pytest.fixture
def slow_sorting(monkeypatch: pytest.MonkeyPatch) -> None:
    """No photo is sorted before the test releases it."""
    monkeypatch.setattr(page_module, "serve_batch", serve_batch_that_sorts_slowly)


@pytest.fixture
def sorting(
    slow_sorting: None,
    page: FoldersPage,
    classify: Classify,
    window: MainWindow,
    tree: Path,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    """Photos are being sorted, and the user went back to the results."""
    classify(tree)
    window.actions_by_id[ActionId.SORT_INTO_FOLDERS].trigger()
    form = sorting_of(page).form
    assert isinstance(form, SortForm)
    form.sort_to(tmp_path / "sorted")
    form.threshold.setValue(0)
    press(sorting_of(page), "Preview steps", qtbot)
    qtbot.waitUntil(sorting_of(page).execute.isEnabled, timeout=PATIENCE_MS)
    press(sorting_of(page), "Sort", qtbot)
    press(sorting_of(page), "Back to results", qtbot)


def running_tasks(window: MainWindow) -> list[str]:
    return [button.text() for button in window.status.findChildren(QPushButton)]


def test_other_tasks_are_disabled_while_photos_are_sorted(
    sorting: None, page: FoldersPage, window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    act = window.actions_by_id
    assert not any(act[one].isEnabled() for one in OTHERS)
    assert all(act[one].reason == "Sorting photos" for one in OTHERS)
    assert "holiday: Sorting photos" in running_tasks(window)
    act[ActionId.SORT_INTO_FOLDERS].trigger()  # back to the page where it is shown and can be stopped
    assert sorting_of(page).stop.isVisible()
    assert not sorting_of(page).execute.isEnabled()
    page.show_jobs()
    window.pages.photo_browser.remove_selected()
    assert any("Can't remove “holiday” yet" in text for text in window.notices.texts())
    (tmp_path / RELEASE).touch()
    press(window.notices, "Undo", qtbot)  # from the list, while no results are shown
    qtbot.waitUntil(lambda: any("Undid sorting" in text for text in window.notices.texts()), timeout=PATIENCE_MS)
    assert not (tmp_path / "sorted").exists()
    qtbot.waitUntil(lambda: not any("orting" in text for text in running_tasks(window)), timeout=PATIENCE_MS)


def test_a_running_sorting_is_stopped_from_the_menu_and_enables_the_actions(
    sorting: None, page: FoldersPage, window: MainWindow, tree: Path, qtbot: QtBot
) -> None:
    act = window.actions_by_id
    act[ActionId.STOP_JOB].trigger()
    qtbot.waitUntil(act[ActionId.WRITE_KEYWORDS].isEnabled, timeout=PATIENCE_MS)
    assert act[ActionId.WRITE_KEYWORDS].text() == "Write &keywords…"
    qtbot.waitUntil(lambda: any("Stopped partway" in text for text in window.notices.texts()), timeout=PATIENCE_MS)
    assert is_at(page, JobState.FINISHED)
    assert len(list(tree.rglob("*.png"))) == 9


def test_another_folder_waits_for_the_page_on_which_photos_are_sorted(
    sorting: None, page: FoldersPage, window: MainWindow, tree: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    act = window.actions_by_id
    begin(window, qtbot, tree / "day 1")
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)
    assert act[ActionId.WRITE_KEYWORDS].isEnabled()
    assert not act[ActionId.SORT_INTO_FOLDERS].isEnabled()
    assert "another folder" in act[ActionId.SORT_INTO_FOLDERS].toolTip()
    (tmp_path / RELEASE).touch()
    qtbot.waitUntil(act[ActionId.SORT_INTO_FOLDERS].isEnabled, timeout=PATIENCE_MS)
