"""Corrections in the window: there at once, kept in the background, and shared with another window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core.base import paths
from core.base.errors import StorageError
from core.datasets import corrections
from core.prediction import Prediction, Score, Timing
from gui.session.correction_store import CorrectionBook
from tests.gui.conftest import PATIENCE_MS

FOX, HEN = Path("/photos/fox.jpg"), Path("/photos/hen.jpg")


def said(path: Path, label: str = "dog") -> Prediction:
    return Prediction(path, (Score(label, 0.62),), None, "animals", "cpu", Timing(1, 1, 1))


@pytest.fixture
def books(home: Path, qtbot: QtBot) -> Iterator[list[CorrectionBook]]:
    """Those of two windows."""
    parents = [QObject(), QObject()]
    made = [CorrectionBook(parent) for parent in parents]
    yield made
    for book in made:
        book.close()


def test_a_correction_is_there_at_once_and_after_the_end(books: list[CorrectionBook], qtbot: QtBot) -> None:
    mine, other = books
    told: list[str] = []
    mine.changed.connect(told.append)
    made = mine.correct(FOX, said(FOX), "fox")
    assert (made.said, made.confidence, made.label, made.model) == ("dog", 0.62, "fox", "animals")
    assert mine.of(FOX, "animals") == made
    assert mine.of(FOX, "birds") is None
    assert told == ["animals"]
    mine.close()
    assert corrections.load("animals") == {FOX: made}
    other.read("animals")
    qtbot.waitUntil(lambda: other.of(FOX, "animals") == made, timeout=PATIENCE_MS)
    other.withdraw(FOX, "animals")
    assert other.of(FOX, "animals") is None
    other.close()
    assert corrections.load("animals") == {}


def test_two_windows_lose_nothing_to_each_other(books: list[CorrectionBook], qtbot: QtBot) -> None:
    mine, other = books
    mine.correct(FOX, said(FOX), "fox")
    other.correct(HEN, said(HEN), "hen")
    qtbot.waitUntil(lambda: len(corrections.load("animals")) == 2, timeout=PATIENCE_MS)
    mine.read("animals")
    other.read("animals")
    for book in books:
        qtbot.waitUntil(lambda book=book: set(book.all("animals")) == {FOX, HEN}, timeout=PATIENCE_MS)


def test_what_cannot_be_written_is_told_kept_and_tried_again(books: list[CorrectionBook], qtbot: QtBot) -> None:
    mine, _ = books
    paths.corrections().parent.mkdir(parents=True)
    paths.corrections().write_text("no folder")
    with qtbot.waitSignal(mine.failed, timeout=PATIENCE_MS) as failed:
        mine.correct(FOX, said(FOX), "fox")
    assert isinstance(failed.args[0], StorageError)
    assert mine.of(FOX, "animals") is not None
    paths.corrections().unlink()
    mine.correct(HEN, said(HEN), "hen")
    mine.close()
    assert set(corrections.load("animals")) == {FOX, HEN}
