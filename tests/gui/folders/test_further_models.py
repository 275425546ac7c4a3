"""A job with a further model: chosen in the form, shown as a column of the table and in the inspector, and exported."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from core.jobs.queries import ResultStore
from core.jobs.values import JobState, View
from core.models.heads import LinearHead
from core.models.library import open_library
from core.outputs.reports.plan import ReportFormat
from gui.folders import page as page_module
from gui.folders.rows_model import Column
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.gui.conftest import PATIENCE_MS
from tests.gui.folders.conftest import begin, is_at, loaded, press
from tests.gui.serving import serve_batch_held

OTHER = len(Column)


@pytest.fixture(autouse=True)
def _opposite(home: Path) -> None:
    assert home
    head = LinearHead(-tiny.head().weights, tiny.head().bias)
    open_library().install(*tiny.packaged_model("opposite", own_head=head, title="Opposite"))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than one batch is read before the test releases the rest."""
    monkeypatch.setattr(page_module, "serve_batch", serve_batch_held)


def test_a_stopped_job_resumes_with_all_of_its_models(
    held: None, window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    many = tmp_path / "many"
    for number in range(30):
        tiny.write_solid(many / f"{number:02}.png", tiny.CLASSES[number % 3])
    page = window.pages.folders
    page.open_form(many)
    form = page.stack.form
    qtbot.waitUntil(lambda: "opposite" in form.others.boxes and form.model.count() > 1, timeout=PATIENCE_MS)
    first, box = str(form.model.currentData()), form.others.boxes["opposite"]
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    begin(window, qtbot, many)
    qtbot.waitUntil(lambda: is_at(page, JobState.RUNNING), timeout=PATIENCE_MS)
    press(page.stack.results.strip, "Stop", qtbot)
    qtbot.waitUntil(lambda: is_at(page, JobState.STOPPED), timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.RESUME_JOB].trigger()
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED) and loaded(page), timeout=PATIENCE_MS)
    assert page.job is not None
    assert page.job.models == (first, "opposite")
    rows = page.stack.results.rows
    assert rows.rowCount() == 30
    qtbot.waitUntil(lambda: all(rows.index(row, OTHER).data() for row in range(30)), timeout=PATIENCE_MS)
    with ResultStore(page.job.id) as store:
        assert [len(row.others) for row in store.each(View())] == [1] * 30


def test_a_further_model_has_a_column_and_is_in_the_inspector(
    window: MainWindow, tree: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    page = window.pages.folders
    page.open_form(tree)
    form = page.stack.form
    qtbot.waitUntil(lambda: "opposite" in form.others.boxes and form.model.count() > 1, timeout=PATIENCE_MS)
    first = str(form.model.currentData())
    assert [name for name, box in form.others.boxes.items() if box.isVisible()] == [
        name for name in form.others.boxes if name != first
    ]
    box = form.others.boxes["opposite"]
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert form.others.names == ("opposite",)

    begin(window, qtbot, tree)
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: loaded(page), timeout=PATIENCE_MS)
    assert page.job is not None
    assert page.job.models == (first, "opposite")
    results = page.stack.results
    window.resize(1600, 900)
    qtbot.waitUntil(lambda: not results.table.isColumnHidden(OTHER), timeout=PATIENCE_MS)
    assert results.rows.headerData(OTHER, Qt.Orientation.Horizontal) == "Opposite"
    header = results.table.horizontalHeader()
    assert header.visualIndex(OTHER) == header.visualIndex(Column.CONFIDENCE) + 1
    texts = {
        results.rows.index(row, Column.PHOTO).data(): results.rows.index(row, OTHER).data()
        for row in range(results.rows.rowCount())
    }
    assert texts["broken.jpg"] == ""
    assert texts["red 0.png"].endswith("%")
    assert not texts["red 0.png"].startswith("red")

    red = list(texts).index("red 0.png")
    results.table.selectRow(red)
    others = results.inspector.others
    qtbot.waitUntil(lambda: others.isVisible() and others.blocks[0][1].text() != "", timeout=PATIENCE_MS)
    assert others.blocks[0][0].text() == "Opposite"
    assert texts["red 0.png"].startswith(others.blocks[0][1].text())
    results.table.selectRow(list(texts).index("broken.jpg"))
    qtbot.waitUntil(lambda: not others.isVisible(), timeout=PATIENCE_MS)

    page.outputs.export(page.job.id, results.view, ReportFormat.CSV, tmp_path / "r.csv", with_mark=False)
    qtbot.waitUntil((tmp_path / "r.csv").exists, timeout=PATIENCE_MS)
    with (tmp_path / "r.csv").open(newline="") as file:
        exported = {Path(row["path"]).name: row["opposite_label"] for row in csv.DictReader(file)}
    assert texts["red 0.png"].startswith(exported["red 0.png"])
    assert exported["broken.jpg"] == ""
