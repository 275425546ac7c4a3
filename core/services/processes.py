"""The entry points of the window's helper processes.

The window imports this module to start them, so heavy imports happen inside the functions, in the helper.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Final

from core.base import crash_log, i18n, shutdown
from core.services.wording import window_wording
from core.worker import Worker

_NICENESS: Final = 5
_BACKGROUND: Final = 10
"""The niceness of background work: the engine and trainings go first."""


def serve_engine(connection: Connection) -> None:
    """Open models and classify until the other end closes."""
    with _helper_process("engine"):
        from core.services import engine  # noqa: F401 - at once, as the first calls need it

        Worker(connection).run()


def serve_pictures(connection: Connection) -> None:
    """List folders and draw pictures until the other end closes."""
    with _helper_process("pictures"):
        from core.images import decoding  # noqa: F401 - now, rather than when the first photo is dropped

        Worker(connection).run()


def serve_training(connection: Connection) -> None:
    """Read labelled folders and train until the other end closes."""
    with _helper_process("training"):
        Worker(connection).run()


def serve_library(connection: Connection) -> None:
    """Manage the installed models, compare, export and import until the other end closes."""
    with _helper_process("library", _BACKGROUND):
        Worker(connection).run()


def serve_batch(connection: Connection) -> None:
    """Classify folders and serve their results until the other end closes."""
    with _helper_process("batch"):
        from core.jobs.trash import purge

        purge()
        Worker(connection).run()


@contextlib.contextmanager
def _helper_process(process: str, niceness: int = _NICENESS) -> Iterator[None]:
    """Set up a helper process: it ends at once on a signal, leaves a report when it crashes, and words as the window.

    Its niceness gives the window priority: helpers that keep all cores busy would make it stutter.
    """
    shutdown.end_on_signals()
    i18n.use_wording(window_wording)
    if hasattr(os, "nice"):
        os.nice(niceness)
    with (
        crash_log.capture_crashes(process),
        contextlib.suppress(OSError, KeyboardInterrupt),
    ):  # OSError: the window is gone
        yield
