"""The client of `core.worker`: calls that run in a helper process, each with its own signals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.base.errors import FoveaError
from core.worker import Call, Error, Event, Order, Result, Steer, Stopped, Warned
from gui.tasks.helper_process import HelperProcess


class Task(QObject):
    """A running call.

    Attributes:
        progressed: a progress report or event, usually a `Progress`.
        succeeded: the call returned this result.
        failed: the call failed with this error.
        stopped: the call was cancelled and has ended.
        ended: the call ended in any of these ways; emitted last.
        is_over: whether the call has ended.
        repeats: whether the call is made again if the process dies meanwhile, instead of failing.
        is_paused: whether the call was paused, and not resumed since.
    """

    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(FoveaError)
    stopped = Signal()
    ended = Signal()

    def __init__(self, call: Call, steer: Callable[[Steer], None], parent: QObject, *, repeats: bool) -> None:
        super().__init__(parent)
        self.repeats = repeats
        self.call, self.is_over, self.is_paused = call, False, False
        self._steer = steer

    def cancel(self) -> None:
        """Cancel the call; does nothing if it has ended."""
        self._steer(Steer(self.call.id, Order.CANCEL))

    def abandon(self) -> None:
        """Cancel the call and ignore its signals, because another one supersedes it."""
        self.blockSignals(True)
        self.cancel()

    def pause(self) -> None:
        """Pause the call."""
        self.is_paused = True
        self._steer(Steer(self.call.id, Order.PAUSE))

    def resume(self) -> None:
        """Resume a paused call."""
        self.is_paused = False
        self._steer(Steer(self.call.id, Order.RESUME))


class Tasks(QObject):
    """Runs calls in a helper process, which is started by the first call, and again by the first call after a crash.

    Attributes:
        death: the error of calls that fail because the process died.
        warned: a warning for the user.
        died: the process ended unexpectedly; running calls have failed, or are made again.
        failed: the process died several times before sending a message; starting it again would not help.
    """

    warned = Signal(str)
    died = Signal()
    failed = Signal()

    def __init__(self, serve: Callable[[Connection], None], death: FoveaError, parent: QObject) -> None:
        """`serve` runs in the helper; running calls fail with `death` if it dies."""
        super().__init__(parent)
        self.death = death
        self._process = HelperProcess(serve, self)
        self._process.received.connect(self._on_received)
        self._process.died.connect(self._on_died)
        self._process.failed.connect(self._on_failed)
        self._ids = count(1)
        self._running: dict[int, Task] = {}
        self._is_started = self._is_closed = False

    @property
    def process_id(self) -> int | None:
        """The process ID while the helper runs."""
        return self._process.process_id

    def start(self, function: Callable[..., Any], *arguments: Any, repeats: bool = False) -> Task:  # noqa: ANN401 - the function's own
        """Call a function of `core.api` in the helper process, without waiting for it.

        Args:
            function: a module-level function.
            arguments: its positional arguments.
            repeats: whether to call it again if the process dies meanwhile, which may report events twice.
        """
        task = Task(Call(next(self._ids), function, arguments), self._send, self, repeats=repeats)
        self._submit(task)
        return task

    def _submit(self, task: Task) -> None:
        if not self._is_started and not self._is_closed:
            self._process.start()
            self._is_started = True
        self._running[task.call.id] = task
        self._process.send(task.call)

    def close(self) -> None:
        """End the process immediately; later calls are never answered."""
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
        repeated = [task for task in self._running.values() if task.repeats]
        self._fail([task for task in self._running.values() if not task.repeats])
        for task in repeated:
            self._submit(task)
        self.died.emit()

    def _on_failed(self) -> None:
        self._fail(list(self._running.values()))
        self.failed.emit()

    def _fail(self, tasks: Iterable[Task]) -> None:
        self._is_started, self._running = False, {}
        for task in tasks:
            self._end(task, Error(task.call.id, self.death))


class LatestTask:
    """Runs calls of which only the latest matters: each one supersedes the previous one."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._task: Task | None = None

    def start(self, function: Callable[..., Any], *arguments: Any) -> Task:  # noqa: ANN401 - the function's own
        """Call a function, abandoning a running call."""
        self.abandon()
        self._task = self._tasks.start(function, *arguments)
        return self._task

    def abandon(self) -> None:
        """Cancel a running call and ignore its signals."""
        if self._task is not None and not self._task.is_over:
            self._task.abandon()
