"""Corrections in the window: available at once, stored in the background, and shared with other windows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core.base import paths
from core.base.errors import StorageError
from core.datasets import corrections
from core.datasets.corrections import Correction
from core.prediction import Prediction, Score, Timing
from gui.session.correction_store import CorrectionStore
from tests.gui.conftest import PATIENCE_MS

FOX, HEN = Path("/photos/fox.jpg"), Path("/photos/hen.jpg")


def prediction(path: Path, label: str = "dog") -> Prediction:
    return Prediction(path, (Score(label, 0.62),), None, "animals", "cpu", Timing(1, 1, 1))


def correct(store: CorrectionStore, path: Path, label: str) -> Correction:
    correction = Correction.of(prediction(path), label)
    store.update(correction.model, [correction])
    return correction


@pytest.fixture
def stores(home: Path, qtbot: QtBot) -> Iterator[list[CorrectionStore]]:
    """The correction stores of two windows."""
    parents = [QObject(), QObject()]
    made = [CorrectionStore(parent) for parent in parents]
    yield made
    for store in made:
        store.close()


def test_a_correction_is_available_at_once_and_stored(stores: list[CorrectionStore], qtbot: QtBot) -> None:
    mine, other = stores
    changed: list[str] = []
    mine.changed.connect(changed.append)
    made = correct(mine, FOX, "fox")
    assert (made.predicted, made.confidence, made.label, made.model) == ("dog", 0.62, "fox", "animals")
    assert mine.of(FOX, "animals") == made
    assert mine.of(FOX, "birds") is None
    assert changed == ["animals"]
    mine.close()
    assert corrections.load("animals") == {FOX: made}
    other.read("animals")
    qtbot.waitUntil(lambda: other.of(FOX, "animals") == made, timeout=PATIENCE_MS)
    other.update("animals", [], removed=[FOX])
    assert other.of(FOX, "animals") is None
    other.close()
    assert corrections.load("animals") == {}


def test_two_windows_do_not_overwrite_each_other(stores: list[CorrectionStore], qtbot: QtBot) -> None:
    mine, other = stores
    correct(mine, FOX, "fox")
    correct(other, HEN, "hen")
    qtbot.waitUntil(lambda: len(corrections.load("animals")) == 2, timeout=PATIENCE_MS)
    mine.read("animals")
    other.read("animals")
    for store in stores:
        qtbot.waitUntil(lambda store=store: set(store.all("animals")) == {FOX, HEN}, timeout=PATIENCE_MS)


def test_a_failed_write_is_reported_kept_and_retried(stores: list[CorrectionStore], qtbot: QtBot) -> None:
    mine, _ = stores
    paths.corrections().parent.mkdir(parents=True)
    paths.corrections().write_text("a file instead of the folder")
    with qtbot.waitSignal(mine.failed, timeout=PATIENCE_MS) as failed:
        correct(mine, FOX, "fox")
    assert isinstance(failed.args[0], StorageError)
    assert mine.of(FOX, "animals") is not None
    paths.corrections().unlink()
    correct(mine, HEN, "hen")
    mine.close()
    assert set(corrections.load("animals")) == {FOX, HEN}
