"""Corrections in the window: available at once, stored in the background, and shared with other windows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core.base import paths
from core.base.database import transaction
from core.base.errors import StorageError
from core.datasets.label_file import open_labels
from core.datasets.labels import Label, Source
from core.prediction import Prediction, Score, Timing
from gui.session import correction_store
from gui.session.correction_store import CorrectionStore
from tests.gui.conftest import PATIENCE_MS
from tests.labels import given, override

FOX, HEN = Path("/photos/fox.jpg"), Path("/photos/hen.jpg")


def prediction(path: Path, label: str = "dog") -> Prediction:
    return Prediction(path, (Score(label, 0.62),), None, "animals", "cpu", Timing(1, 1, 1))


def correct(store: CorrectionStore, path: Path, label: str) -> Label:
    made = Label.of(prediction(path), label, Source.GALLERY)
    store.update({made.model: {path: made}})
    return made


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
    assert given("animals") == {FOX: made}
    other.read("animals")
    qtbot.waitUntil(lambda: other.of(FOX, "animals") == made, timeout=PATIENCE_MS)
    other.update({"animals": {FOX: None}})
    assert other.of(FOX, "animals") is None
    other.close()
    assert given("animals") == {}


def test_two_windows_do_not_overwrite_each_other(stores: list[CorrectionStore], qtbot: QtBot) -> None:
    mine, other = stores
    correct(mine, FOX, "fox")
    correct(other, HEN, "hen")
    qtbot.waitUntil(lambda: len(given("animals")) == 2, timeout=PATIENCE_MS)
    mine.read("animals")
    other.read("animals")
    for store in stores:
        qtbot.waitUntil(lambda store=store: set(store.all("animals")) == {FOX, HEN}, timeout=PATIENCE_MS)


def test_a_failed_write_is_reported_kept_and_retried(stores: list[CorrectionStore], qtbot: QtBot) -> None:
    mine, _ = stores
    paths.labels_file().mkdir(parents=True)  # a folder instead of the file
    with qtbot.waitSignal(mine.failed, timeout=PATIENCE_MS) as failed:
        correct(mine, FOX, "fox")
    assert isinstance(failed.args[0], StorageError)
    assert mine.of(FOX, "animals") is not None
    paths.labels_file().rmdir()
    correct(mine, HEN, "hen")
    mine.close()
    assert set(given("animals")) == {FOX, HEN}


@pytest.fixture
def copies(tmp_path: Path) -> list[Path]:
    """Two copies of a photo."""
    made = [tmp_path / "set" / "dog" / name for name in ("one.jpg", "two.jpg")]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a photo")
    return made


def shown(store: CorrectionStore, *files: Path) -> list[str | None]:
    return [label.label if (label := store.of(path, "animals")) else None for path in files]


def test_a_copy_shows_the_label(stores: list[CorrectionStore], qtbot: QtBot, copies: list[Path]) -> None:
    store, _ = stores
    assert shown(store, *copies) == [None, None]
    correct(store, copies[0], "fox")
    assert shown(store, copies[0]) == ["fox"]
    qtbot.waitUntil(lambda: shown(store, *copies) == ["fox", "fox"], timeout=PATIENCE_MS)
    assert list(store.all("animals")) == [copies[0]], "it is one photo to learn from"
    store.update({"animals": {copies[1]: None}})
    qtbot.waitUntil(lambda: shown(store, *copies) == [None, None], timeout=PATIENCE_MS)


def test_a_label_of_the_wizard_appears_and_is_removed(
    stores: list[CorrectionStore], qtbot: QtBot, copies: list[Path]
) -> None:
    store, _ = stores
    assert shown(store, *copies) == [None, None]
    override(copies[0].parents[1], {copies[0]: "fox"})
    store.refresh()
    store.set_classes({"animals": ("dog", "cat")})
    qtbot.wait(0)
    assert shown(store, *copies) == [None, None], "a fox is no class of the model"
    store.set_classes({"animals": ("dog", "fox")})
    qtbot.waitUntil(lambda: shown(store, *copies) == ["fox", "fox"], timeout=PATIENCE_MS)
    assert not store.all("animals"), "nothing of it is to be learned"
    undo = store.update({"animals": {copies[0]: None}})
    qtbot.waitUntil(lambda: shown(store, *copies) == [None, None], timeout=PATIENCE_MS)
    undo()
    assert shown(store, copies[0]) == ["fox"]
    qtbot.waitUntil(lambda: shown(store, *copies) == ["fox", "fox"], timeout=PATIENCE_MS)


def test_undo_restores_what_was_said_before(stores: list[CorrectionStore], qtbot: QtBot, copies: list[Path]) -> None:
    store, _ = stores
    correct(store, copies[0], "fox")
    undo = store.update({"animals": {copies[0]: Label.of(prediction(copies[0]), "wolf", Source.GALLERY)}})
    assert shown(store, copies[0]) == ["wolf"]
    undo()
    assert shown(store, copies[0]) == ["fox"]
    store.close()
    assert [one.label for one in given("animals").values()] == ["fox"]


def test_many_labels_are_shown_before_they_are_stored(stores: list[CorrectionStore], qtbot: QtBot) -> None:
    store, _ = stores
    made = correct(store, HEN, "hen")
    qtbot.waitUntil(lambda: given("animals") == {HEN: made}, timeout=PATIENCE_MS)
    labels = {path: Label.of(prediction(path), "owl", Source.GALLERY) for path in (FOX, HEN)}
    with open_labels() as other, transaction(other._database):  # nothing can be written
        undo = store.update_many(lambda: {"animals": labels})
        qtbot.waitUntil(lambda: shown(store, FOX, HEN) == ["owl", "owl"], timeout=PATIENCE_MS)
        assert dict(store.all("animals")) == labels, "they can be learned"
    qtbot.waitUntil(lambda: given("animals") == labels, timeout=PATIENCE_MS)
    redo = undo()
    qtbot.waitUntil(lambda: shown(store, FOX, HEN) == [None, "hen"], timeout=PATIENCE_MS)
    assert [one.label for one in store.all("animals").values()] == ["hen"]
    assert redo is not None
    redo()
    qtbot.waitUntil(lambda: shown(store, FOX, HEN) == ["owl", "owl"], timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: given("animals") == labels, timeout=PATIENCE_MS)
    assert dict(store.all("animals")) == labels


def test_redo_restores_a_label_as_it_was(stores: list[CorrectionStore], qtbot: QtBot) -> None:
    store, _ = stores
    made = correct(store, FOX, "fox")
    undo = store.update({"animals": {FOX: None}})
    redo = undo()
    assert store.of(FOX, "animals") == made
    qtbot.waitUntil(lambda: given("animals") == {FOX: made}, timeout=PATIENCE_MS)
    assert redo is not None
    redo()
    assert store.of(FOX, "animals") is None
    store.close()
    assert given("animals") == {}


def test_a_photo_that_has_changed_shows_no_label(
    stores: list[CorrectionStore], qtbot: QtBot, copies: list[Path]
) -> None:
    store, other = stores
    correct(store, copies[0], "fox")
    store.close()
    copies[0].write_bytes(b"another photo")
    assert other.of(copies[0], "animals") is None
    qtbot.waitUntil(lambda: bool(other.all("animals")), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: shown(other, copies[0]) == [None], timeout=PATIENCE_MS)


def test_labels_of_many_photos_are_looked_up_in_turns(
    stores: list[CorrectionStore], qtbot: QtBot, copies: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correction_store, "_ASKED_AT_ONCE", 4)
    monkeypatch.setattr(correction_store, "_ANSWERED_AT_ONCE", 2)
    first, second = copies
    mine, other = stores
    made = correct(mine, first, "fox")
    mine.close()
    others = [Path(f"/photos/{number}.jpg") for number in range(4)]
    other.look_up(iter([(path, "animals") for path in (*others, second)]))
    qtbot.waitUntil(lambda: other.known(second, "animals") is not None, timeout=PATIENCE_MS)
    known = [label.label if (label := other.known(path, "animals")) else None for path in (*others, second)]
    assert known == [None, None, None, None, made.label]
