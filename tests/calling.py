"""The window's end of a worker's pipe, the worker in a thread of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from multiprocessing import Pipe
from typing import Any, TypeVar

import pytest

from core.worker import Call, Order, Steer, Worker
from tests.patience import PATIENCE_S

Kind = TypeVar("Kind")


class Window:
    """The other end of the pipe; `received` holds all messages so far."""

    def __init__(self) -> None:
        self._ours, theirs = Pipe()
        self.received: list[object] = []
        self.worker = threading.Thread(target=self._serve, args=(theirs,), daemon=True)
        self.worker.start()

    def _serve(self, connection: Any) -> None:  # noqa: ANN401
        Worker(connection).run()
        connection.close()

    def call(self, id_: int, function: Callable[..., Any], *arguments: object) -> None:
        self._ours.send(Call(id_, function, arguments))

    def steer(self, id_: int, order: Order) -> None:
        self._ours.send(Steer(id_, order))

    def next(self) -> object:
        assert self._ours.poll(PATIENCE_S), f"no message after {self.received}"
        self.received.append(self._ours.recv())
        return self.received[-1]

    def wait(self, kind: type[Kind], id_: int = 1) -> Kind:
        """The next message of a kind about a call."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            message = self.next()
            if isinstance(message, kind) and getattr(message, "id", id_) == id_:
                return message
        pytest.fail(f"no {kind.__name__} among {self.received}")

    def is_silent(self, seconds: float) -> bool:
        return not self._ours.poll(seconds)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [message for message in self.received if isinstance(message, kind)]

    def close(self) -> None:
        self._ours.close()
        self.worker.join(PATIENCE_S)
