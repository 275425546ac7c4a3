"""Reviewing predictions by keyboard: accepting, correcting, skipping and undoing; and the resulting corrections."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from core.jobs.queries import ResultStore
from core.jobs.values import Filter, Order, Verdict, View
from gui.folders.page import FoldersPage
from gui.folders.review import ReviewPage
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.widgets import announcing
from tests.gui.conftest import PATIENCE_MS
from tests.gui.folders.conftest import Classify, press, shown_job, sorting_of
from tests.labels import correction, give, given

ACCEPTED, CORRECTED, SKIPPED = Verdict.ACCEPTED, Verdict.CORRECTED, Verdict.SKIPPED


@pytest.fixture
def review(page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, qtbot: QtBot) -> ReviewPage:
    """The review of nine predictions, with the first one shown."""
    classify(tree)
    window.actions_by_id[ActionId.REVIEW].trigger()
    qtbot.waitUntil(lambda: page.stack.review._shown is not None, timeout=PATIENCE_MS)
    return page.stack.review


def reviews_shown(page: FoldersPage) -> list[tuple[Verdict, str | None] | None]:
    """The reviews in the journal, lowest confidence first."""
    with ResultStore(shown_job(page)) as answers:
        rows = list(answers.each(View(Order.CONFIDENCE)))[:9]
    return [None if row.review is None else (row.review.verdict, row.review.label) for row in rows]


def predicted_labels(page: FoldersPage) -> list[str]:
    """The predicted labels, lowest confidence first."""
    with ResultStore(shown_job(page)) as answers:
        return [row.label or "" for row in list(answers.each(View(Order.CONFIDENCE)))[:9]]


def other_than(label: str) -> str:
    return next(one for one in ("red", "green", "blue") if one != label)


def test_predictions_are_accepted_corrected_skipped_and_undone(
    page: FoldersPage, review: ReviewPage, window: MainWindow, qtbot: QtBot
) -> None:
    labels = predicted_labels(page)
    assert review.progress.text() == "0 of 9 reviewed"
    assert review.choices.answer.text() == labels[0]
    QTest.keyClick(review, Qt.Key.Key_Return)
    assert review.choices.right.text() == f"Confirm {labels[1]}"
    second = other_than(labels[1])
    QTest.keyClick(review, digit_of(page, second))
    QTest.keyClick(review, Qt.Key.Key_Right)
    assert review.progress.text() == "2 of 9 reviewed, 1 skipped"
    wanted: list[tuple[Verdict, str | None] | None] = [(ACCEPTED, labels[0]), (CORRECTED, second), (SKIPPED, None)]
    qtbot.waitUntil(lambda: reviews_shown(page) == [*wanted, *[None] * 6], timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.UNDO].trigger()
    QTest.keyClick(review, Qt.Key.Key_Space)
    assert review.progress.text() == "3 of 9 reviewed"
    wanted[2] = (ACCEPTED, labels[2])
    qtbot.waitUntil(lambda: reviews_shown(page) == [*wanted, *[None] * 6], timeout=PATIENCE_MS)


def test_the_count_of_reviews_is_shown_after_the_review(
    page: FoldersPage, review: ReviewPage, window: MainWindow, qtbot: QtBot
) -> None:
    QTest.keyClick(review, Qt.Key.Key_Return)
    QTest.keyClick(review, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: "1 reviewed" in page.summary, timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.UNDO].trigger()
    qtbot.waitUntil(lambda: "reviewed" not in page.summary, timeout=PATIENCE_MS)


def digit_of(page: FoldersPage, name: str) -> Qt.Key:
    """The digit of a class, from its place among the classes of the model."""
    assert page.job is not None
    return Qt.Key(Qt.Key.Key_1 + page.reviewer.classes_of(page.job, page._models.installed).index(name))


def test_a_digit_means_the_same_class_for_every_photo_and_in_the_chooser(
    page: FoldersPage, review: ReviewPage, window: MainWindow
) -> None:
    digits = []
    for _ in range(9):
        shown = [offer.accessibleName().split()[:2] for offer in review.choices.offers if offer.isVisible()]
        assert review.choices.answer.text() not in [name for _, name in shown]
        digits += [(digit.rstrip(":"), name) for digit, name in shown]
        QTest.keyClick(review, Qt.Key.Key_F2)
        assert review._chooser is not None
        assert [str(place) + ":" + name for place, name in enumerate(review._chooser.texts(), start=1)] == [
            "1:red",
            "2:green",
            "3:blue",
        ]
        QTest.keyClick(review._chooser.line, Qt.Key.Key_Escape)
        QTest.keyClick(review, Qt.Key.Key_Right)
    assert set(digits) == {("1", "red"), ("2", "green"), ("3", "blue")}


def test_a_new_class_gets_the_digit_after_those_of_the_model(
    page: FoldersPage, review: ReviewPage, window: MainWindow, qtbot: QtBot
) -> None:
    QTest.keyClick(review, Qt.Key.Key_S)  # letters always type
    assert review._chooser is not None
    QTest.keyClicks(review._chooser.line, "heep")
    QTest.keyClick(review._chooser.line, Qt.Key.Key_Return)
    assert review.trace.text().endswith(" → sheep")
    QTest.keyClick(review, Qt.Key.Key_Escape)
    window.actions_by_id[ActionId.REVIEW].trigger()
    qtbot.waitUntil(lambda: review._shown is not None, timeout=PATIENCE_MS)
    QTest.keyClick(review, Qt.Key.Key_4)
    assert review.trace.text().endswith(" → sheep")


def test_a_screen_reader_is_told_what_a_key_did_and_what_comes_next(
    review: ReviewPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(announcing.QAccessible, "updateAccessibility", lambda event: said.append(event.message()))
    first = review._shown
    assert first is not None
    QTest.keyClick(review, Qt.Key.Key_Return)
    second = review._shown
    assert second is not None
    assert said[0].startswith(f"{first.path.name}: confirmed {first.label}. {second.label}, ")
    for _ in range(8):
        QTest.keyClick(review, Qt.Key.Key_Right)
    assert said[-1].endswith("1 of 9 photos reviewed. The model was right on 1 of 1. You skipped 8.")
    assert len(said) == 9


def test_the_last_review_is_shown_and_undone(review: ReviewPage, qtbot: QtBot) -> None:
    assert not review.back_step.isEnabled()
    shown = review._shown
    assert shown is not None
    QTest.keyClick(review, Qt.Key.Key_Return)
    assert review.trace.text() == f"{shown.path.name}: confirmed {shown.label}"
    QTest.keyClick(review, Qt.Key.Key_Right)
    assert review.trace.text().endswith(": skipped")
    assert review.progress.text() == "1 of 9 reviewed, 1 skipped"
    for _ in range(2):
        qtbot.mouseClick(review.back_step, Qt.MouseButton.LeftButton)
    assert review.trace.text() == f"{shown.path.name}: review undone"
    assert review._shown == shown
    assert not review.back_step.isEnabled()


def test_reviews_are_redone(review: ReviewPage, window: MainWindow) -> None:
    redo = window.actions_by_id[ActionId.REDO]
    first = review._shown
    assert first is not None
    QTest.keyClick(review, Qt.Key.Key_Return)
    assert not redo.isEnabled()
    window.actions_by_id[ActionId.UNDO].trigger()
    assert review._shown == first
    assert redo.text() == "&Redo review"
    redo.trigger()
    assert review.trace.text() == f"{first.path.name}: confirmed {first.label}"
    assert review._shown is not None
    assert review._shown.number != first.number
    assert not redo.isEnabled()


def test_a_correction_counts_for_the_next_training(
    page: FoldersPage, review: ReviewPage, window: MainWindow, tiny_model: str, qtbot: QtBot
) -> None:
    book = window.session.corrections
    shown = review._shown
    assert shown is not None
    QTest.keyClick(review, digit_of(page, other_than(shown.label or "")))
    correction = book.of(shown.path, tiny_model)
    assert correction is not None
    assert (correction.predicted, correction.label) == (shown.label, review_of(review, shown.number))
    window.actions_by_id[ActionId.UNDO].trigger()
    assert book.of(shown.path, tiny_model) is None
    assert review._shown is not None
    assert review._shown.number == shown.number


def test_a_label_given_elsewhere_is_a_review_once_the_job_is_opened(
    page: FoldersPage, classify: Classify, tree: Path, tiny_model: str, qtbot: QtBot
) -> None:
    classify(tree)
    job = shown_job(page)
    page.show_jobs()
    give(correction(tree / "day 0" / "red 0.png", "purple", tiny_model))
    page.open_job(job)
    qtbot.waitUntil(lambda: (CORRECTED, "purple") in reviews_shown(page), timeout=PATIENCE_MS)
    rows = page.stack.results.rows
    texts = lambda: [rows.index(row, 3).data() for row in range(rows.rowCount())]  # noqa: E731
    qtbot.waitUntil(lambda: "purple" in texts(), timeout=PATIENCE_MS)
    row = rows.row(texts().index("purple"))
    assert row is not None
    page.reviewer.review([row], None)
    qtbot.waitUntil(lambda: not given(tiny_model), timeout=PATIENCE_MS)
    page.reviewer.undo_stack.undo()
    qtbot.waitUntil(lambda: len(given(tiny_model)) == 1, timeout=PATIENCE_MS)


def test_a_label_given_while_another_place_is_shown_appears(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, tiny_model: str, qtbot: QtBot
) -> None:
    classify(tree)
    window.actions_by_id[ActionId.SHOW_PHOTOS].trigger()
    give(correction(tree / "day 0" / "red 0.png", "purple", tiny_model))
    window.actions_by_id[ActionId.SHOW_FOLDERS].trigger()
    qtbot.waitUntil(lambda: (CORRECTED, "purple") in reviews_shown(page), timeout=PATIENCE_MS)


def test_a_confirmation_counts_for_the_next_training(
    page: FoldersPage, review: ReviewPage, window: MainWindow, tiny_model: str, qtbot: QtBot
) -> None:
    book, shown = window.session.corrections, review._shown
    assert shown is not None
    QTest.keyClick(review, Qt.Key.Key_Return)
    kept = book.of(shown.path, tiny_model)
    assert kept is not None
    assert kept.is_confirmation
    assert (kept.predicted, kept.label) == (shown.label, shown.label)
    strip = window.photos_page.strip
    assert strip.words.text() == "1 confirmed photo not learned yet"
    assert review._shown is not None
    QTest.keyClick(review, digit_of(page, other_than(review._shown.label or "")))
    assert strip.words.text() == "1 corrected and 1 confirmed photo not learned yet"
    QTest.keyClick(review, Qt.Key.Key_Right)
    assert len(book.all(tiny_model)) == 2
    for _ in range(3):
        window.actions_by_id[ActionId.UNDO].trigger()
    assert not book.all(tiny_model)


def review_of(review: ReviewPage, number: int) -> str | None:
    rows = [review.rows.row(place) for place in range(review.rows.rowCount())]
    return next(row.review.label for row in rows if row is not None and row.number == number and row.review)


def test_typing_chooses_among_all_classes(
    page: FoldersPage, review: ReviewPage, window: MainWindow, qtbot: QtBot
) -> None:
    other = other_than(predicted_labels(page)[0])
    QTest.keyClick(review, other[0])
    assert review._chooser is not None
    line = review._chooser.findChild(QLineEdit)
    assert line is not None
    assert line.text() == other[0]
    QTest.keyClicks(line, other[1:])
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert review.progress.text() == "1 of 9 reviewed"
    qtbot.waitUntil(lambda: reviews_shown(page)[0] == (CORRECTED, other), timeout=PATIENCE_MS)


def test_the_table_shows_the_label_beside_the_prediction(
    page: FoldersPage, review: ReviewPage, window: MainWindow, qtbot: QtBot
) -> None:
    labels = predicted_labels(page)
    QTest.keyClick(review, digit_of(page, other_than(labels[0])))
    QTest.keyClick(review, Qt.Key.Key_Escape)
    assert page.stack.shows_results
    page.stack.results.sort(View(Order.CONFIDENCE))
    rows = page.stack.results.rows
    qtbot.waitUntil(lambda: rows.index(0, 3).data() not in (None, ""), timeout=PATIENCE_MS)
    assert rows.index(0, 1).data() == labels[0]
    assert rows.index(0, 3).data() in {"red", "green", "blue"} - {labels[0]}


def test_a_complete_review_says_how_right_the_model_was_and_a_second_one_is_empty(
    page: FoldersPage, review: ReviewPage, window: MainWindow, qtbot: QtBot
) -> None:
    assert review._shown is not None
    QTest.keyClick(review, digit_of(page, other_than(review._shown.label or "")))
    for _ in range(7):
        QTest.keyClick(review, Qt.Key.Key_Return)
    QTest.keyClick(review, Qt.Key.Key_Right)
    end = review.end
    assert end.accessibleName() == "8 of 9 photos reviewed. The model was right on 7 of 8. You skipped 1."
    assert [one.text() for one in (end.sort, end.export) if one.isVisible()] == ["Sort into folders…", "Export"]
    qtbot.mouseClick(end.sort, Qt.MouseButton.LeftButton)
    assert sorting_of(page).isVisible()
    QTest.keyClick(sorting_of(page), Qt.Key.Key_Escape)
    window.actions_by_id[ActionId.REVIEW].trigger()
    qtbot.waitUntil(lambda: review.progress.text() == "0 of 1 reviewed", timeout=PATIENCE_MS)  # the skipped one
    qtbot.waitUntil(lambda: review._shown is not None, timeout=PATIENCE_MS)
    QTest.keyClick(review, Qt.Key.Key_Return)
    QTest.keyClick(review, Qt.Key.Key_Escape)
    window.actions_by_id[ActionId.REVIEW].trigger()
    qtbot.waitUntil(lambda: end.headline.text() == "Nothing to review", timeout=PATIENCE_MS)
    press(end, "Back to results", qtbot)
    assert page.stack.shows_results


def test_selected_rows_are_labelled_together_and_undone(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path, qtbot: QtBot
) -> None:
    classify(tree)
    table = page.stack.results.table
    table.selectRow(1)
    table.setFocus()
    for _ in range(2):
        QTest.keyClick(table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    qtbot.mouseClick(page.stack.results.inspector.other, Qt.MouseButton.LeftButton)
    assert page.stack.results.selection.chooser is not None
    QTest.keyClicks(page.stack.results.selection.chooser.line, "blue")
    QTest.keyClick(page.stack.results.selection.chooser.line, Qt.Key.Key_Return)
    rows = page.stack.results.rows
    assert [rows.index(place, 3).data() for place in (1, 2, 3, 4)] == ["blue", "blue", "blue", ""]
    window.actions_by_id[ActionId.UNDO].trigger()
    assert [rows.index(place, 3).data() for place in (1, 2, 3)] == ["", "", ""]


def test_the_most_useful_photos_come_first_if_the_user_wants(
    page: FoldersPage, review: ReviewPage, window: MainWindow, qtbot: QtBot
) -> None:
    review.order.setFocus()
    QTest.keyClick(review.order, Qt.Key.Key_Down)
    useful = View(Order.USEFULNESS, filter=Filter(reviewed=False, failed=False))
    with ResultStore(shown_job(page)) as answers:
        qtbot.waitUntil(lambda: answers.refresh() or has_places(answers), timeout=PATIENCE_MS)
        expected = [row.path for row in answers.each(useful)]
    qtbot.waitUntil(lambda: review_paths(review) == expected, timeout=PATIENCE_MS)
    assert {path.stem.split()[0] for path in expected[:3]} == {"red", "green", "blue"}
    assert review.progress.text() == "0 of 9 reviewed"
    QTest.keyClick(review, Qt.Key.Key_Return)
    assert review.progress.text() == "1 of 9 reviewed"


def has_places(answers: ResultStore) -> bool:
    """Whether the order is no longer that by confidence."""
    views = View(Order.USEFULNESS), View(Order.CONFIDENCE)
    useful, unsure = (list(answers.listing(view).numbers) for view in views)
    return useful != unsure


def review_paths(review: ReviewPage) -> list[Path]:
    rows = [review.rows.row(place) for place in range(review.rows.rowCount())]
    return [row.path for row in rows if row is not None]
