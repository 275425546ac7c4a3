"""A second start gives its files to the window that is there; nothing it could meet keeps it from opening its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from PySide6.QtNetwork import QLocalSocket
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from core.base import paths
from gui.app import application, single_instance
from gui.app.single_instance import InstanceLock, OpenRequest, decode_request, encode_request, server_name
from gui.shell.main_window import MainWindow
from tests.gui.conftest import PATIENCE_MS

ROOT = Path(__file__).resolve().parents[3]
ABSOLUTE = str(Path("photo.png").absolute())

pytestmark = pytest.mark.qt_log_ignore("does not support raise")

# A first window as far as others can tell; it says when it listens, and is then killed.
_FIRST = """
import sys
from PySide6.QtCore import QCoreApplication
from gui.app.single_instance import InstanceLock
application = QCoreApplication([])
place = InstanceLock()
place.listen(lambda call: None)
print(place.is_first, flush=True)
application.exec()
"""


# A later start that gives more files than a command line holds.
_GENEROUS = """
import sys
from pathlib import Path
from gui.app.single_instance import InstanceLock
files = [Path(f"/photos/of a long journey/{number:08}.jpg").absolute() for number in range(12_000)]
sys.exit(0 if InstanceLock().send_files(files) else 1)
"""


@pytest.fixture
def first(qapp: QApplication) -> Iterator[InstanceLock]:
    """The first of this home; it listens once a test says so."""
    place = InstanceLock()
    assert place.is_first
    yield place
    place.release()


def start(*files: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start the real program a second time."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", "gui", *files], env=environment, cwd=folder)


def wait_for(program: subprocess.Popen[bytes], qtbot: QtBot) -> int | None:
    """The program's exit code, while this process's window goes on."""
    try:
        qtbot.waitUntil(lambda: program.poll() is not None, timeout=PATIENCE_MS)
    finally:
        program.kill()
        program.wait()
    return program.returncode


def names(window: MainWindow) -> set[str]:
    return {photo.path.name for photo in window.session.photos.photos()}


def test_a_second_start_gives_its_files_to_the_first_window(
    window: MainWindow, first: InstanceLock, qtbot: QtBot, solids: dict[str, Path]
) -> None:
    first.listen(lambda call: application.open_request(window, call))
    window.showMinimized()
    second = start("red.png", str(solids["blue"]), folder=solids["red"].parent)
    assert wait_for(second, qtbot) == 0
    qtbot.waitUntil(lambda: names(window) == {"red.png", "blue.png"}, timeout=PATIENCE_MS)
    assert {photo.path for photo in window.session.photos.photos()} == {solids["red"], solids["blue"]}
    assert not window.isMinimized()


def test_a_second_start_without_files_only_calls_the_window(
    window: MainWindow, first: InstanceLock, qtbot: QtBot, tmp_path: Path
) -> None:
    first.listen(lambda call: application.open_request(window, call))
    window.showMinimized()
    assert wait_for(start(folder=tmp_path), qtbot) == 0
    assert not window.isMinimized()
    assert names(window) == set()


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8 are of Linux")
def test_names_that_are_no_utf8_arrive(first: InstanceLock, qtbot: QtBot, solids: dict[str, Path]) -> None:
    calls: list[OpenRequest] = []
    first.listen(calls.append)
    file = solids["red"].rename(solids["red"].with_name(os.fsdecode(b"caf\xe9.png")))
    assert wait_for(start(file.name, folder=file.parent), qtbot) == 0
    assert [call.files for call in calls] == [(file,)]


def test_many_files_at_once_arrive(first: InstanceLock, qtbot: QtBot) -> None:
    """More than fits into the system's own buffer."""
    calls: list[OpenRequest] = []
    first.listen(calls.append)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert wait_for(subprocess.Popen([sys.executable, "-c", _GENEROUS], env=environment), qtbot) == 0
    assert len(calls[0].files) == 12_000


def test_more_than_a_message_holds_needs_a_window_of_its_own(first: InstanceLock) -> None:
    first.listen(lambda call: None)
    later, begun = InstanceLock(), time.monotonic()
    assert not later.send_files([Path(f"/photos/{number:0200}.jpg") for number in range(6_000)])
    assert time.monotonic() - begun < 1
    later.release()


def test_a_first_that_hangs_does_not_stop_the_second(first: InstanceLock, qtbot: QtBot) -> None:
    first.listen(lambda call: None)  # and then this thread, whose window it would be, does nothing but wait
    later, begun = InstanceLock(), time.monotonic()
    assert not later.send_files([])
    assert 1.5 < time.monotonic() - begun < 4
    assert not later.is_first
    later.release()


def test_who_waits_for_a_first_that_ends_is_the_next_first(first: InstanceLock) -> None:
    """Its window was closed and it is not gone yet: it holds the lock and answers nobody."""
    threading.Timer(0.3, first.release).start()
    later, begun = InstanceLock(), time.monotonic()
    assert not later.send_files([])
    assert time.monotonic() - begun < 1.5
    assert later.is_first
    later.release()


@pytest.mark.skipif(os.name == "nt", reason="only POSIX leaves a socket behind")
def test_the_socket_of_a_killed_first_is_taken_over(qtbot: QtBot, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-c", _FIRST]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "True\n"
        killed.send_signal(signal.SIGKILL)
    socket = QLocalSocket()
    socket.connectToServer(server_name())
    assert not socket.waitForConnected(500)
    assert Path(socket.fullServerName()).exists(), "this test needs a socket that was left behind"
    place, calls = InstanceLock(), list[OpenRequest]()
    assert place.is_first
    place.listen(calls.append)
    assert wait_for(start(folder=tmp_path), qtbot) == 0
    assert calls == [OpenRequest(())]
    place.release()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="pipes of Windows have other owners")
def test_files_are_told_to_nobody_elses_socket(first: InstanceLock, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[OpenRequest] = []
    first.listen(calls.append)
    name, user = server_name(), os.getuid()
    monkeypatch.setattr(single_instance, "server_name", lambda: name)
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    later = InstanceLock()
    assert not later.send_files([Path(ABSOLUTE)])
    assert calls == []
    later.release()


_CONTENT = {"files": [ABSOLUTE], "token": ""}


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"\x00\xff\xfe\n",
        b"[]\n",
        b"[" * 100_000 + b"\n",
        b"1" * 5_000 + b"\n",
        json.dumps({**_CONTENT, "files": ABSOLUTE}).encode(),
        json.dumps({**_CONTENT, "files": [7]}).encode(),
        json.dumps({**_CONTENT, "files": ["relative.png"]}).encode(),
        json.dumps({**_CONTENT, "files": [ABSOLUTE + "\0"]}).encode(),
        json.dumps({**_CONTENT, "token": None}).encode(),
        json.dumps({**_CONTENT, "token": "x" * 2_000}).encode(),
        json.dumps({"files": [ABSOLUTE]}).encode(),
    ],
    ids=lambda line: repr(line[:40]),
)
def test_a_line_that_is_no_call_is_none(line: bytes) -> None:
    assert decode_request(json.dumps(_CONTENT).encode()) == OpenRequest((Path(ABSOLUTE),))
    assert decode_request(line) is None


@pytest.mark.skipif(os.name == "nt", reason="Windows takes half characters for names")
def test_half_a_character_is_no_name() -> None:
    assert decode_request(b'{"files": ["/\\ud800"], "token": ""}') is None


def test_a_call_comes_back_as_it_was() -> None:
    call = OpenRequest((Path(ABSOLUTE), Path("/a/b\nc/\udce9 é 図.png").absolute()), "token")
    assert encode_request(call).count(b"\n") == 1
    assert decode_request(encode_request(call)) == call


@pytest.mark.parametrize("sent", [b"nonsense\n", b"x" * (2 << 20), b"no end"], ids=["nonsense", "endless", "silent"])
def test_who_sends_nonsense_is_hung_up_on_and_others_are_served(first: InstanceLock, qtbot: QtBot, sent: bytes) -> None:
    calls: list[OpenRequest] = []
    first.listen(calls.append)
    stranger, caller = QLocalSocket(), QLocalSocket()
    stranger.connectToServer(server_name())
    stranger.write(sent)
    caller.connectToServer(server_name())
    caller.write(encode_request(OpenRequest((Path(ABSOLUTE),))))
    qtbot.waitUntil(lambda: caller.canReadLine(), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: stranger.state() is QLocalSocket.LocalSocketState.UnconnectedState, timeout=PATIENCE_MS)
    assert calls == [OpenRequest((Path(ABSOLUTE),))]


@pytest.mark.skipif(os.name == "nt", reason="the modes of files are of POSIX")
def test_nobody_else_may_speak_to_the_window(first: InstanceLock) -> None:
    first.listen(lambda call: None)
    socket = QLocalSocket()
    socket.connectToServer(server_name())
    assert Path(socket.fullServerName()).stat().st_mode & 0o077 == 0


def test_two_homes_are_two_programs(
    first: InstanceLock, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = server_name()
    assert str(tmp_path) not in name
    assert server_name() == name
    monkeypatch.setenv("FOVEA_HOME", str(tmp_path / "another"))
    other = InstanceLock()
    assert other.is_first
    assert server_name() != name
    other.release()
    (tmp_path / "link").symlink_to(home)
    monkeypatch.setenv("FOVEA_HOME", str(tmp_path / "link"))
    assert server_name() == name


def test_a_home_that_cannot_be_written_has_no_first(home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    home.write_text("a file where the folder should be")
    place, begun = InstanceLock(), time.monotonic()
    assert not place.is_first
    assert not place.send_files([Path(ABSOLUTE)])
    assert time.monotonic() - begun < 1
    place.listen(lambda call: pytest.fail("nobody calls"))
    place.release()


def test_a_file_system_without_locks_has_no_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: BinaryIO) -> bool:
        raise OSError("no locks available")

    monkeypatch.setattr(single_instance.locks, "try_lock", refuse)
    place = InstanceLock()
    assert not place.is_first
    assert not place.send_files([])
    place.release()


@pytest.mark.skipif(os.name == "nt", reason="the socket's folder is chosen like this on POSIX")
def test_a_first_that_cannot_listen_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (deep := tmp_path / ("x" * 200)).mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))  # more than the name of a socket may be long
    place = InstanceLock()
    assert place.is_first
    place.listen(lambda call: None)
    assert not place.is_first
    other = InstanceLock()
    assert other.is_first
    other.release()


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the folder a program stands in")
def test_relative_files_of_a_folder_that_is_gone_stop_nothing(
    first: InstanceLock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    later = InstanceLock()
    assert not later.send_files([Path("photo.png")])
    later.release()


def test_the_desktops_leave_is_used_once(first: InstanceLock, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wayland lets no window come forward without it, and Qt looks for it only in the environment."""
    seen: list[str | None] = []

    class Watching(QWidget):
        def activateWindow(self) -> None:  # noqa: N802 - Qt's name
            seen.append(os.environ.get("XDG_ACTIVATION_TOKEN"))

    window = Watching()
    qtbot.addWidget(window)
    single_instance.raise_window(window, "leave")
    assert seen == ["leave"]
    assert "XDG_ACTIVATION_TOKEN" not in os.environ


def test_the_lock_lies_with_the_settings() -> None:
    assert paths.window_lock().parent == paths.settings_file().parent
