"""A helper process of the window, started and communicated with outside the main thread."""

from __future__ import annotations

import multiprocessing
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final

from PySide6.QtCore import QObject, Signal

from core.base import crash_log
from gui.tasks.main_thread import Dispatcher

_CONTEXT: Final = multiprocessing.get_context("spawn")
_TIMEOUT_S: Final = 5.0
_MAX_SILENT_STARTS: Final = 3
_NO_CRASHES: Final = (0, -signal.SIGTERM, 128 + signal.SIGTERM, 128 + signal.SIGINT)
"""Exit codes of a helper that was asked to end or terminated; a terminated one cannot remove its crash log."""


@dataclass(slots=True, eq=False)
class _Conversation:
    """The communication with one process; a restart begins a new one."""

    outbox: queue.SimpleQueue[object] = field(default_factory=queue.SimpleQueue)
    process: SpawnProcess | None = None
    is_over: bool = False


class HelperProcess(QObject):
    """Runs `serve(connection)` in a process of its own.

    Attributes:
        received: a message from the helper.
        died: the helper ended unexpectedly; it can be started again.
        failed: it died several times before sending a message; starting it again would not help.
    """

    received = Signal(object)
    died = Signal()
    failed = Signal()

    def __init__(self, serve: Callable[[Connection], None], parent: QObject) -> None:
        super().__init__(parent)
        self._serve = serve
        self._dispatcher = Dispatcher(self)
        self._conversation: _Conversation | None = None
        self._threads: list[threading.Thread] = []
        self._silent_starts = 0

    def start(self) -> None:
        """Start a process without waiting for it."""
        self._conversation = _Conversation()
        thread = threading.Thread(target=self._run_process, args=(self._conversation,), name="helper", daemon=True)
        self._threads = [*(known for known in self._threads if known.is_alive()), thread]
        thread.start()

    def send(self, message: object) -> None:
        """Send a message without blocking; it is lost if the helper dies first."""
        if self._conversation is not None:
            self._conversation.outbox.put(message)

    def close(self) -> None:
        """End the helper and wait briefly for its exit."""
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.is_over = True
            conversation.outbox.put(None)
            if conversation.process is not None:
                conversation.process.terminate()
        for thread in self._threads:
            thread.join(_TIMEOUT_S)

    @property
    def process_id(self) -> int | None:
        """The process ID while the helper runs."""
        process = self._conversation.process if self._conversation else None
        return process.pid if process is not None else None

    def _run_process(self, conversation: _Conversation) -> None:  # in its own thread
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=self._serve, args=(theirs,), daemon=True)
        process.start()
        conversation.process = process
        theirs.close()
        sender = threading.Thread(target=_send_all, args=(ours, conversation.outbox), name="helper-sender", daemon=True)
        sender.start()
        self._listen(ours, conversation)
        conversation.outbox.put(None)
        sender.join(_TIMEOUT_S)
        ours.close()
        if conversation.is_over:
            process.terminate()
        process.join(_TIMEOUT_S)
        if process.pid is not None and process.exitcode in _NO_CRASHES:
            crash_log.discard(process.pid)
        if not conversation.is_over:
            self._dispatcher.post(self._on_died, conversation)

    def _listen(self, connection: Connection, conversation: _Conversation) -> None:
        try:
            while not conversation.is_over:
                self._dispatcher.post(self._on_received, (conversation, connection.recv()))
        except (EOFError, OSError):
            return

    def _on_received(self, received: tuple[_Conversation, object]) -> None:
        conversation, message = received
        if conversation is self._conversation:
            self._silent_starts = 0
            self.received.emit(message)

    def _on_died(self, conversation: _Conversation) -> None:
        if conversation is self._conversation:
            self._conversation = None
            self._silent_starts += 1
            (self.died if self._silent_starts < _MAX_SILENT_STARTS else self.failed).emit()


def _send_all(connection: Connection, outbox: queue.SimpleQueue[object]) -> None:
    """Send messages from the outbox until None; runs in its own thread, because a full pipe blocks."""
    try:
        while (message := outbox.get()) is not None:
            connection.send(message)
    except OSError:
        return
