"""The incoming requests of a pipe, collected by a thread so that the worker can look at the next one."""

from __future__ import annotations

import threading
from collections import deque
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

Request = TypeVar("Request")
Kind = TypeVar("Kind")


class Inbox(Generic[Request]):
    """A queue of requests, which ends when the other end closes.

    Attributes:
        _waiting: requests that have arrived and were not taken yet.
        _open: whether more may arrive.
    """

    def __init__(self, connection: Connection) -> None:
        self._waiting: deque[Request] = deque()
        self._open = True
        self._changed = threading.Condition()
        threading.Thread(target=self._receive, args=(connection,), name="inbox", daemon=True).start()

    def take(self) -> Request | None:
        """Wait for the next request; None when the other end has closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._open)
            return self._waiting.popleft() if self._waiting else None

    def take_if(self, kind: type[Kind]) -> Kind | None:
        """Take the next request if it has arrived and is of this kind; never waits."""
        with self._changed:
            first = self._waiting[0] if self._waiting else None
            if not isinstance(first, kind):
                return None
            self._waiting.popleft()
            return first

    def _receive(self, connection: Connection) -> None:
        try:
            while True:
                request = connection.recv()
                with self._changed:
                    self._waiting.append(request)
                    self._changed.notify()
        except (EOFError, OSError):
            with self._changed:
                self._open = False
                self._changed.notify()
