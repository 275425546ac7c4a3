"""Ending on Ctrl+C and SIGTERM: within two seconds, also while native code runs, with nothing temporary left behind.

Python runs its signal handlers between two steps of the main thread, which may be minutes away while that is in native
code. So the number of a signal also goes through a pipe to a thread that waits for it, and that ends the process if it
does not end by itself. Everything stored survives that: it is written whole or not at all.
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

GRACE_S: Final = 1.4
"""How long the work may take to end by itself."""
_SHOW_CURSOR: Final = b"\x1b[?25h"
_STOPPED: Final = "fovea: Stopped."
_received: list[int] = []


def exit_code() -> int:
    """The exit code of a program that a signal stopped: 130 for Ctrl+C, 143 for SIGTERM."""
    return 128 + (_received[0] if _received else signal.SIGINT)


def run(work: Callable[[], int]) -> int:
    """Be a program that works and ends: have the first signal raise KeyboardInterrupt in `work`.

    Returns:
        The exit code. After a signal the process ends instead, at the latest after `GRACE_S`.
    """
    _reserve_streams()
    _interrupt_on_signals()
    try:
        code = work()
    except KeyboardInterrupt:  # while it was still being imported
        end(exit_code(), _STOPPED)
    return _leave(code)


def end_on_signals(
    act: Callable[[], None] = lambda: None, *, grace_s: float = 0.0, ignore_interrupts: bool = False
) -> None:
    """Call a function when a signal comes, in a thread of its own, and end the process some time later.

    Args:
        act: asks the work to end.
        grace_s: how long it may take for that.
        ignore_interrupts: whether Ctrl+C is somebody else's to heed.
    """
    _listen(lambda number, _: _note(number), grace_s, act, lambda: end(exit_code()))
    if ignore_interrupts:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def end(code: int, farewell: str = "") -> NoReturn:
    """End this process at once, after removing its temporary files."""
    leftovers.remove_own_files()
    with contextlib.suppress(OSError):
        if farewell:
            os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + f"{farewell}\n".encode())
    os._exit(code)


def _leave(code: int) -> int:
    """The exit code to return; after a signal the process ends here, without waiting for threads in native code."""
    if not _received:
        return code
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    end(code)


def _reserve_streams() -> None:
    """Keep the numbers of standard streams that are closed: the next file opened would get one, and remarks with it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number


def _interrupt_on_signals() -> None:
    raised = threading.Event()

    def interrupt(number: int, _: FrameType | None) -> None:
        _note(number)
        if not raised.is_set():  # what the first one began to end must not be torn by a second
            raised.set()
            raise KeyboardInterrupt

    _listen(interrupt, GRACE_S, lambda: None, lambda: end(exit_code(), _STOPPED))


def _numbers() -> tuple[int, ...]:
    """The signals that end a program. A shell has its background jobs ignore SIGINT; whoever sends it means it."""
    hang_up = getattr(signal, "SIGHUP", None)
    heeds_hang_up = hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN  # else `nohup` started us
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
    if sys.platform == "win32":  # no signal but Ctrl+C comes there, and a pipe cannot be made to never block
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
