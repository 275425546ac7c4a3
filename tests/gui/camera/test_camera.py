"""The camera's window with frames of a stand-in: what the model sees, hold to record, undo, and what can go wrong."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QUndoStack
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from core.base import paths
from core.prediction import Prediction, Score, Timing
from gui.camera import record_panel, support
from gui.camera.controller import CameraController
from gui.camera.window import CameraWindow
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests.gui.camera.fake_camera import SIZE, FakeCamera
from tests.gui.conftest import PATIENCE_MS

pytestmark = pytest.mark.qt_log_ignore("does not support (raise|grabbing|propagateSizeHints)")


class Stage:
    """The window of the camera, and its stand-in."""

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        self.main, self.qtbot = window, qtbot
        [offer] = [one for one in window.photos_page.empty.findChildren(QPushButton) if one.text() == "Camera…"]
        offer.click()
        self.controller: CameraController = window.pages.camera
        self.window = self.controller.window
        self.recording = self.window.recording
        [self.camera] = self.controller.findChildren(FakeCamera)

    def wait(self, condition: object) -> None:
        self.qtbot.waitUntil(condition, timeout=PATIENCE_MS)

    def wait_for_picture(self) -> None:
        self.wait(lambda: self.window.view.frame is not None)

    def texts(self) -> str:
        return "\n".join(one.text() for one in self.window.findChildren(QLabel) if one.isVisible())

    def button(self, text: str) -> QPushButton:
        [found] = [one for one in self.window.findChildren(QPushButton) if one.text() == text and one.isVisible()]
        return found

    def enter_class(self, name: str) -> None:
        line = self.recording.name.lineEdit()
        assert line is not None
        line.selectAll()
        QTest.keyClicks(line, name)

    def record(self, label: str, count: int) -> None:
        """Hold the button until there are this many photos, and no longer."""
        self.enter_class(label)

        def release(number: int) -> None:
            if number == count:
                QTest.mouseRelease(self.recording.record, Qt.MouseButton.LeftButton)

        self.controller.recorder.recorded.connect(release)
        QTest.mousePress(self.recording.record, Qt.MouseButton.LeftButton)
        self.wait(lambda: self.controller.recorder._take is None)
        self.controller.recorder.recorded.disconnect(release)

    def dark_edge(self) -> str:
        """On which side the black stripe of the frames is shown."""
        view, frame = self.window.view, self.window.view.frame
        assert frame is not None
        width = frame.size().scaled(view.size(), Qt.AspectRatioMode.KeepAspectRatio).width()
        shown, margin = view.grab().toImage(), (view.width() - width) // 2 + 1
        edges = {"left": margin, "right": view.width() - 1 - margin}
        return " ".join(side for side, x in edges.items() if shown.pixelColor(x, view.height() // 2).value() < 100)

    def photos(self, label: str) -> list[Path]:
        folder = self.controller.recorder.folder / label
        with contextlib.suppress(FileNotFoundError):
            return sorted(folder / name for name in os.listdir(folder))  # noqa: PTH208 - the folder may just be removed
        return []


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Qt Multimedia seems to be installed."""
    support.missing_reason.cache_clear()
    monkeypatch.setattr(support, "find_spec", lambda _: object())
    yield
    support.missing_reason.cache_clear()


@pytest.fixture
def stage(installed: None, window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(support, "load_camera", lambda parent, on_loaded, on_failed: on_loaded(FakeCamera(parent)))
    made = Stage(window, qtbot)
    made.wait_for_picture()
    made.wait(made.window.isActiveWindow)
    yield made
    made.controller.window.close()


def test_the_model_says_what_the_camera_shows_as_in_a_mirror(stage: Stage) -> None:
    for control in (stage.recording.name, stage.recording.record, stage.window.mirrored, stage.window.view):
        read = QAccessible.queryAccessibleInterface(control)
        assert read is not None
        assert read.text(QAccessible.Text.Name)
    stage.wait(lambda: stage.window.headline.text() == "red")
    assert re.search(r"CPU.* · [\d.]+ ms", stage.texts())
    stage.camera.colour = "blue"
    stage.wait(lambda: stage.window.headline.text() == "blue")
    assert stage.window.view.accessibleName() == "Camera picture"
    stage.wait(lambda: stage.dark_edge() == "right")
    stage.window.mirrored.click()
    stage.wait(lambda: stage.dark_edge() == "left")
    assert not list(paths.custom_datasets().rglob("*")), "nothing is stored unless it is recorded"


def test_photos_are_recorded_only_while_the_button_is_held(stage: Stage) -> None:
    assert not stage.recording.record.isEnabled()
    assert stage.recording.record.toolTip() == "Enter a class first."
    stage.enter_class("mug")
    assert stage.recording.record.isEnabled()
    assert stage.recording.record.accessibleName() == "Hold to record photos of mug"
    stage.record("mug", 2)
    stage.wait(lambda: "2 photos" in stage.texts())
    written = stage.photos("mug")
    assert len(written) == 2
    with Image.open(written[0]) as photo:
        assert (photo.format, photo.size, len(photo.getexif())) == ("JPEG", SIZE, 0)
        assert max(photo.convert("RGB").getpixel((0, 60))) < 100, "recorded as the camera sees it"
    stage.camera.colour = "blue"
    stage.wait(lambda: stage.window.headline.text() == "blue")
    assert stage.photos("mug") == written


def test_the_button_is_in_sight_in_the_lowest_window(window: MainWindow, qtbot: QtBot) -> None:
    shown = CameraWindow(QUndoStack(window), window)
    scores = tuple(Score(f"a short name {number}", 0.2) for number in range(5))
    shown.show_outcome(Prediction(Path("a.png"), scores, None, "tiny", "cpu", Timing(1, 1, 1)))
    shown.resize(640, 420)
    shown.show()
    qtbot.waitExposed(shown)
    record = shown.recording.record
    qtbot.waitUntil(lambda: record.visibleRegion().boundingRect() == record.rect(), timeout=PATIENCE_MS)
    shown.close()


def test_space_records_anywhere_but_in_a_field(stage: Stage) -> None:
    stage.enter_class("blue mug")
    assert stage.recording.label == "blue mug"
    assert stage.controller.recorder._take is None
    stage.window.view.setFocus()
    QTest.keyPress(stage.window.view, Qt.Key.Key_Space)
    assert stage.recording.record.isDown()
    assert stage.controller.recorder._take is not None
    stage.wait(lambda: bool(stage.photos("blue mug")))
    QTest.keyRelease(stage.window.view, Qt.Key.Key_Space)
    assert not stage.recording.record.isDown()
    assert stage.controller.recorder._take is None

    stage.window.activateWindow()  # the list of classes that match what is typed may have taken the focus
    stage.wait(stage.window.isActiveWindow)
    stage.recording.record.setFocus()
    QTest.keyPress(stage.recording.record, Qt.Key.Key_Space)
    assert stage.controller.recorder._take is not None
    stage.main.activateWindow()
    stage.wait(lambda: stage.controller.recorder._take is None)


def test_takes_are_undone_and_redone(stage: Stage) -> None:
    stage.record("mug", 1)
    stage.wait(lambda: "1 photo" in stage.texts())
    assert stage.recording.undo.toolTip() == "recording 1 photo of “mug”"
    stage.record("cup", 2)
    stage.wait(lambda: "2 photos" in stage.texts())
    QTest.keyClick(stage.window.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    stage.wait(lambda: not stage.photos("cup") and "2 photos" not in stage.texts())
    assert not (stage.controller.recorder.folder / "cup").exists()
    assert stage.photos("mug")
    stage.button("Redo").click()
    stage.wait(lambda: len(stage.photos("cup")) == 2)
    stage.button("Undo").click()
    stage.button("Undo").click()
    stage.button("Redo").click()
    stage.wait(lambda: len(stage.photos("mug")) == 1 and not stage.photos("cup"))


def test_what_was_recorded_is_trained_on(stage: Stage) -> None:
    assert not stage.button("Train a model…").isEnabled()
    for colour in ("red", "blue"):
        stage.camera.colour = colour
        stage.wait(lambda expected=colour: stage.window.headline.text() == expected)
        stage.record(colour, 2)
    train = stage.button("Train a model…")
    stage.wait(train.isEnabled)
    train.click()
    assert not stage.window.isVisible()
    assert stage.camera.used is None
    wizard = stage.main.wizard_controller.wizard
    assert wizard is not None
    stage.wait(lambda: wizard.photos.read is not None)
    assert wizard.photos.read is not None
    assert {one.name: one.images for one in wizard.photos.read.classes} == {"red": 2, "blue": 2}
    wizard.close()


def test_another_folder_offers_its_classes(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, solids: dict[str, Path]
) -> None:
    folder = tmp_path / "pets"
    (folder / "cat").mkdir(parents=True)
    solids["red"].rename(folder / "cat" / "red.png")
    monkeypatch.setattr(record_panel, "ask_for_folder", lambda parent, title, on_chosen, start: on_chosen(folder))
    stage.button("Change…").click()
    stage.wait(lambda: "Folder: pets" in stage.texts() and "1 photo" in stage.texts())
    offered = [stage.recording.name.itemText(row) for row in range(stage.recording.name.count())]
    assert offered == ["cat", "red", "green", "blue"], "the classes of the folder, then those of the model"
    stage.record("cat", 1)
    stage.wait(lambda: "2 photos" in stage.texts())
    stage.button("Undo").click()
    stage.wait(lambda: len(stage.photos("cat")) == 1)
    stage.controller.recorder.close()
    assert not list(folder.glob(".*")), "nothing is left in a folder of the user's"


def test_a_photo_that_cannot_be_written_ends_the_take(stage: Stage) -> None:
    paths.custom_datasets().mkdir(parents=True)
    stage.controller.recorder.folder.write_text("a file")
    stage.enter_class("mug")
    QTest.mousePress(stage.recording.record, Qt.MouseButton.LeftButton)
    stage.wait(lambda: "Couldn't write" in stage.texts())
    assert stage.controller.recorder._take is None
    assert not stage.recording.record.isDown()
    QTest.mouseRelease(stage.recording.record, Qt.MouseButton.LeftButton)


def test_the_camera_is_off_while_the_window_is_closed(stage: Stage) -> None:
    stage.enter_class("mug")
    QTest.mousePress(stage.recording.record, Qt.MouseButton.LeftButton)
    QTest.keyClick(stage.window, Qt.Key.Key_Escape)
    assert not stage.window.isVisible()
    assert stage.camera.used is None
    assert stage.controller.recorder._take is None
    stage.main.actions_by_id[ActionId.CAMERA].trigger()
    assert stage.camera.used == 0
    stage.wait_for_picture()
    stage.window.showMinimized()
    stage.wait(lambda: stage.camera.used is None)


def test_a_camera_that_fails_is_explained_and_tried_again(stage: Stage) -> None:
    stage.camera.failed.emit("The camera was disconnected.")
    assert stage.window.view.message == "The camera was disconnected."
    assert stage.window.view.accessibleName() == "The camera was disconnected."
    assert stage.camera.used is None
    assert not stage.recording.record.isEnabled()
    stage.camera._emit()  # a frame that was on its way
    stage.wait(lambda: not stage.controller._reader._is_busy)
    assert stage.window.view.message == "The camera was disconnected."
    stage.button("Try again").click()
    stage.wait_for_picture()
    assert stage.camera.used == 0

    stage.controller._silence.setInterval(50)
    stage.camera.colour = ""
    stage.wait(lambda: "sends no picture" in stage.window.view.message)
    assert stage.camera.used is None


def test_a_camera_is_used_when_it_is_connected(stage: Stage) -> None:
    stage.camera.names = []
    stage.controller._stop()
    stage.camera.cameras_changed.emit()
    assert stage.window.view.message.startswith("No camera found.")
    stage.camera.names = ["Built-in camera", "Microscope"]
    stage.camera.cameras_changed.emit()
    assert stage.camera.used == 0
    stage.wait_for_picture()
    assert stage.window.cameras.isVisible()
    stage.window.cameras.setCurrentIndex(1)
    stage.window.cameras.activated.emit(1)
    assert stage.camera.used == 1
    stage.wait_for_picture()


@pytest.mark.usefixtures("installed")
def test_without_qt_multimedia_the_user_is_told_how_to_get_it(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = window.actions_by_id[ActionId.CAMERA]
    for found, is_enabled in ((None, False), (object(), True)):
        monkeypatch.setattr(support, "find_spec", lambda _, found=found: found)
        support.missing_reason.cache_clear()
        window.availability.update()
        assert action.isEnabled() is is_enabled
        assert ("--extra camera" in action.toolTip()) is not is_enabled
    monkeypatch.setattr(support, "_MODULE", "tests.gui.camera.missing_library")
    action.trigger()
    camera = window.pages.camera
    qtbot.waitUntil(lambda: "can't be loaded" in camera.window.view.message, timeout=PATIENCE_MS)
    assert "missing_library" in camera.window.view.message
    camera.window.close()
