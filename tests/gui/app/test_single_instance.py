"""A second start passes its files to the open window, or opens its own window if that fails for any reason."""

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
from tests.patience import PATIENCE_MS, PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
ABSOLUTE = str(Path("photo.png").absolute())

pytestmark = pytest.mark.qt_log_ignore("does not support raise")

# The real program, which waits longer for the first instance: this process may be busy.
_PROGRAM = f"""
import sys
from gui.app import single_instance
single_instance._TIMEOUT_MS = {PATIENCE_MS}
from gui.__main__ import main
sys.exit(main())
"""

# A first instance without a window, which reports that it listens and is then killed.
_FIRST = """
import sys
from PySide6.QtCore import QCoreApplication
from gui.app.single_instance import InstanceLock
application = QCoreApplication([])
lock = InstanceLock()
lock.listen(lambda request: None)
print(lock.is_first, flush=True)
application.exec()
"""


# A second start with more files than fit on a command line.
_GENEROUS = f"""
import sys
from pathlib import Path
from gui.app import single_instance
single_instance._TIMEOUT_MS = {PATIENCE_MS}
files = [Path("/photos/of a long journey/%08d.jpg" % number).absolute() for number in range(12_000)]
sys.exit(0 if single_instance.InstanceLock().send_files(files) else 1)
"""


@pytest.fixture
def first(qapp: QApplication) -> Iterator[InstanceLock]:
    """The first instance of this home, which does not listen yet."""
    lock = InstanceLock()
    assert lock.is_first
    yield lock
    lock.release()


@pytest.fixture
def no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test fails if a message is sent, which would also wait for an answer."""
    monkeypatch.setattr(single_instance, "_send", lambda *_: pytest.fail("a message is sent"))


def start(*files: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start the real program a second time."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", _PROGRAM, *files], env=environment, cwd=folder)


def wait_for(program: subprocess.Popen[bytes], qtbot: QtBot) -> int | None:
    """The exit code of the program, while this process keeps handling events."""
    try:
        qtbot.waitUntil(lambda: program.poll() is not None, timeout=PATIENCE_MS)
    finally:
        program.kill()
        program.wait()
    return program.returncode


def names(window: MainWindow) -> set[str]:
    return {photo.path.name for photo in window.session.photos.photos()}


def test_a_second_start_passes_its_files_to_the_first_window(
    window: MainWindow, first: InstanceLock, qtbot: QtBot, solids: dict[str, Path]
) -> None:
    first.listen(lambda request: application.open_request(window, request))
    window.showMinimized()
    second = start("red.png", str(solids["blue"]), folder=solids["red"].parent)
    assert wait_for(second, qtbot) == 0
    qtbot.waitUntil(lambda: names(window) == {"red.png", "blue.png"}, timeout=PATIENCE_MS)
    assert {photo.path for photo in window.session.photos.photos()} == {solids["red"], solids["blue"]}
    assert not window.isMinimized()


def test_a_second_start_without_files_raises_the_window(
    window: MainWindow, first: InstanceLock, qtbot: QtBot, tmp_path: Path
) -> None:
    first.listen(lambda request: application.open_request(window, request))
    window.showMinimized()
    assert wait_for(start(folder=tmp_path), qtbot) == 0
    assert not window.isMinimized()
    assert names(window) == set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are not UTF-8")
def test_file_names_that_are_not_utf8_are_passed_on(first: InstanceLock, qtbot: QtBot, solids: dict[str, Path]) -> None:
    requests: list[OpenRequest] = []
    first.listen(requests.append)
    file = solids["red"].rename(solids["red"].with_name(os.fsdecode(b"caf\xe9.png")))
    assert wait_for(start(file.name, folder=file.parent), qtbot) == 0
    assert [request.files for request in requests] == [(file,)]


def test_many_files_are_passed_on_at_once(first: InstanceLock, qtbot: QtBot) -> None:
    """The message is larger than the system's buffer."""
    requests: list[OpenRequest] = []
    first.listen(requests.append)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert wait_for(subprocess.Popen([sys.executable, "-c", _GENEROUS], env=environment), qtbot) == 0
    assert len(requests[0].files) == 12_000


def test_more_files_than_a_message_holds_are_not_sent(first: InstanceLock, no_message: None) -> None:
    first.listen(lambda request: None)
    later = InstanceLock()
    assert not later.send_files([Path(f"/photos/{number:0200}.jpg") for number in range(6_000)])
    later.release()


def test_a_hanging_first_instance_does_not_block_the_second(first: InstanceLock, qtbot: QtBot) -> None:
    first.listen(lambda request: None)  # but the main thread is blocked by the call below
    later, begun = InstanceLock(), time.monotonic()
    assert not later.send_files([])
    assert 1.5 < time.monotonic() - begun < PATIENCE_S
    assert not later.is_first
    later.release()


def test_a_start_that_waits_for_a_closing_instance_becomes_the_first(
    first: InstanceLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window of the first instance was closed, but its process still holds the lock and does not answer."""
    monkeypatch.setattr(single_instance, "_TIMEOUT_MS", PATIENCE_MS)
    threading.Timer(0.3, first.release).start()
    later, begun = InstanceLock(), time.monotonic()
    assert not later.send_files([])
    assert time.monotonic() - begun < PATIENCE_S
    assert later.is_first
    later.release()


@pytest.mark.skipif(os.name == "nt", reason="only POSIX leaves sockets behind")
def test_the_socket_of_a_killed_instance_is_replaced(qtbot: QtBot, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-c", _FIRST]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "True\n"
        killed.send_signal(signal.SIGKILL)
    socket = QLocalSocket()
    socket.connectToServer(server_name())
    assert not socket.waitForConnected(500)
    assert Path(socket.fullServerName()).exists(), "the killed process left its socket behind"
    lock, requests = InstanceLock(), list[OpenRequest]()
    assert lock.is_first
    lock.listen(requests.append)
    assert wait_for(start(folder=tmp_path), qtbot) == 0
    assert requests == [OpenRequest(())]
    lock.release()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="ownership of pipes differs on Windows")
def test_files_are_not_sent_to_the_socket_of_another_user(first: InstanceLock, monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[OpenRequest] = []
    first.listen(requests.append)
    name, user = server_name(), os.getuid()
    monkeypatch.setattr(single_instance, "server_name", lambda: name)
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    later = InstanceLock()
    assert not later.send_files([Path(ABSOLUTE)])
    assert requests == []
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
def test_an_invalid_line_is_no_request(line: bytes) -> None:
    assert decode_request(json.dumps(_CONTENT).encode()) == OpenRequest((Path(ABSOLUTE),))
    assert decode_request(line) is None


@pytest.mark.skipif(os.name == "nt", reason="Windows accepts lone surrogates in file names")
def test_a_lone_surrogate_is_no_file_name() -> None:
    assert decode_request(b'{"files": ["/\\ud800"], "token": ""}') is None


def test_a_request_survives_encoding_and_decoding() -> None:
    request = OpenRequest((Path(ABSOLUTE), Path("/a/b\nc/\udce9 é 図.png").absolute()), "token")
    assert encode_request(request).count(b"\n") == 1
    assert decode_request(encode_request(request)) == request


@pytest.mark.parametrize("sent", [b"nonsense\n", b"x" * (2 << 20), b"no end"], ids=["nonsense", "endless", "silent"])
def test_invalid_clients_are_disconnected_and_others_are_served(first: InstanceLock, qtbot: QtBot, sent: bytes) -> None:
    requests: list[OpenRequest] = []
    first.listen(requests.append)
    stranger, caller = QLocalSocket(), QLocalSocket()
    stranger.connectToServer(server_name())
    stranger.write(sent)
    caller.connectToServer(server_name())
    caller.write(encode_request(OpenRequest((Path(ABSOLUTE),))))
    qtbot.waitUntil(lambda: caller.canReadLine(), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: stranger.state() is QLocalSocket.LocalSocketState.UnconnectedState, timeout=PATIENCE_MS)
    assert requests == [OpenRequest((Path(ABSOLUTE),))]


@pytest.mark.skipif(os.name == "nt", reason="file modes exist only on POSIX")
def test_the_socket_is_accessible_only_to_the_user(first: InstanceLock) -> None:
    first.listen(lambda request: None)
    socket = QLocalSocket()
    socket.connectToServer(server_name())
    assert Path(socket.fullServerName()).stat().st_mode & 0o077 == 0


def test_two_homes_have_independent_instances(
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


def test_a_home_that_is_not_writable_has_no_first_instance(home: Path, no_message: None) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    home.write_text("a file instead of the folder")
    lock = InstanceLock()
    assert not lock.is_first
    assert not lock.send_files([Path(ABSOLUTE)])
    lock.listen(lambda request: pytest.fail("no request is sent"))
    lock.release()


def test_a_file_system_without_locks_has_no_first_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: BinaryIO) -> bool:
        raise OSError("no locks available")

    monkeypatch.setattr(single_instance.locks, "try_lock", refuse)
    lock = InstanceLock()
    assert not lock.is_first
    assert not lock.send_files([])
    lock.release()


@pytest.mark.skipif(os.name == "nt", reason="TMPDIR determines the folder of sockets only on POSIX")
def test_an_instance_that_cannot_listen_gives_up_the_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (deep := tmp_path / ("x" * 200)).mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))  # longer than the name of a socket may be
    lock = InstanceLock()
    assert lock.is_first
    lock.listen(lambda request: None)
    assert not lock.is_first
    other = InstanceLock()
    assert other.is_first
    other.release()


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete the current folder of a process")
def test_relative_paths_in_a_deleted_folder_are_not_sent(
    first: InstanceLock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    later = InstanceLock()
    assert not later.send_files([Path("photo.png")])
    later.release()


def test_the_activation_token_is_used_once(first: InstanceLock, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wayland raises no window without it, and Qt reads it only from the environment."""
    seen: list[str | None] = []

    class Watching(QWidget):
        def activateWindow(self) -> None:  # noqa: N802 - Qt's name
            seen.append(os.environ.get("XDG_ACTIVATION_TOKEN"))

    window = Watching()
    qtbot.addWidget(window)
    single_instance.raise_window(window, "token")
    assert seen == ["token"]
    assert "XDG_ACTIVATION_TOKEN" not in os.environ


def test_the_lock_file_is_beside_the_settings() -> None:
    assert paths.window_lock().parent == paths.settings_file().parent
