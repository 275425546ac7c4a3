"""The window's side of `core.worker`: calls under way in a helper process, each with signals of its own."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.base.errors import FoveaError
from core.worker import Call, Error, Event, Order, Result, Steer, Stopped, Warned
from gui.tasks.helper_process import HelperProcess


class Task(QObject):
    """A call under way.

    Attributes:
        progressed: what it reports on its way, most often a `Progress`.
        succeeded: it is done; what it returned.
        failed: it failed; a `FoveaError`.
        stopped: it was cancelled and has ended.
        ended: any of the three; told last.
        is_over: whether it has ended.
    """

    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(FoveaError)
    stopped = Signal()
    ended = Signal()

    def __init__(self, call: Call, steer: Callable[[Steer], None], parent: QObject) -> None:
        super().__init__(parent)
        self.call, self.is_over = call, False
        self._steer = steer

    def cancel(self) -> None:
        """Cancel the call; nothing happens if it has ended."""
        self._steer(Steer(self.call.id, Order.CANCEL))

    def abandon(self) -> None:
        """Cancel the call and listen to it no more: another one supersedes it."""
        self.blockSignals(True)
        self.cancel()

    def pause(self) -> None:
        """Let the call wait."""
        self._steer(Steer(self.call.id, Order.PAUSE))

    def resume(self) -> None:
        """Let a paused call run again."""
        self._steer(Steer(self.call.id, Order.RESUME))


class Tasks(QObject):
    """Runs calls in a helper process, which the first call starts, and the first one after it died.

    Attributes:
        warned: something the user should know.
        died: the process ended unexpectedly; calls under way have failed.
        failed: likewise, and it died several times before it said a word: starting it again would not help.
    """

    warned = Signal(str)
    died = Signal()
    failed = Signal()

    def __init__(self, serve: Callable[[Connection], None], death: FoveaError, parent: QObject) -> None:
        """`serve` runs in the helper; calls fail with `death` if it dies of them."""
        super().__init__(parent)
        self._death = death
        self._process = HelperProcess(serve, self)
        self._process.received.connect(self._on_received)
        self._process.died.connect(self._on_died)
        self._process.failed.connect(self._on_failed)
        self._ids = count(1)
        self._running: dict[int, Task] = {}
        self._is_started = self._is_closed = False

    @property
    def process_id(self) -> int | None:
        """The helper's process number while it lives."""
        return self._process.process_id

    def start(self, function: Callable[..., Any], *arguments: Any) -> Task:  # noqa: ANN401 - the function's own
        """Call a function of `core.api` in the helper process; returns at once."""
        self.prepare()
        call = Call(next(self._ids), function, arguments)
        task = self._running[call.id] = Task(call, self._send, self)
        self._process.send(call)
        return task

    def prepare(self) -> None:
        """Start the process, if it does not run, before there is a call."""
        if not self._is_started and not self._is_closed:
            self._process.start()
            self._is_started = True

    def close(self) -> None:
        """End the process, whatever it does; what is called afterwards is never answered."""
        self._running.clear()
        self._is_closed = True
        self._process.close()

    def _send(self, steer: Steer) -> None:
        if steer.id in self._running:
            self._process.send(steer)

    def _on_received(self, message: object) -> None:
        match message:
            case Warned(text):
                self.warned.emit(text)
            case Event(id_, value) if id_ in self._running:
                self._running[id_].progressed.emit(value)
            case Result() | Error() | Stopped() if message.id in self._running:
                self._end(self._running.pop(message.id), message)

    def _end(self, task: Task, answer: Result | Error | Stopped) -> None:
        task.is_over = True
        match answer:
            case Result(_, value):
                task.succeeded.emit(value)
            case Error(_, error):
                task.failed.emit(error)
            case Stopped():
                task.stopped.emit()
        task.ended.emit()
        task.deleteLater()

    def _on_died(self) -> None:
        self._fail_all()
        self.died.emit()

    def _on_failed(self) -> None:
        self._fail_all()
        self.failed.emit()

    def _fail_all(self) -> None:
        self._is_started = False
        left, self._running = self._running, {}
        for task in left.values():
            self._end(task, Error(task.call.id, self._death))


class LatestTask:
    """Calls of which only the latest is wanted: each one supersedes the one before."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._task: Task | None = None

    def start(self, function: Callable[..., Any], *arguments: Any) -> Task:  # noqa: ANN401 - the function's own
        """Call a function instead of what is under way."""
        self.abandon()
        self._task = self._tasks.start(function, *arguments)
        return self._task

    def abandon(self) -> None:
        """Cancel what is under way, and listen to it no more."""
        if self._task is not None and not self._task.is_over:
            self._task.abandon()
