"""One window for one home: a second start gives its files to the window that is there, and ends.

Whoever holds the lock is the first and listens; the lock ends with its process, so that only one can be first, and a
socket that a killed one left behind is nobody's and can be taken over. A first that does not answer, because it hangs
or belongs to another session, costs the second start a moment and then does not stop it from opening its own window.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeGuard

from PySide6.QtCore import QDeadlineTimer, Qt, QTimer
from PySide6.QtNetwork import QLocalServer, QLocalSocket
from PySide6.QtWidgets import QWidget

from core.base import locks, paths

_TIMEOUT_MS: Final = 2000
_RETRY_S: Final = 0.02
_MAX_BYTES: Final = 1 << 20
"""Bytes of a message: some ten thousand files; who gives more gets a window of its own."""
_MAX_TOKEN: Final = 1000
_ACKNOWLEDGED: Final = b"taken\n"
_TOKEN: Final = "XDG_ACTIVATION_TOKEN"
"""How Wayland lets one program give another its turn to come forward; Qt reads it when a window is activated."""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """What a later start of the program wants: these files shown, and the window in front.

    Attributes:
        files: absolute paths.
        token: the desktop's leave to come forward; empty where it gives none.
    """

    files: tuple[Path, ...]
    token: str = ""


class InstanceLock:
    """This process's place among those of one home.

    Attributes:
        is_first: whether this is the one whose window takes what later starts are given; where no lock can be had,
            because the home cannot be written to, nobody is.
    """

    def __init__(self) -> None:
        self._server: _Server | None = None
        self._on_request: Callable[[OpenRequest], object] = lambda _: None
        self._file = _open_lock()
        self.is_first = self._acquire()

    def send_files(self, files: Sequence[Path]) -> bool:
        """Give these files to the first window and have it come forward; at most two seconds.

        Returns:
            Whether it took them; if not, this process needs a window of its own, and is perhaps the first by now.
        """
        try:
            message = encode_request(OpenRequest(tuple(path.absolute() for path in files), os.environ.get(_TOKEN, "")))
        except OSError:  # relative paths, and the folder they are relative to is gone
            return False
        if self.is_first or len(message) > _MAX_BYTES:
            return False
        _allow_raise()
        deadline = QDeadlineTimer(_TIMEOUT_MS)
        while self._file is not None and not self.is_first and not deadline.hasExpired():
            if _send(message, deadline):
                return True
            time.sleep(_RETRY_S)
            self.is_first = self._acquire()
        return False

    def listen(self, on_request: Callable[[OpenRequest], object]) -> None:
        """Take what later starts want from now on; does nothing unless this is the first."""
        if not self.is_first:
            return
        self._on_request = on_request
        name = server_name()
        QLocalServer.removeServer(name)
        self._server = _Server(self._on_line)
        if not self._server.listen(name):
            self.release()  # rather no first than one that others wait for in vain

    def release(self) -> None:
        """Take nothing any more, and let another be the first."""
        if self._server is not None:
            self._server.close()
        if self._file is not None:
            self._file.close()
        self._file, self.is_first = None, False

    def _acquire(self) -> bool:
        try:
            return self._file is not None and locks.try_lock(self._file)
        except OSError:
            self.release()
            return False

    def _on_line(self, line: bytes) -> bool:
        """Do what this line asks for; False if it is no call, or if the window was closed meanwhile."""
        request = decode_request(line)
        if request is None or not self.is_first:
            return False
        self._on_request(request)
        return True


class _Server(QLocalServer):
    """Makes its sockets itself: Python is not told when one made by Qt is deleted, and would delete it once more."""

    def __init__(self, on_line: Callable[[bytes], bool]) -> None:
        super().__init__()
        self._on_line = on_line
        self.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)

    def incomingConnection(self, descriptor: int) -> None:
        _Connection(descriptor, self._on_line, self)


class _Connection(QLocalSocket):
    """A later start of the program, until it was heard, says too much, or says nothing for too long."""

    def __init__(self, descriptor: int, on_line: Callable[[bytes], bool], server: QLocalServer) -> None:
        super().__init__(server)
        self._on_line = on_line
        self.setReadBufferSize(_MAX_BYTES)
        self.readyRead.connect(self._read)
        self.disconnected.connect(self.deleteLater)
        too_long = QTimer(self, interval=_TIMEOUT_MS, singleShot=True)
        too_long.timeout.connect(self.abort)
        too_long.start()
        self.setSocketDescriptor(descriptor)

    def _read(self) -> None:
        if not self.canReadLine():
            if self.bytesAvailable() >= _MAX_BYTES:
                self.abort()
        elif self._on_line(bytes(self.readLine().data())):
            self.write(_ACKNOWLEDGED)
            self.disconnectFromServer()
        else:
            self.abort()


def server_name() -> str:
    """The name under which the first window of this home and this user listens."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    home = os.path.realpath(paths.settings_file().parent)
    return "fovea-" + hashlib.sha256(os.fsencode(f"{user}\n{home}")).hexdigest()[:24]


def encode_request(request: OpenRequest) -> bytes:
    """A call as one line of JSON; names that are not UTF-8 keep their bytes."""
    return json.dumps({"files": [str(path) for path in request.files], "token": request.token}).encode() + b"\n"


def decode_request(line: bytes) -> OpenRequest | None:
    """The call in this line; None where it holds none."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    names, token = content.get("files"), content.get("token")
    if not isinstance(names, list) or not all(_is_name(name) and Path(name).is_absolute() for name in names):
        return None
    if not _is_name(token) or len(token) > _MAX_TOKEN:
        return None
    return OpenRequest(tuple(Path(name) for name in names), token)


def _is_name(value: object) -> TypeGuard[str]:
    """Whether the system could be given this text."""
    try:
        return isinstance(value, str) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


def raise_window(window: QWidget, token: str) -> None:
    """Show a window in front of all others, as large as it was; `token` is the desktop's leave, where it gives one."""
    if token:
        os.environ[_TOKEN] = token
    window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
    window.raise_()
    window.activateWindow()
    os.environ.pop(_TOKEN, None)


def _open_lock() -> BinaryIO | None:
    path = paths.window_lock()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError:
        return None


def _send(message: bytes, deadline: QDeadlineTimer) -> bool:
    """Whether the first took this message before the deadline."""
    socket = QLocalSocket()
    socket.connectToServer(server_name())
    if not socket.waitForConnected(deadline.remainingTime()) or not _is_same_user(socket):
        return False
    socket.write(message)
    while not socket.canReadLine() and not deadline.hasExpired():
        if not socket.waitForReadyRead(deadline.remainingTime()):
            break
    return bytes(socket.readLine().data()) == _ACKNOWLEDGED


def _is_same_user(socket: QLocalSocket) -> bool:
    """Whether who listens is this user; sockets lie where anybody may make one of any name."""
    if not hasattr(os, "getuid"):
        return True
    user: int = os.getuid()
    try:
        return Path(socket.fullServerName()).lstat().st_uid == user
    except OSError:
        return False


def _allow_raise() -> None:
    """Windows lets a program come forward only by leave of the one that the person just used: this one."""
    if sys.platform == "win32":
        import ctypes

        anybody = -1
        ctypes.windll.user32.AllowSetForegroundWindow(anybody)
