"""Jobs in the window: started, watched, paused, stopped, killed, resumed and reopened, all in the real process."""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from core.jobs.values import JobState
from gui.folders import page as page_module
from gui.folders.page import FoldersPage
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.gui.folders.conftest import Classify, begin, is_at, loaded, names, press
from tests.gui.serving import RELEASE, SEEN_AT_ONCE, serve_batch_held, serve_batch_that_walks_slowly
from tests.journals import write_journal

COLUMNS = range(6)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than one batch is read before the test releases the rest."""
    monkeypatch.setattr(page_module, "serve_batch", serve_batch_held)


@pytest.fixture
def slow_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is read slowly until the test releases the rest."""
    monkeypatch.setattr(page_module, "serve_batch", serve_batch_that_walks_slowly)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Thirty photos."""
    for number in range(30):
        tiny.write_solid(tmp_path / "many" / f"{number:02}.png", tiny.CLASSES[number % 3])
    return tmp_path / "many"


def test_a_folder_is_classified_from_the_menu(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path
) -> None:
    classify(tree)
    assert any(
        re.fullmatch(r"holiday: 10 photos classified in [^·]+ · .*1 unreadable", text)
        for text in window.notices.texts()
    )
    rows = page.stack.results.rows
    assert rows.rowCount() == 10
    first = [rows.index(0, column).data() for column in COLUMNS]
    assert first[0] == "broken.jpg"
    assert first[1] == "Not a photo"
    assert names(page)[1:] == [f"{colour} {copy}.png" for colour in ("red", "green", "blue") for copy in range(3)]
    assert [rows.index(row, 1).data() for row in (1, 4, 7)] == ["red", "green", "blue"]
    assert rows.index(1, 4).data() == "day 0"
    assert not page.stack.results.strip.isVisible()
    assert page.stack.results.status.text() == "10 photos"


def test_the_job_is_listed_and_opens_again(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, qtbot: QtBot
) -> None:
    classify(tree)
    window.actions_by_id[ActionId.ALL_JOBS].trigger()
    assert page.stack.list.isVisible()
    assert page.stack.list.texts() == ["holiday: Finished, 10 photos · 1 unreadable"]
    qtbot.keyClick(page.stack.list.list, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.stack.shows_results and loaded(page), timeout=PATIENCE_MS)


def test_jobs_of_an_earlier_window_are_listed(tiny_model: str, tree: Path, qtbot: QtBot) -> None:
    first = show_window(qtbot)
    qtbot.waitUntil(lambda: first.session.models.in_use is not None, timeout=PATIENCE_MS)
    begin(first, qtbot, tree)
    qtbot.waitUntil(lambda: is_at(first.pages.folders, JobState.FINISHED), timeout=PATIENCE_MS)
    first.close()
    shutil.rmtree(tree)
    second = show_window(qtbot)
    second.actions_by_id[ActionId.SHOW_FOLDERS].trigger()
    qtbot.waitUntil(lambda: bool(second.pages.folders.stack.list.texts()), timeout=PATIENCE_MS)
    assert second.pages.folders.stack.list.list.hasFocus(), "Enter opens the job, and does not begin another one"
    assert second.pages.folders.stack.list.texts()[0].startswith("holiday: Folder missing")
    qtbot.mouseClick(
        second.pages.folders.stack.list.list.viewport(),
        Qt.MouseButton.LeftButton,
        pos=second.pages.folders.stack.list.list.visualItemRect(second.pages.folders.stack.list.list.item(0)).center(),
    )
    qtbot.waitUntil(lambda: loaded(second.pages.folders), timeout=PATIENCE_MS)
    assert second.pages.folders.stack.results.strip.isVisible()
    second.close()


def test_a_folder_dropped_on_the_page_opens_the_form(
    page: FoldersPage, window: MainWindow, tree: Path, qtbot: QtBot
) -> None:
    dragging.enter(window, dragging.files([tree]))
    assert window.overlay.message.text() == "Classify “holiday”"
    assert dragging.drop(window, dragging.files([tree]))
    qtbot.waitUntil(lambda: page.stack.form.isVisible() and page.stack.form.folder == tree, timeout=PATIENCE_MS)
    assert window.session.photos.rowCount() == 0


@pytest.mark.qt_log_ignore("does not support propagateSizeHints")
def test_the_form_reports_a_missing_or_empty_folder(
    page: FoldersPage, window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "empty").mkdir()
    window.actions_by_id[ActionId.CLASSIFY_FOLDER].trigger()
    dialog = page.stack.form.findChildren(QFileDialog)[-1]  # it opens at once
    dialog.fileSelected.emit(str(tmp_path / "nowhere"))
    dialog.close()
    qtbot.mouseClick(page.stack.form.begin, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.stack.form.begin.isEnabled, timeout=PATIENCE_MS)
    assert any(
        one.isVisible() and one.text().startswith("There is no folder") for one in page.stack.form.findChildren(QLabel)
    )
    page.stack.form.open(tmp_path / "empty")
    qtbot.waitUntil(lambda: page.stack.form.count.text() == "No photos found in “empty”.", timeout=PATIENCE_MS)
    assert not page.stack.form.begin.isEnabled()
    page.show_jobs()
    assert page.stack.list.texts() == []


@pytest.mark.qt_log_ignore("does not support propagateSizeHints")
def test_without_a_folder_there_is_no_form(page: FoldersPage, window: MainWindow, qtbot: QtBot) -> None:
    window.actions_by_id[ActionId.CLASSIFY_FOLDER].trigger()
    page.stack.form.findChildren(QFileDialog)[-1].reject()
    assert page.stack.list.isVisible()


def test_escape_leaves_the_form(page: FoldersPage, tree: Path, qtbot: QtBot) -> None:
    page.open_form(tree)
    qtbot.waitUntil(page.stack.form.begin.isEnabled, timeout=PATIENCE_MS)
    qtbot.keyClick(page.stack.form.include, Qt.Key.Key_Escape)
    assert not page.stack.form.isVisible()


def test_the_form_counts_the_photos_of_the_folder(page: FoldersPage, tree: Path, qtbot: QtBot) -> None:
    page.open_form(tree)
    qtbot.waitUntil(lambda: page.stack.form.count.text() == "10 photos", timeout=PATIENCE_MS)
    page.stack.form.recursive.click()
    assert page.stack.form.count.text() == "1 photo"


def test_the_open_job_is_selected_in_the_list_and_can_be_removed(
    page: FoldersPage, window: MainWindow, tree: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write_journal(tmp_path / name, 3)
    page.show_jobs()
    qtbot.waitUntil(lambda: len(page.stack.list.texts()) == 2, timeout=PATIENCE_MS)
    begin(window, qtbot, tree)
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.ALL_JOBS].trigger()
    assert selected_job(page) == "holiday"
    qtbot.keyClick(page.stack.list.list, Qt.Key.Key_End)
    qtbot.keyClick(page.stack.list.list, Qt.Key.Key_Return)
    assert page.stack.shows_results
    window.actions_by_id[ActionId.ALL_JOBS].trigger()
    assert selected_job(page) == "first"
    window.actions_by_id[ActionId.REMOVE].trigger()
    qtbot.waitUntil(lambda: len(page.stack.list.texts()) == 2, timeout=PATIENCE_MS)
    assert selected_job(page) == "second"
    press(window.notices, "Undo", qtbot)
    qtbot.waitUntil(lambda: selected_job(page) == "first", timeout=PATIENCE_MS)


def selected_job(page: FoldersPage) -> str:
    """The folder name of the only selected job in the list."""
    (item,) = page.stack.list.list.selectedItems()
    return str(item.data(Qt.ItemDataRole.AccessibleTextRole)).split(":")[0]


def test_patterns_are_applied(page: FoldersPage, window: MainWindow, tree: Path, qtbot: QtBot) -> None:
    page.stack.form.include.setText("*.png")
    page.stack.form.exclude.setText("day 1, * 2.png")
    begin(window, qtbot, tree)
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED) and loaded(page), timeout=PATIENCE_MS)
    assert names(page) == ["red 0.png", "red 1.png", "blue 0.png", "blue 1.png"]


def test_a_job_pauses_resumes_and_stops(
    held: None, page: FoldersPage, window: MainWindow, many: Path, qtbot: QtBot
) -> None:
    begin(window, qtbot, many)
    qtbot.waitUntil(lambda: is_at(page, JobState.RUNNING), timeout=PATIENCE_MS)
    press(page.stack.results.strip, "Pause", qtbot)
    qtbot.waitUntil(lambda: is_at(page, JobState.PAUSED), timeout=PATIENCE_MS)
    press(page.stack.results.strip, "Resume", qtbot)
    qtbot.waitUntil(lambda: is_at(page, JobState.RUNNING), timeout=PATIENCE_MS)
    press(page.stack.results.strip, "Stop", qtbot)
    qtbot.waitUntil(lambda: is_at(page, JobState.STOPPED), timeout=PATIENCE_MS)
    assert "results so far are saved" in " ".join(texts(page.stack.results.strip))
    window.actions_by_id[ActionId.RESUME_JOB].trigger()
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED) and loaded(page), timeout=PATIENCE_MS)
    assert names(page) == [f"{number:02}.png" for number in range(30)]


def test_the_number_of_photos_found_is_shown_before_the_first_result(
    slow_folder: None, page: FoldersPage, window: MainWindow, many: Path, qtbot: QtBot
) -> None:
    begin(window, qtbot, many)
    looking = f"Looking for photos… {SEEN_AT_ONCE} found so far"
    qtbot.waitUntil(lambda: looking in texts(page.stack.results.strip), timeout=PATIENCE_MS)
    assert page.stack.results._nothing.text() == "Classifying the first photos…"
    under_way = window.status.findChildren(QPushButton)
    assert not any(one.text().startswith("many: ") for one in under_way), "the page shows it"
    window.actions_by_id[ActionId.SHOW_PHOTOS].trigger()
    qtbot.waitUntil(lambda: any(one.text() == f"many: {looking}" for one in under_way), timeout=PATIENCE_MS)
    (many.parent / RELEASE).touch()
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED) and loaded(page), timeout=PATIENCE_MS)


def test_the_total_is_shown_while_the_first_photo_is_read(
    held: None, page: FoldersPage, window: MainWindow, many: Path, qtbot: QtBot
) -> None:
    for number in range(8):
        (many / f"{number:02}.png").rename(many / f"9{number}.png")
    begin(window, qtbot, many)
    qtbot.waitUntil(lambda: "0 of 30" in texts(page.stack.results.strip), timeout=PATIENCE_MS)
    (many.parent / RELEASE).touch()
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)


@pytest.mark.skipif(os.name == "nt", reason="this system has no SIGKILL")
def test_a_job_resumes_after_its_process_is_killed(
    held: None, page: FoldersPage, window: MainWindow, many: Path, qtbot: QtBot
) -> None:
    begin(window, qtbot, many)
    qtbot.waitUntil(lambda: page.stack.results.rows.rowCount() > 0, timeout=PATIENCE_MS)
    process = page.tasks.process_id
    assert process is not None
    os.kill(process, signal.SIGKILL)
    stopped = re.compile("stopped unexpectedly.*“many”")
    qtbot.waitUntil(lambda: any(map(stopped.search, window.notices.texts())), timeout=PATIENCE_MS)
    (many.parent / RELEASE).touch()
    press(window.notices, "Resume", qtbot)
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED) and loaded(page), timeout=PATIENCE_MS)
    assert names(page) == [f"{number:02}.png" for number in range(30)]


def test_a_new_photo_in_a_watched_folder_becomes_a_row(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, qtbot: QtBot
) -> None:
    classify(tree)
    window.actions_by_id[ActionId.WATCH_FOLDER].trigger()
    qtbot.waitUntil(lambda: is_at(page, JobState.WATCHING), timeout=PATIENCE_MS)
    assert window.actions_by_id[ActionId.WATCH_FOLDER].isChecked()
    tiny.write_solid(tree / "day 9" / "late.png", "blue")
    qtbot.waitUntil(lambda: page.stack.results.rows.rowCount() == 11, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "late.png" in names(page), timeout=PATIENCE_MS)
    press(page.stack.results.strip, "Stop", qtbot)
    qtbot.waitUntil(lambda: not window.actions_by_id[ActionId.WATCH_FOLDER].isChecked(), timeout=PATIENCE_MS)


def texts(widget: object) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel)]  # type: ignore[attr-defined]


def test_skipped_files_are_reported(tree: Path, classify: Classify, window: MainWindow, qtbot: QtBot) -> None:
    (tree / "one.cr3").write_bytes(b"raw")
    (tree / "two.jxl").write_bytes(b"jxl")
    tiny.write_solid(tree / "away.png", "red").rename(tree / "no suffix")
    (tree.parent / "other").mkdir()
    (tree / "link").symlink_to(tree.parent / "other")
    classify(tree)
    messages = [
        "holiday: Skipped 2 files in unsupported formats: 1 CR3, 1 JXL. ",
        "holiday: Skipped 1 link to a folder. ",
        "holiday: Skipped 1 photo without an image extension. ",
    ]
    qtbot.waitUntil(
        lambda: all(any(text.strip() in one for one in window.notices.texts()) for text in messages),
        timeout=PATIENCE_MS,
    )
