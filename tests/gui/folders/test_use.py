"""Exports, keywords and sorting from the window, each after a preview of its steps."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from core.outputs.keywords.values import KeywordTarget
from core.outputs.reports.plan import ReportFormat
from core.outputs.sorting.values import TransferMode
from gui.folders.page import FoldersPage
from gui.folders.plan_forms import KeywordForm, SortForm
from gui.folders.plan_page import PlanPage, Stage
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.gui.folders.conftest import Classify, press, shown_job, sorting_of

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")


def look(top: Path) -> dict[str, str]:
    """The hashes of all files in a tree."""
    files = sorted(path for path in top.rglob("*") if path.is_file())
    return {str(path.relative_to(top)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_results_are_exported_from_the_menu(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    classify(tree)
    window.actions_by_id[ActionId.EXPORT_CSV_BOM].trigger()
    dialog = page.findChildren(QFileDialog)[-1]
    dialog.fileSelected.emit(str(tmp_path / "out.csv"))
    dialog.close()
    qtbot.waitUntil(lambda: any("out.csv" in text for text in window.notices.texts()), timeout=PATIENCE_MS)
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows].count("red") == 3
    assert len(rows) == 10
    assert "Exported 10 photos to “out.csv”." in window.notices.texts()


@pytest.mark.parametrize("form", list(ReportFormat))
def test_every_format_is_written_or_disabled_with_a_reason(
    page: FoldersPage,
    classify: Classify,
    window: MainWindow,
    tree: Path,
    tmp_path: Path,
    qtbot: QtBot,
    form: ReportFormat,
) -> None:
    classify(tree)
    file = tmp_path / f"out.{form}"
    if form.value in page.outputs.missing:
        act = {ReportFormat.PARQUET: ActionId.EXPORT_PARQUET, ReportFormat.XLSX: ActionId.EXPORT_EXCEL}[form]
        assert not window.actions_by_id[act].isEnabled()
        assert page.outputs.missing[form.value] == window.actions_by_id[act].toolTip()
        return
    window.pages.folder_commands.jobs.export(form, file)
    qtbot.waitUntil(file.exists, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: any(file.name in text for text in window.notices.texts()), timeout=PATIENCE_MS)
    if form is ReportFormat.JSONL:
        assert len([json.loads(line) for line in file.read_text().splitlines()]) == 10


def test_only_filtered_rows_are_exported(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    classify(tree)
    page.stack.results.filters.text.setText("green")
    qtbot.waitUntil(lambda: page.stack.results.rows.rowCount() == 3, timeout=PATIENCE_MS)
    window.pages.folder_commands.jobs.export(ReportFormat.JSONL, tmp_path / "green.jsonl")
    qtbot.waitUntil(lambda: any("green.jsonl" in text for text in window.notices.texts()), timeout=PATIENCE_MS)
    lines = (tmp_path / "green.jsonl").read_text().splitlines()
    assert [json.loads(line)["label"] for line in lines] == ["green"] * 3


def planned(plan: PlanPage, qtbot: QtBot) -> list[list[str]]:
    """Preview and return the steps."""
    press(plan, "Preview steps", qtbot)
    qtbot.waitUntil(lambda: plan.steps.rowCount() > 0, timeout=PATIENCE_MS)
    cells = [[plan.steps.index(row, column) for column in range(3)] for row in range(plan.steps.rowCount())]
    qtbot.waitUntil(lambda: all(index.data() not in (None, "…") for row in cells for index in row), timeout=PATIENCE_MS)
    return [[str(index.data()) for index in row] for row in cells]


def open_sorting(page: FoldersPage, window: MainWindow, destination: Path) -> PlanPage:
    window.actions_by_id[ActionId.SORT_INTO_FOLDERS].trigger()
    form = sorting_of(page).form
    assert isinstance(form, SortForm)
    form.sort_to(destination)
    form.threshold.setValue(30)
    return sorting_of(page)


def test_photos_are_sorted_after_a_preview_and_restored(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    classify(tree)
    before = look(tree)
    destination = tmp_path / "sorted"
    page.stack.results.selection.step(1)
    press(page.stack.results.inspector, "Confirm red", qtbot)
    assert window.actions_by_id[ActionId.UNDO].isEnabled()
    plan = open_sorting(page, window, destination)
    assert isinstance(plan.form, SortForm)
    plan.form.way.setCurrentIndex(list(TransferMode).index(TransferMode.MOVE))
    steps = planned(plan, qtbot)
    assert len(steps) == 10
    assert ["day 0/red 0.png", "Move", "red/day 0/red 0.png"] in steps
    assert "Nothing has been changed yet." in plan.summary.text()
    assert not destination.exists()
    assert look(tree) == before

    press(plan, "Sort", qtbot)
    qtbot.waitUntil(lambda: "Sorted 9 photos into" in plan.summary.text(), timeout=PATIENCE_MS)
    assert len(look(destination)) == 9
    assert list(look(tree)) == ["broken.jpg"]
    qtbot.waitUntil(plan.show_made.hasFocus, timeout=PATIENCE_MS)
    assert plan.stage is Stage.DONE
    assert not window.actions_by_id[ActionId.UNDO].isEnabled(), "the review is not seen here"
    qtbot.keyClick(plan, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: plan.stage is Stage.UNDONE, timeout=PATIENCE_MS)
    assert "Undid sorting" in plan.summary.text()
    assert not plan.undo.isVisible()
    assert look(tree) == before
    assert not destination.exists()
    assert page.reviewer.undo_stack.canUndo(), "the review stays"


def test_a_sorting_is_undone_from_the_job_after_a_restart(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    classify(tree)
    plan = open_sorting(page, window, tmp_path / "sorted")
    planned(plan, qtbot)
    press(plan, "Sort", qtbot)
    qtbot.waitUntil(lambda: "Sorted 9 photos into" in plan.summary.text(), timeout=PATIENCE_MS)
    job = shown_job(page)
    window.close()
    changed = tmp_path / "sorted" / "red" / "day 0" / "red 0.png"
    changed.write_bytes(b"edited since")

    later = show_window(qtbot)
    later.actions_by_id[ActionId.SHOW_FOLDERS].trigger()
    again = later.pages.folders
    qtbot.waitUntil(lambda: job in again.jobs.all, timeout=PATIENCE_MS)
    again.open_job(job)
    assert later.actions_by_id[ActionId.UNDO_SORTING].isEnabled()
    later.actions_by_id[ActionId.UNDO_SORTING].trigger()
    qtbot.waitUntil(lambda: any("Undid sorting" in text for text in later.notices.texts()), timeout=PATIENCE_MS)
    (text,) = (text for text in later.notices.texts() if "Undid sorting" in text)
    assert "1 item was changed since and stays in place. Kept: “red/day 0/red 0.png”." in text
    assert list(look(tmp_path / "sorted")) == ["red/day 0/red 0.png"]
    qtbot.waitUntil(lambda: not later.actions_by_id[ActionId.UNDO_SORTING].isEnabled(), timeout=PATIENCE_MS)
    later.close()


def test_an_invalid_destination_is_reported_on_the_page(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, qtbot: QtBot
) -> None:
    classify(tree)
    plan = open_sorting(page, window, tree / "day 0")
    press(plan, "Preview steps", qtbot)
    qtbot.waitUntil(lambda: not plan.bar.isVisible() and "Planning" not in plan.summary.text(), timeout=PATIENCE_MS)
    assert plan.steps.rowCount() == 0
    assert not plan.execute.isEnabled()


def test_keywords_go_to_sidecars_by_default(qtbot: QtBot) -> None:
    form = KeywordForm()
    qtbot.addWidget(form)
    assert ".xmp files next to the photos" in form.place.currentText()
    assert form.request(Path()).place is KeywordTarget.SIDECAR


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_keywords_are_written_after_a_preview(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, qtbot: QtBot
) -> None:
    classify(tree)
    before = look(tree)
    window.actions_by_id[ActionId.WRITE_KEYWORDS].trigger()
    plan = page.stack.plans[KeywordForm].get()
    plan.form.threshold.setValue(0)
    steps = planned(plan, qtbot)
    assert ["day 1/green 0.png", "Add “green”", "green 0.png.xmp"] in steps
    assert look(tree) == before
    press(plan, "Write", qtbot)
    qtbot.waitUntil(lambda: plan.summary.text() == "Keywords written: 9 added.", timeout=PATIENCE_MS)
    after = look(tree)
    assert len(after) == len(before) + 9
    assert before.items() <= after.items()
    _remove_keywords(plan, qtbot)
    assert look(tree) == before
    qtbot.mouseClick(plan.back, Qt.MouseButton.LeftButton)
    assert page.stack.shows_results


def _remove_keywords(plan: PlanPage, qtbot: QtBot) -> None:
    """Choose to remove what was written, which leaves nothing to remove."""
    assert isinstance(plan.form, KeywordForm)
    qtbot.keyClick(plan.form.place, Qt.Key.Key_End)
    assert plan.form.place.currentText() == "Nowhere: remove the keywords that Fovea wrote"
    assert not plan.form.threshold.isEnabled()
    steps = planned(plan, qtbot)
    assert len(steps) == 9
    assert ["day 1/green 0.png", "Remove Fovea's keyword", "green 0.png.xmp"] in steps
    assert plan.summary.text() == "Planned: 9 removed. Nothing has been written yet."
    press(plan, "Remove", qtbot)
    qtbot.waitUntil(lambda: plan.summary.text() == "Keywords: 9 removed.", timeout=PATIENCE_MS)
    press(plan, "Preview steps", qtbot)
    qtbot.waitUntil(lambda: plan.summary.text() == "No keywords to remove.", timeout=PATIENCE_MS)
    assert not plan.execute.isEnabled()
