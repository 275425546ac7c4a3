"""The helper processes: they answer, crash and are restarted, and no photo is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core.prediction import Failure, Prediction
from gui.shell.main_window import MainWindow
from gui.tasks import helper_process
from gui.tasks.helper_process import HelperProcess
from gui.tasks.picture_client import THUMBNAIL_SIDE, PictureClient
from tests import tiny
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.gui.serving import (
    DEADLY,
    die_at_once,
    echo,
    serve_engine_that_dies_of_one_image,
    serve_engine_that_stumbles_over_one_image,
    serve_pictures_and_die,
)


@pytest.fixture
def helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[HelperProcess]:
    """A helper started like in the program, instead of forked from a warm server as in other tests."""
    monkeypatch.setattr(helper_process, "_CONTEXT", multiprocessing.get_context("spawn"))
    parent = QObject()
    made = HelperProcess(echo, parent)
    made.start()
    yield made
    made.close()


def test_messages_come_back_in_order(helper: HelperProcess, qtbot: QtBot) -> None:
    got: list[object] = []
    helper.received.connect(got.append)
    for number in range(200):
        helper.send(number)
    qtbot.waitUntil(lambda: len(got) == 200, timeout=PATIENCE_MS)
    assert got == list(range(200))


def test_a_dead_helper_is_reported_and_can_be_restarted(helper: HelperProcess, qtbot: QtBot) -> None:
    with qtbot.waitSignal(helper.died, timeout=PATIENCE_MS):
        helper.send("die")
    assert helper.process_id is None
    helper.start()
    with qtbot.waitSignal(helper.received, timeout=PATIENCE_MS) as again:
        helper.send("hello")
    assert again.args == ["hello"]


def test_a_closed_helper_has_ended(helper: HelperProcess, qtbot: QtBot) -> None:
    with qtbot.waitSignal(helper.received, timeout=PATIENCE_MS):
        helper.send("hello")
    number = helper.process_id
    assert number is not None
    helper.close()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL exists only on POSIX")
def test_photos_are_classified_after_an_engine_crash(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    paths = [tiny.write_solid(tmp_path / f"{number}.png", "green") for number in range(300)]
    window.session.photo_list.add(paths[:20])
    photos = window.session.photos
    qtbot.waitUntil(lambda: any(photo.outcome for photo in photos.photos()), timeout=PATIENCE_MS)
    number = window.session.engine.tasks.process_id
    assert number is not None
    os.kill(number, signal.SIGSTOP)  # so that photos wait when it is killed
    window.session.photo_list.add(paths[20:])
    qtbot.waitUntil(lambda: photos.rowCount() == 300, timeout=PATIENCE_MS)
    os.kill(number, signal.SIGKILL)
    qtbot.waitUntil(lambda: photos.rowCount() == 300 and all(p.outcome for p in photos.photos()), timeout=PATIENCE_MS)
    assert all(isinstance(photo.outcome, Prediction) for photo in photos.photos())
    qtbot.waitUntil(lambda: any("restarted" in text for text in window.notices.texts()), timeout=PATIENCE_MS)


@pytest.mark.parametrize(
    ("serve", "kind"),
    [(serve_engine_that_dies_of_one_image, "crashed"), (serve_engine_that_stumbles_over_one_image, "error")],
)
def test_only_the_image_that_makes_the_engine_fail_fails(
    qtbot: QtBot, tiny_model: str, tmp_path: Path, serve: Callable[[Connection], None], kind: str
) -> None:
    window = show_window(qtbot)
    window.session.engine.tasks._process._serve = serve
    paths = [tiny.write_solid(tmp_path / f"{number}.png", "blue") for number in range(5)]
    paths.insert(2, tiny.write_solid(tmp_path / DEADLY, "red"))
    window.session.photo_list.add(paths)
    photos = window.session.photos
    qtbot.waitUntil(lambda: photos.rowCount() == 6 and all(p.outcome for p in photos.photos()), timeout=PATIENCE_MS)
    outcomes = {photo.path.name: photo.outcome for photo in photos.photos()}
    failure = outcomes.pop(DEADLY)
    assert isinstance(failure, Failure)
    assert failure.kind == kind
    assert {type(outcome) for outcome in outcomes.values()} == {Prediction}
    window.close()


def test_a_helper_that_cannot_start_is_not_restarted_forever(qtbot: QtBot, tiny_model: str) -> None:
    window = show_window(qtbot)
    window.session.engine.tasks._process._serve = die_at_once
    qtbot.waitUntil(lambda: any("couldn't start" in text for text in window.notices.texts()), timeout=PATIENCE_MS)
    assert window.session.engine.tasks.process_id is None
    assert window.session.pictures.tasks.process_id is not None  # the other helper still runs
    window.close()


def test_pictures_are_rendered_once_and_cached(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    pictures = window.session.pictures
    with qtbot.waitSignal(pictures.rendered, timeout=PATIENCE_MS):
        assert pictures.picture(solids["red"], THUMBNAIL_SIDE) is None
    pixmap = pictures.picture(solids["red"], THUMBNAIL_SIDE)
    assert pixmap is not None
    assert pixmap.toImage().pixelColor(5, 5).red() > 200


def test_a_picture_process_crash_loses_only_pictures_in_flight(qtbot: QtBot, solids: dict[str, Path]) -> None:
    parent = QObject()
    pictures = PictureClient(parent)
    pictures.tasks._process._serve = serve_pictures_and_die
    pictures.start()
    with qtbot.waitSignal(pictures.rendered, timeout=PATIENCE_MS):
        pictures.picture(solids["red"], THUMBNAIL_SIDE)
    kept = pictures.picture(solids["red"], THUMBNAIL_SIDE)
    assert kept is not None
    assert kept.isNull()
    pictures.tasks.close()
