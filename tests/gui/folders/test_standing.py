"""Actions on a whole job: removing, restoring and resuming it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from core.api import jobs as api
from core.jobs.job_list import job_summary
from core.jobs.journal import job_folder
from core.jobs.journal import locked as held_by_another
from core.jobs.queries import ResultStore
from core.jobs.values import THRESHOLD, JobState, View
from core.outputs.sorting.disk import RealFileSystem, resolve_request
from core.outputs.sorting.plan import make_plan
from core.outputs.sorting.record import SortingRecord
from core.outputs.sorting.values import SortRequest
from gui.folders import page as page_module
from gui.folders.page import FoldersPage
from gui.folders.plan_forms import KeywordForm
from gui.shell import commands
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.gui.conftest import PATIENCE_MS
from tests.gui.folders.conftest import Classify, begin, is_at, press, shown_job, sorting_of
from tests.gui.menus import open_menu
from tests.gui.serving import serve_batch_held


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than one batch is read before the test releases the rest."""
    monkeypatch.setattr(page_module, "serve_batch", serve_batch_held)


def notices_shown(window: MainWindow) -> list[str]:
    """The texts of the status bar."""
    return [label.text() for label in window.status.findChildren(QLabel)]


def test_a_job_is_removed_and_restored(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, qtbot: QtBot
) -> None:
    classify(tree)
    assert "holiday: 10 photos · 1 unreadable" in notices_shown(window)
    window.actions_by_id[ActionId.ALL_JOBS].trigger()
    before = page.stack.list.texts()
    assert "1 folder" in notices_shown(window)
    qtbot.keyClick(page.stack.list.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: not page.stack.list.texts(), timeout=PATIENCE_MS)
    qtbot.waitUntil(
        lambda: any("Removed “holiday” from the list" in text for text in window.notices.texts()), timeout=PATIENCE_MS
    )
    assert (tree / "broken.jpg").exists()
    press(window.notices, "Undo", qtbot)
    qtbot.waitUntil(lambda: page.stack.list.texts() == before, timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.SHOW_PHOTOS].trigger()
    assert "0 photos" in notices_shown(window)


def test_a_running_job_cannot_be_removed_and_keeps_its_options(
    held: None, page: FoldersPage, window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    for number in range(30):
        tiny.write_solid(tmp_path / "many" / f"{number:02}.png", tiny.CLASSES[number % 3])
    page.stack.form.features.setChecked(True)
    begin(window, qtbot, tmp_path / "many")
    job = shown_job(page)
    page.show_jobs()
    window.pages.photo_browser.remove_selected()
    qtbot.waitUntil(lambda: any("Stop the job before" in text for text in window.notices.texts()), timeout=PATIENCE_MS)
    page.open_job(job)
    window.actions_by_id[ActionId.STOP_JOB].trigger()
    qtbot.waitUntil(lambda: is_at(page, JobState.STOPPED), timeout=PATIENCE_MS)
    assert job_summary(job).keep_features
    page.jobs.run(api.resume_job, job)
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)
    assert job_summary(job).keep_features


def test_an_interrupted_sorting_resumes(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    classify(tree)
    resume = window.actions_by_id[ActionId.CONTINUE_SORTING]
    assert not resume.isEnabled()
    request = resolve_request(SortRequest(tree, tmp_path / "sorted", threshold=0.0))
    with ResultStore(shown_job(page)) as answers:
        steps = list(make_plan(answers.each(View()), request, RealFileSystem(request.destination)))
    with SortingRecord.begin(request, steps):  # like a program that is killed at the first photo
        pass
    page.jobs.refresh()
    qtbot.waitUntil(resume.isEnabled, timeout=PATIENCE_MS)
    resume.trigger()
    qtbot.waitUntil(lambda: any("Sorted 9 photos into" in text for text in window.notices.texts()), timeout=PATIENCE_MS)
    assert len([path for path in (tmp_path / "sorted").rglob("*.png") if path.is_file()]) == 9
    qtbot.waitUntil(lambda: not resume.isEnabled(), timeout=PATIENCE_MS)
    press(window.notices, "Undo", qtbot)
    qtbot.waitUntil(lambda: any("Undid sorting" in text for text in window.notices.texts()), timeout=PATIENCE_MS)
    assert not (tmp_path / "sorted").exists()


def test_both_forms_start_with_the_same_threshold(page: FoldersPage) -> None:
    for made in (sorting_of(page), page.stack.plans[KeywordForm].get()):
        assert made.form.threshold.value() == round(THRESHOLD * 100) == 60


def test_a_job_of_another_program_is_shown_and_tracked(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, qtbot: QtBot
) -> None:
    classify(tree)
    act, strip = window.actions_by_id, page.stack.results.strip
    with held_by_another(job_folder(shown_job(page))):
        page.jobs.refresh()
        qtbot.waitUntil(lambda: is_at(page, JobState.EXTERNAL), timeout=PATIENCE_MS)
        assert strip.isVisible()
        assert not strip.pause.isVisible()
        assert not strip.stop.isVisible()
        assert not any(act[one].isEnabled() for one in (ActionId.RESUME_JOB, ActionId.STOP_JOB, ActionId.WATCH_FOLDER))
        assert page.stack.list.texts()[0].startswith("holiday: Running elsewhere, 10 photos")
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)
    assert act[ActionId.RESUME_JOB].isEnabled()


@pytest.mark.qt_log_ignore("does not support (raise|grabbing)")
def test_rows_and_jobs_have_context_menus(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(commands, "open_file", opened.append)
    classify(tree)
    table = page.stack.results.table
    entries = open_menu(table.viewport(), table.visualRect(page.stack.results.rows.index(1, 0)).center())
    assert {"Correct…", "Copy path", "Show in file manager"} <= set(entries)
    assert "Remove from list" not in entries, "rows show what is in the folder"
    entries["Copy path"]()
    assert QGuiApplication.clipboard().text() == str(page.stack.results.selection.current.path)  # type: ignore[union-attr]
    window.actions_by_id[ActionId.ALL_JOBS].trigger()
    jobs = page.stack.list.list
    entries = open_menu(jobs.viewport(), jobs.visualItemRect(jobs.item(0)).center())
    assert {"Pause or resume", "Watch folder", "Show in file manager", "Remove from list"} <= set(entries)
    entries["Show in file manager"]()
    assert opened == [tree]
