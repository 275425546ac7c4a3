"""Helper processes that start warm: forked from a server that has imported what every helper imports.

The window starts its helpers with `spawn`, and each then imports NumPy, onnx and ONNX Runtime: more than a second of
processor time, three to five times a window. Forked ones are processes as real, in 15 ms.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

_IMPORTED_ONCE: Final = [
    *("core.services.engine", "core.services.batch", "core.services.training_facts"),
    *("core.services.forecast", "core.services.folders", "core.services.comparison_facts", "core.worker", "core.api"),
]


class WarmContext(ForkServerContext):
    """A context of `multiprocessing` whose processes see this process's environment, as spawned ones do."""

    def __init__(self) -> None:
        super().__init__()
        self.set_forkserver_preload(_IMPORTED_ONCE)

    def Process(  # type: ignore[override]  # noqa: N802 (multiprocessing's name)
        self, *, target: Callable[[Connection], None], args: tuple[Connection], daemon: bool
    ) -> ForkServerProcess:
        """A process that has not started yet."""
        given = (dict(os.environ), target, *args)
        return super().Process(target=_in_environment, args=given, daemon=daemon)


def context() -> ForkServerContext | SpawnContext:
    """How tests start helpers: warm where the system can fork, else as the program does."""
    can_fork = "forkserver" in multiprocessing.get_all_start_methods()
    return WarmContext() if can_fork else multiprocessing.get_context("spawn")


def _in_environment(environment: dict[str, str], serve: Callable[[Connection], None], connection: Connection) -> None:
    os.environ.clear()  # the server's own, of the test that started it
    os.environ.update(environment)
    serve(connection)
