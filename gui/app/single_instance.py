"""A single window for each home: a second start passes its files to the window that is open, and exits.

The process that holds the lock is the first instance and listens. The lock ends with its process, so there is only one,
and a socket left behind by a killed process can be replaced. A first instance that does not answer, because it hangs or
belongs to another session, delays the second start briefly; the second start then opens a window of its own.
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
"""Size of a message in bytes, enough for some ten thousand files; a start with more opens its own window."""
_MAX_TOKEN: Final = 1000
_ACKNOWLEDGED: Final = b"taken\n"
_TOKEN: Final = "XDG_ACTIVATION_TOKEN"
"""The token by which Wayland lets a program raise its window; Qt reads it when a window is activated."""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request of a later start of the program: to show these files and raise the window.

    Attributes:
        files: absolute paths.
        token: the desktop's activation token; empty if there is none.
    """

    files: tuple[Path, ...]
    token: str = ""


class InstanceLock:
    """The lock that makes one process of a home the first instance.

    Attributes:
        is_first: whether this process receives the files of later starts; always False if the lock file cannot be
            created because the home is not writable.
    """

    def __init__(self) -> None:
        self._server: _Server | None = None
        self._on_request: Callable[[OpenRequest], object] = lambda _: None
        self._file = _open_lock()
        self.is_first = self._acquire()

    def send_files(self, files: Sequence[Path]) -> bool:
        """Send these files to the first instance and raise its window; takes at most two seconds.

        Returns:
            Whether it accepted them. If not, this process needs its own window, and may now be the first instance.
        """
        try:
            message = encode_request(OpenRequest(tuple(path.absolute() for path in files), os.environ.get(_TOKEN, "")))
        except OSError:  # the current folder of relative paths was deleted
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
        """Receive the requests of later starts; does nothing unless this is the first instance."""
        if not self.is_first:
            return
        self._on_request = on_request
        name = server_name()
        QLocalServer.removeServer(name)
        self._server = _Server(self._on_line)
        if not self._server.listen(name):
            self.release()  # better no first instance than one that never answers

    def release(self) -> None:
        """Stop listening, and let another process become the first instance."""
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
        """Carry out the request in this line; False if it is invalid or the window was closed in the meantime."""
        request = decode_request(line)
        if request is None or not self.is_first:
            return False
        self._on_request(request)
        return True


class _Server(QLocalServer):
    """Creates its sockets itself: Python does not learn when Qt deletes a socket it made, and would delete it twice."""

    def __init__(self, on_line: Callable[[bytes], bool]) -> None:
        super().__init__()
        self._on_line = on_line
        self.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)

    def incomingConnection(self, descriptor: int) -> None:
        _Connection(descriptor, self._on_line, self)


class _Connection(QLocalSocket):
    """The connection of a later start; closed after its request, at an oversized message, or on a timeout."""

    def __init__(self, descriptor: int, on_line: Callable[[bytes], bool], server: QLocalServer) -> None:
        super().__init__(server)
        self._on_line = on_line
        self.setReadBufferSize(_MAX_BYTES)
        self.readyRead.connect(self._read)
        self.disconnected.connect(self.deleteLater)
        timer = QTimer(self, interval=_TIMEOUT_MS, singleShot=True)
        timer.timeout.connect(self.abort)
        timer.start()
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
    """The socket name on which the first instance of this home and user listens."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    home = os.path.realpath(paths.settings_file().parent)
    return "fovea-" + hashlib.sha256(os.fsencode(f"{user}\n{home}")).hexdigest()[:24]


def encode_request(request: OpenRequest) -> bytes:
    """Encode a request as one line of JSON; file names that are not valid UTF-8 keep their bytes."""
    return json.dumps({"files": [str(path) for path in request.files], "token": request.token}).encode() + b"\n"


def decode_request(line: bytes) -> OpenRequest | None:
    """Decode the request in this line; None if it is invalid."""
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
    """Whether the operating system accepts this text as a file name."""
    try:
        return isinstance(value, str) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


def raise_window(window: QWidget, token: str) -> None:
    """Restore a window and raise it above all others; `token` is the desktop's activation token, or empty."""
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
    """Send a message and return whether the first instance acknowledged it before the deadline."""
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
    """Whether this user owns the socket; any user may create a socket of that name in the shared folder."""
    if not hasattr(os, "getuid"):
        return True
    user: int = os.getuid()
    try:
        return Path(socket.fullServerName()).lstat().st_uid == user
    except OSError:
        return False


def _allow_raise() -> None:
    """Let the first instance raise its window: on Windows, only the process in the foreground may allow that."""
    if sys.platform == "win32":
        import ctypes

        any_process = -1
        ctypes.windll.user32.AllowSetForegroundWindow(any_process)
