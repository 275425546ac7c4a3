"""The one channel between the window and its helper processes: calls go in, progress and results come out.

A helper process runs `Worker.run`; the window's side is `gui.tasks.task`. What is called are functions of `core.api`,
pickled by their names, so that both ends know them and neither declares a message for each.
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
from core.base.progress import CancelToken

_PATIENCE_S: Final = 10.0
"""How long calls may take to end when the window is gone; processes that they started end with them."""

_log = logging.getLogger(__name__)

# ---- to the helper


@dataclass(frozen=True, slots=True)
class Call:
    """Run a function.

    Attributes:
        id: of the call; whatever answers it carries the same one.
        function: of a module. It is given `report` and `token` by keyword where it has parameters of these names.
        arguments: its positional arguments.
    """

    id: int
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


class Order(StrEnum):
    """What a running call is told."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Steer:
    """Cancel, pause or resume a call; nothing happens if it has just ended."""

    id: int
    order: Order


# ---- from the helper


@dataclass(frozen=True, slots=True)
class Event:
    """What a running call reports: its progress, or whatever else it passes to `report`."""

    id: int
    value: Any


@dataclass(frozen=True, slots=True)
class Result:
    """The call is done: what the function returned."""

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
    """The core logged a warning, such as a provider that no longer works."""

    text: str


Message: TypeAlias = Event | Result | Error | Stopped | Warned


@dataclass(slots=True, eq=False)
class _Running:
    """A call under way, and the thread that runs it."""

    call: Call
    token: CancelToken = field(default_factory=CancelToken)
    thread: threading.Thread | None = None


class Worker:
    """Serves one window: each call runs in a thread of its own, so that short ones pass long ones."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._running: dict[int, _Running] = {}

    def run(self) -> None:
        """Answer calls until the window is gone, then cancel whatever runs."""
        with warnings_to(self._send):
            with contextlib.suppress(EOFError, OSError):
                while True:
                    self._handle(self._connection.recv())
            self._close()

    def _handle(self, request: Call | Steer) -> None:
        if isinstance(request, Call):
            running = self._running[request.id] = _Running(request)
            running.thread = threading.Thread(target=self._work, args=(running,), name="call", daemon=True)
            running.thread.start()
        elif request.id in self._running:
            token = self._running[request.id].token
            {Order.CANCEL: token.cancel, Order.PAUSE: token.pause, Order.RESUME: token.resume}[request.order]()

    def _work(self, running: _Running) -> None:  # a thread of its own
        call = running.call
        answer: Message
        try:
            value = call.function(*call.arguments, **self._controls(call, running.token))
            answer = Result(call.id, value)
        except Cancelled:
            answer = Stopped(call.id)
        except FoveaError as error:
            answer = Error(call.id, portable(error))
        except Exception as error:  # noqa: BLE001 - the boundary: the window waits for an answer, whatever happened
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
    """The error as one of a class that the window can load, without what only the core can read."""
    if isinstance(error, ImageError):
        return error
    families = (base for base in type(error).__mro__ if base.__module__ == FoveaError.__module__)
    family: type[FoveaError] = next(families)
    return family(error.what, hint=error.hint)


def unexpected(error: Exception) -> FoveaError:
    """What the user reads of an error that nobody expected."""
    what = f"Something unexpected happened: {type(error).__name__}: {error}"
    return FoveaError(what, hint="Try again. If it happens again, report it with this message.")


class _Warnings(logging.Handler):
    """Sends what the core warns of, from whichever thread."""

    def __init__(self, send: Callable[[Warned], None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(Warned(record.getMessage()))


@contextlib.contextmanager
def warnings_to(send: Callable[[Warned], None]) -> Iterator[None]:
    """Send what the core warns of, as long as this lasts."""
    handler, core = _Warnings(send), logging.getLogger("core")
    core.addHandler(handler)
    try:
        yield
    finally:
        core.removeHandler(handler)
