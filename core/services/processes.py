"""Where the window's helper processes begin; light, because the window imports it to name what they run.

The heavy imports happen inside, in the helper.
"""

from __future__ import annotations

import contextlib
import os
from multiprocessing.connection import Connection
from typing import Final

from core import crash_log

_NICENESS: Final = 5
_BACKGROUND: Final = 10
"""Of work that nobody waits for with a photo in hand: the engine and a training go before it."""


def serve_engine(connection: Connection) -> None:
    """Open models and classify until the other end closes."""
    _give_way()
    with crash_log.kept("engine"):
        from core.services.engine import EngineService

        with contextlib.suppress(OSError, KeyboardInterrupt):  # the window is gone: nobody is left to tell
            EngineService(connection).run()


def serve_pictures(connection: Connection) -> None:
    """List folders and draw pictures until the other end closes."""
    _give_way()
    with crash_log.kept("pictures"):
        from core.services.pictures import PictureService

        with contextlib.suppress(OSError, KeyboardInterrupt):
            PictureService(connection).run()


def serve_training(connection: Connection) -> None:
    """Read labelled folders and train until the other end closes."""
    _give_way()
    with crash_log.kept("training"):
        from core.services.training import TrainingService

        with contextlib.suppress(OSError, KeyboardInterrupt):
            TrainingService(connection).run()


def serve_library(connection: Connection) -> None:
    """Look after the installed models, compare, export and import until the other end closes."""
    _give_way(_BACKGROUND)
    with crash_log.kept("library"):
        from core.services.library import LibraryService

        with contextlib.suppress(OSError, KeyboardInterrupt):
            LibraryService(connection).run()


def serve_batch(connection: Connection) -> None:
    """Classify folders and show what came of it until the other end closes."""
    _give_way()
    with crash_log.kept("batch"):
        from core.services.batch import BatchService

        with contextlib.suppress(OSError, KeyboardInterrupt):
            BatchService(connection).run()


def _give_way(niceness: int = _NICENESS) -> None:
    """Let the window go first where cores are few: helpers that keep them all busy would make it stutter."""
    if hasattr(os, "nice"):
        os.nice(niceness)
