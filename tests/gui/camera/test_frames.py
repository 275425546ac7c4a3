"""Frames on their way: converted in a thread, one at a time, the newest first; at most one with the engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from core.images.drawing import Picture
from gui.camera.frames import FrameReader, to_picture
from gui.camera.live_classifier import LiveClassifier
from tests.gui.camera.fake_camera import solid
from tests.gui.conftest import PATIENCE_MS
from tests.patience import PATIENCE_S


@pytest.fixture
def reader(qtbot: QtBot) -> Iterator[FrameReader]:
    owner = QObject()
    made = FrameReader(owner)
    yield made
    made.close()


def test_a_frame_that_waits_is_superseded(reader: FrameReader, qtbot: QtBot) -> None:
    gate, shots, threads = threading.Event(), list[QImage](), list[QThread]()
    reader.read.connect(shots.append)

    def held() -> QImage:
        threads.append(QThread.currentThread())
        gate.wait(PATIENCE_S)
        return solid("red")

    reader.put(held)
    for colour in ("green", "white", "blue"):
        reader.put(lambda colour=colour: solid(colour))
    assert not shots
    gate.set()
    qtbot.waitUntil(lambda: len(shots) == 2, timeout=PATIENCE_MS)
    assert [shot.pixelColor(80, 60).name() for shot in shots] == ["#ff0000", "#0000ff"]
    assert threads[0] is not reader.thread()


def test_a_frame_that_cannot_be_converted_is_left_out(reader: FrameReader, qtbot: QtBot) -> None:
    shots: list[QImage] = []
    reader.read.connect(shots.append)
    reader.put(QImage)
    qtbot.waitUntil(lambda: not reader._is_busy, timeout=PATIENCE_MS)
    reader.put(lambda: solid("red", (2560, 1440)))
    qtbot.waitUntil(lambda: len(shots) == 1, timeout=PATIENCE_MS)
    assert shots[0].size().toTuple() == (1280, 720), "larger than any backbone reads"


def test_lines_of_odd_width_have_no_padding() -> None:
    image = QImage(5, 3, QImage.Format.Format_RGB32)
    image.fill(QColor("blue"))
    image.setPixelColor(4, 2, QColor(1, 2, 3))
    picture = to_picture(image)
    assert (picture.width, picture.height, len(picture.rgb)) == (5, 3, 45)
    assert picture.pixels()[2, 4].tolist() == [1, 2, 3]
    assert picture.pixels()[0, 0].tolist() == [0, 0, 255]


class FakeTask(QObject):
    progressed, ended = Signal(object), Signal()

    def abandon(self) -> None:
        self.blockSignals(True)


class FakeEngine:
    """Keeps the frames that it was sent."""

    def __init__(self) -> None:
        self.sent: list[Picture] = []
        self.tasks: list[FakeTask] = []

    def classify_picture(self, picture: Picture) -> FakeTask:
        self.sent.append(picture)
        self.tasks.append(FakeTask())
        return self.tasks[-1]


def test_at_most_one_frame_is_with_the_engine_and_the_newest_follows(qtbot: QtBot) -> None:
    engine, owner = FakeEngine(), QObject()
    live = LiveClassifier(engine, owner)  # type: ignore[arg-type]
    frames = [solid("red", (number + 1, 1)) for number in range(20)]
    for frame in frames[:10]:
        live.classify(frame)
    assert [one.width for one in engine.sent] == [1]
    engine.tasks[0].ended.emit()
    qtbot.waitUntil(lambda: len(engine.sent) == 2, timeout=PATIENCE_MS)
    assert engine.sent[1].width == 10
    live.classify(frames[10])
    live.stop()
    engine.tasks[1].ended.emit()
    live.classify(frames[11])
    qtbot.waitUntil(lambda: len(engine.sent) == 3, timeout=PATIENCE_MS)
    assert engine.sent[2].width == 12
