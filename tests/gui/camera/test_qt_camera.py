"""Qt Multimedia itself, where the extra `camera` is installed: frames of a video file take the way of a camera's."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from gui.camera import support
from gui.camera.frames import FrameReader
from tests.gui.conftest import PATIENCE_MS

reason = "the extra `camera` is not installed, or a library that it needs is missing"
multimedia = pytest.importorskip("PySide6.QtMultimedia", reason=reason, exc_type=ImportError)
pytestmark = pytest.mark.qt_log_ignore(".*")


def write_video(file: Path) -> Path:
    """A video of red frames: JPEGs one after another."""
    frame = io.BytesIO()
    Image.new("RGB", (640, 480), "red").save(frame, "JPEG")
    file.write_bytes(frame.getvalue() * 50)
    return file


def test_frames_of_a_video_are_converted_outside_the_main_thread(qtbot: QtBot, tmp_path: Path) -> None:
    from gui.camera.qt_camera import QtCamera

    owner, shots = QObject(), list[QImage]()
    loaded: list[QtCamera] = []
    support.load_camera(owner, loaded.append, pytest.fail)
    qtbot.waitUntil(lambda: bool(loaded), timeout=PATIENCE_MS)
    camera, reader = loaded[0], FrameReader(owner)
    camera.arrived.connect(reader.put)
    reader.read.connect(shots.append)
    player = multimedia.QMediaPlayer(owner)
    player.setVideoSink(camera.sink)
    player.setSource(QUrl.fromLocalFile(str(write_video(tmp_path / "red.mjpeg"))))
    player.play()
    qtbot.waitUntil(lambda: len(shots) >= 3, timeout=PATIENCE_MS)
    player.stop()
    reader.close()
    red, green, blue, _ = shots[-1].pixelColor(320, 240).getRgb()
    assert shots[-1].size().toTuple() == (640, 480)
    assert red > 200
    assert max(green, blue) < 60


def test_a_camera_that_is_gone_starts_nothing(qtbot: QtBot) -> None:
    from gui.camera.qt_camera import QtCamera

    owner = QObject()
    camera = QtCamera(owner)
    failed: list[str] = []
    camera.failed.connect(failed.append)
    camera.start(len(camera.cameras()))
    camera._on_error(multimedia.QCamera.Error.CameraError, "Device or resource busy.")
    assert failed.pop() == "The camera can't be used: Device or resource busy. Another program may be using it."
    camera._on_answered(0, Qt.PermissionStatus.Denied)
    assert failed == ["Fovea may not use the camera. Allow it in the privacy settings of your system."]
    camera.stop()
