"""Shutdown on Ctrl+C and SIGTERM: within two seconds, even in native code, without leaving temporary files.

Python runs its signal handlers between two bytecode instructions of the main thread, which may be minutes away while it
is in native code. So the signal number is also written to a pipe, and a thread that reads it ends the process if the
work does not end by itself. Stored files survive that, because they are written atomically.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final, NoReturn

from core.base import leftovers
from core.base.i18n import tr

GRACE_S: Final = 1.4
"""How long the work may take to end by itself."""
_SHOW_CURSOR: Final = b"\x1b[?25h"
_received: list[int] = []


def exit_code() -> int:
    """The exit code of a program stopped by a signal: 130 for Ctrl+C, 143 for SIGTERM."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def run(work: Callable[[], int]) -> int:
    """Run a program, and return its exit code; the first signal raises KeyboardInterrupt in `work`.

    After a signal the process ends instead, at the latest after `GRACE_S`.
    """
    _reserve_streams()
    _interrupt_on_signals()
    try:
        code = work()
    except KeyboardInterrupt:  # while it was still being imported
        end(exit_code(), _farewell())
    return _leave(code)


def _farewell() -> str:
    return f"fovea: {tr('Stopped.')}"


def end_on_signals(
    act: Callable[[], None] = lambda: None, *, grace_s: float = 0.0, ignore_interrupts: bool = False
) -> None:
    """On a signal, call a function in its own thread, which asks the work to end, and end the process after `grace_s`.

    `ignore_interrupts` ignores Ctrl+C, because another process handles it.
    """
    _listen(lambda number, _: _note(number), grace_s, act, lambda: end(exit_code()))
    if ignore_interrupts:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def end(code: int, farewell: str = "") -> NoReturn:
    """End this process immediately, after removing its temporary files."""
    leftovers.remove_own_files()
    with contextlib.suppress(OSError):
        if farewell:
            os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + f"{farewell}\n".encode())
    os._exit(code)


def _leave(code: int) -> int:
    """Return the exit code; after a signal end the process here, without waiting for threads in native code."""
    if not _received:
        return code
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    end(code)


def _reserve_streams() -> None:
    """Occupy the descriptors of closed standard streams: otherwise the next opened file would get messages."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number


def _interrupt_on_signals() -> None:
    raised = threading.Event()

    def interrupt(number: int, _: FrameType | None) -> None:
        _note(number)
        if not raised.is_set():  # a second signal must not interrupt the cleanup after the first
            raised.set()
            raise KeyboardInterrupt

    _listen(interrupt, GRACE_S, lambda: None, lambda: end(exit_code(), _farewell()))


def _numbers() -> tuple[int, ...]:
    """The signals that end a program. SIGINT counts even if a shell ignores it for background jobs."""
    hang_up = getattr(signal, "SIGHUP", None)
    heeds_hang_up = hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN  # ignored under `nohup`
    return (signal.SIGINT, signal.SIGTERM, *([hang_up] if hang_up and heeds_hang_up else []))


def _note(number: int) -> None:
    if not _received:
        _received.append(number)


def _listen(
    handler: Callable[[int, FrameType | None], None],
    grace_s: float,
    act: Callable[[], None],
    finish: Callable[[], None],
) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    numbers = _numbers()
    for number in numbers:
        signal.signal(number, handler)
    if sys.platform == "win32":  # only Ctrl+C exists there, and pipes cannot be non-blocking
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def wait() -> None:
        while (number := os.read(reader, 1)[0]) not in numbers:
            pass
        _note(number)
        act()
        time.sleep(grace_s)
        finish()

    threading.Thread(target=wait, name="signals", daemon=True).start()
