"""Helper processes forked from a warm server that has imported what every helper imports.

The window starts its helpers with `spawn`, and each then imports NumPy, onnx and ONNX Runtime: more than a second of
CPU time, three to five times per window. Forked helpers are also real processes, but start in 15 ms.
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
    *("core.services.engine", "core.services.jobs", "core.services.plans", "core.services.reviews"),
    *("core.services.exports", "core.training.results", "core.training.forecast", "core.datasets.folders"),
    *("core.evaluation.comparison", "core.worker", "core.api", "core.api.jobs"),
]


class WarmContext(ForkServerContext):
    """A `multiprocessing` context whose processes inherit this process's environment, like spawned ones."""

    def __init__(self) -> None:
        super().__init__()
        self.set_forkserver_preload(_IMPORTED_ONCE)

    def Process(  # type: ignore[override]  # noqa: N802 (multiprocessing's name)
        self, *, target: Callable[[Connection], None], args: tuple[Connection], daemon: bool
    ) -> ForkServerProcess:
        """Create a process without starting it."""
        given = (dict(os.environ), target, *args)
        return super().Process(target=_in_environment, args=given, daemon=daemon)


def context() -> ForkServerContext | SpawnContext:
    """How tests start helpers: forked where the system supports it, otherwise like the program."""
    can_fork = "forkserver" in multiprocessing.get_all_start_methods()
    return WarmContext() if can_fork else multiprocessing.get_context("spawn")


def _in_environment(environment: dict[str, str], serve: Callable[[Connection], None], connection: Connection) -> None:
    os.environ.clear()  # inherited from the test that started the server
    os.environ.update(environment)
    serve(connection)
