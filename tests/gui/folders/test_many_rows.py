"""Labels for many rows at once, most of which are not loaded, and for photos the model does not know."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from core.jobs.queries import ResultStore
from core.jobs.values import Filter, Order, Review, Verdict, View
from gui.folders.page import FoldersPage
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests.gui.conftest import PATIENCE_MS
from tests.gui.folders.conftest import shown_job
from tests.gui.folders.test_review import ACCEPTED, CORRECTED, digit_of
from tests.journals import write_journal

ROWS = 2500


@pytest.fixture
def large(page: FoldersPage, tmp_path: Path, qtbot: QtBot) -> str:
    """An open, finished job with more rows than are ever loaded."""
    (tmp_path / "drawn").mkdir()
    job = write_journal(tmp_path / "drawn", ROWS)
    page.jobs.refresh()
    qtbot.waitUntil(lambda: job in page.jobs.all, timeout=PATIENCE_MS)
    page.open_job(job)
    qtbot.waitUntil(lambda: page.stack.results.rows.rowCount() == ROWS, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: page.stack.results.selection.current is not None, timeout=PATIENCE_MS)
    return job


def verdicts(job: str) -> Counter[tuple[Verdict, str | None] | None]:
    with ResultStore(job) as answers:
        return Counter(row.review and (row.review.verdict, row.review.label) for row in answers.each(View()))


def test_many_selected_rows_are_labelled_and_undone_in_one_step(
    page: FoldersPage, large: str, window: MainWindow, qtbot: QtBot
) -> None:
    window.actions_by_id[ActionId.SELECT_ALL].trigger()
    page.stack.results.inspector.other.click()
    chooser = page.stack.results.selection.chooser
    assert chooser is not None
    assert any(label.text() == "What is in these 2,500 photos?" for label in chooser.findChildren(QLabel))
    QTest.keyClicks(chooser.line, "blue")
    QTest.keyClick(chooser.line, Qt.Key.Key_Return)
    qtbot.waitUntil(
        lambda: any("Labelled 2,500 photos" in text for text in window.notices.texts()), timeout=PATIENCE_MS
    )
    with ResultStore(large) as answers:
        blue = answers.count(View(filter=Filter(labels=("blue",))))
    assert blue == ROWS
    found = verdicts(large)
    assert set(found) == {(ACCEPTED, "blue"), (CORRECTED, "blue")}
    rows = page.stack.results.rows
    qtbot.waitUntil(lambda: rows.index(3, 3).data() == "blue", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: len(window.session.corrections.all("colours")) == ROWS * 99 // 100, timeout=PATIENCE_MS)
    confirmed = sum(one.is_confirmation for one in window.session.corrections.all("colours").values())
    assert 0 < confirmed == found[ACCEPTED, "blue"]

    window.actions_by_id[ActionId.UNDO].trigger()
    qtbot.waitUntil(lambda: verdicts(large) == {None: ROWS}, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not window.session.corrections.all("colours"), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: rows.index(3, 3).data() == "", timeout=PATIENCE_MS)


def test_unknown_predictions_cannot_be_accepted(
    page: FoldersPage, large: str, window: MainWindow, qtbot: QtBot
) -> None:
    with ResultStore(large) as answers:
        unknown = answers.count(View(filter=Filter(unknown=True)))
    rows, inspector = page.stack.results.rows, page.stack.results.inspector
    guess, path = choose_guess(page, window, qtbot)
    qtbot.waitUntil(lambda: (CORRECTED, guess) in verdicts(large), timeout=PATIENCE_MS)
    kept = window.session.corrections.of(path, "colours")
    assert kept is not None
    assert (kept.label, kept.unknown, kept.is_confirmation) == (guess, True, False)

    QTest.keyClick(page.stack.review, Qt.Key.Key_Escape)
    page.stack.results.sort(View(Order.CONFIDENCE, descending=True))
    qtbot.waitUntil(lambda: (row := rows.row(0)) is not None and not row.is_unknown, timeout=PATIENCE_MS)
    page.stack.results.table.selectRow(0)
    qtbot.waitUntil(inspector.right.isVisible, timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.SELECT_ALL].trigger()
    qtbot.mouseClick(inspector.right, Qt.MouseButton.LeftButton)
    done = f"Labelled {ROWS - ROWS // 100 - unknown:,} photos"
    qtbot.waitUntil(
        lambda: done in window.notices.texts()[-1] if window.notices.texts() else False, timeout=PATIENCE_MS
    )
    assert f"{unknown - 1:,} unknown photos were not confirmed" in window.notices.texts()[-1]
    found = verdicts(large)
    assert {review and review[0] for review in found} == {None, ACCEPTED, CORRECTED}
    assert found[None] == ROWS // 100 + unknown - 1


def choose_guess(page: FoldersPage, window: MainWindow, qtbot: QtBot) -> tuple[str | None, Path]:
    """Check that an unknown photo cannot be confirmed, then choose its top class; return the class and the path."""
    rows, inspector = page.stack.results.rows, page.stack.results.inspector
    page.stack.results.sort(View(Order.CONFIDENCE))
    qtbot.waitUntil(lambda: (row := rows.row(0)) is not None and row.is_unknown, timeout=PATIENCE_MS)
    page.stack.results.table.selectRow(0)
    qtbot.waitUntil(lambda: not inspector.right.isVisible(), timeout=PATIENCE_MS)
    assert any("Choose its class" in one.text() for one in inspector.findChildren(QLabel) if one.isVisible())
    page.stack.results.selection.review(Review(Verdict.ACCEPTED))  # no button offers this
    assert window.notices.texts() == ["1 unknown photo was not confirmed. Choose its class."]

    window.actions_by_id[ActionId.REVIEW].trigger()
    review = page.stack.review
    qtbot.waitUntil(lambda: review._shown is not None, timeout=PATIENCE_MS)
    assert review._shown is not None
    guess, path = review._shown.label, review._shown.path
    assert review.choices.answer.text() == f"Unknown, maybe {guess}"
    assert not review.choices.right.isVisible()
    assert review.choices.nothing_to_confirm.isVisible()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
        QTest.keyClick(review, key)
    QTest.keyClick(review, Qt.Key.Key_F2)
    assert review._chooser is not None
    QTest.keyClick(review._chooser.line, Qt.Key.Key_Return)
    QTest.keyClick(review._chooser.line, Qt.Key.Key_Escape)
    assert review._shown.path == path
    assert set(verdicts(shown_job(page))) == {None}
    assert not window.session.corrections.all("colours")
    QTest.keyClick(review, digit_of(page, guess or ""))
    return guess, path


def test_copying_too_many_rows_is_refused(page: FoldersPage, large: str, window: MainWindow) -> None:
    window.actions_by_id[ActionId.SELECT_ALL].trigger()
    window.actions_by_id[ActionId.COPY].trigger()
    assert "Can't copy more than 1,000 photos" in window.notices.texts()[-1]
