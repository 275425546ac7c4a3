"""Ray, started for one piece of work and ended with it; it reports nothing, listens to nobody else and stays small.

Where RAY_ADDRESS names a cluster, that one is used and left as it is.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from core.base.errors import FoveaError

_OBJECT_STORE_BYTES: Final = 128 * 1024**2
"""Only paths and answers pass through it; by itself Ray takes 30 % of the machine's memory."""

_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # else it reports to its maker
    "RAY_enable_metrics_collection": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # else it builds the environment anew for its workers
    "RAY_agent_register_timeout_ms": "180000",  # on a busy machine its own parts start slowly
}
_LOCAL_ONLY: Final = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # the name notwithstanding: bind to 127.0.0.1, on every system
    "RAY_AUTH_MODE": "token",  # and let no other user of this machine in
}
_ATTEMPTS: Final = 3
_PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 0.0)
_LOGGERS: Final = ("ray", "ray.data", "ray.train", "ray.tune")


class ClusterError(FoveaError):
    """The cluster cannot be used, or stopped under way."""

    kind = "cluster"


def has_no_cluster() -> bool:
    """Whether Ray is started for this work on this machine, as no cluster is named."""
    return not os.environ.get("RAY_ADDRESS")


@contextmanager
def ray_session() -> Iterator[Any]:
    """Start Ray on this machine, or join the cluster that RAY_ADDRESS names, and give the module `ray`.

    Raises:
        ClusterError: the extra is not installed, or Ray does not start.
    """
    ray = _import_ray()
    folder = tempfile.mkdtemp(prefix="fovea-ray-") if has_no_cluster() else None  # short: sockets lie in it
    try:
        _start(ray, folder)
        yield ray
    finally:
        ray.shutdown()
        if folder:
            _remove(folder)


def _remove(folder: str) -> None:
    """Remove the session's folder, into which its last processes may still write as they end."""
    for pause in _PAUSES_S:
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):  # noqa: PTH110 - a text
            return
        time.sleep(pause)


def _import_ray() -> Any:  # noqa: ANN401 - an optional module
    """Ray reads most of its settings when it is imported."""
    os.environ.update(_QUIET)
    if has_no_cluster():
        os.environ.update(_LOCAL_ONLY)
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # read once in a process
    try:
        import ray
        import ray.data
    except ImportError as error:
        what = "Ray, which spreads the work over machines, is not installed."
        raise ClusterError(what, hint="Install Fovea with the extra `cluster`, or leave out --engine ray.") from error
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    return ray


def _start(ray: Any, folder: str | None) -> None:  # noqa: ANN401
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    local: dict[str, Any] = {
        "address": "local",
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "_temp_dir": folder,
    }
    try:
        _connect_with_retries(ray, **quiet, **(local if folder else {"address": os.environ["RAY_ADDRESS"]}))
    except Exception as error:  # Ray raises RuntimeError, ConnectionError, ValueError and more
        where = "Ray does not start on this machine" if folder else "The cluster of RAY_ADDRESS cannot be joined"
        lines = str(error).splitlines() or [""]
        raise ClusterError(
            f"{where}: {lines[0][:200].rstrip('.')}.", hint="Leave out --engine ray to work here alone."
        ) from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True


def _connect_with_retries(ray: Any, **settings: Any) -> None:  # noqa: ANN401
    """Start Ray; it gives its own parts 30 seconds, which a busy machine exceeds the first time it reads them."""
    for trained in range(1, _ATTEMPTS + 1):
        try:
            ray.init(**settings)
        except Exception as error:  # Ray raises nothing more special
            ray.shutdown()
            if trained == _ATTEMPTS or "timed out during startup" not in str(error):
                raise
        else:
            return
