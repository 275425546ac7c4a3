"""The one channel between the window and its helper processes: calls go in, progress and results come out.

A helper process runs `Worker.run`; the window's side is `gui.tasks.task`. Calls name functions of `core.api`, which are
pickled by reference, so no message has to be declared for each.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Any, Final, TypeAlias

from core.base.errors import Cancelled, FoveaError, ImageError
from core.base.i18n import tr
from core.base.progress import CancelToken

_PATIENCE_S: Final = 10.0
"""How long calls may take to end after the window has closed; processes that they started end with them."""

_log = logging.getLogger(__name__)

# ---- to the helper


@dataclass(frozen=True, slots=True)
class Call:
    """Run a function.

    Attributes:
        id: the number of the call; its answers carry the same one.
        function: a module-level function. If it has parameters `report` and `token`, they are passed by keyword.
        arguments: its positional arguments.
    """

    id: int
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


class Order(StrEnum):
    """A control for a running call."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Steer:
    """Cancel, pause or resume a call; ignored if it has just ended."""

    id: int
    order: Order


# ---- from the helper


@dataclass(frozen=True, slots=True)
class Event:
    """A report of a running call: its progress, or anything else it passes to `report`."""

    id: int
    value: Any


@dataclass(frozen=True, slots=True)
class Result:
    """The call has succeeded, with the return value of the function."""

    id: int
    value: Any


@dataclass(frozen=True, slots=True)
class Error:
    """The call failed."""

    id: int
    error: FoveaError


@dataclass(frozen=True, slots=True)
class Stopped:
    """The call was cancelled and has ended."""

    id: int


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning that the core logged, such as a provider that no longer works."""

    text: str


Message: TypeAlias = Event | Result | Error | Stopped | Warned


@dataclass(slots=True, eq=False)
class _Running:
    """A running call and its thread."""

    call: Call
    token: CancelToken = field(default_factory=CancelToken)
    thread: threading.Thread | None = None


class Worker:
    """Serves one window; each call runs in its own thread, so that short calls overtake long ones."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._running: dict[int, _Running] = {}

    def run(self) -> None:
        """Answer calls until the window closes, then cancel those that are running."""
        with _warnings_to(self._send):
            with contextlib.suppress(EOFError, OSError):
                while True:
                    self._handle(self._connection.recv())
            self._close()

    def _handle(self, request: Call | Steer) -> None:
        if isinstance(request, Call):
            running = self._running[request.id] = _Running(request)
            running.thread = threading.Thread(target=self._work, args=(running,), name="call", daemon=True)
            running.thread.start()
            return
        known = self._running.get(request.id)
        if known is not None:  # otherwise the call has just ended, in its own thread
            token = known.token
            {Order.CANCEL: token.cancel, Order.PAUSE: token.pause, Order.RESUME: token.resume}[request.order]()

    def _work(self, running: _Running) -> None:  # runs in the thread of the call
        call = running.call
        answer: Message
        try:
            value = call.function(*call.arguments, **self._controls(call, running.token))
            answer = Result(call.id, value)
        except Cancelled:
            answer = Stopped(call.id)
        except FoveaError as error:
            answer = Error(call.id, portable(error))
        except Exception as error:  # noqa: BLE001 - the boundary: the window always needs an answer
            _log.warning("A helper process failed unexpectedly.", exc_info=True)
            answer = Error(call.id, unexpected(error))
        del self._running[call.id]
        self._send(answer)

    def _controls(self, call: Call, token: CancelToken) -> Mapping[str, Any]:
        wanted = inspect.signature(call.function).parameters
        offered = {"report": lambda value: self._send(Event(call.id, value)), "token": token}
        return {name: value for name, value in offered.items() if name in wanted}

    def _send(self, message: Message) -> None:
        with self._sending, contextlib.suppress(OSError):  # the window is gone
            self._connection.send(message)

    def _close(self) -> None:
        left = list(self._running.values())
        for running in left:
            running.token.cancel()
        for running in left:
            if running.thread is not None:
                running.thread.join(_PATIENCE_S)


def portable(error: FoveaError) -> FoveaError:
    """The error as an instance of a class that the window can unpickle, reduced to its message and hint."""
    if isinstance(error, ImageError):
        return error
    families = (base for base in type(error).__mro__ if base.__module__ == FoveaError.__module__)
    family: type[FoveaError] = next(families)
    return family(error.what, hint=error.hint)


def unexpected(error: Exception) -> FoveaError:
    """The message for the user about an unexpected error."""
    what = tr("Unexpected error: {kind}: {details}", kind=type(error).__name__, details=error)
    return FoveaError(what, hint=tr("Try again. If it happens again, report it with this message."))


class _Warnings(logging.Handler):
    """Sends the warnings that the core logs, from any thread."""

    def __init__(self, send: Callable[[Warned], None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(Warned(record.getMessage()))


@contextlib.contextmanager
def _warnings_to(send: Callable[[Warned], None]) -> Iterator[None]:
    """Send the warnings that the core logs within the context."""
    handler, core = _Warnings(send), logging.getLogger("core")
    core.addHandler(handler)
    try:
        yield
    finally:
        core.removeHandler(handler)
