"""A session of Ray for one task: without usage reports, closed to other users, and with little memory.

If RAY_ADDRESS names a cluster, the session uses that cluster and leaves it running.
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
from core.base.i18n import tr

_OBJECT_STORE_BYTES: Final = 128 * 1024**2
"""Only paths and outcomes pass through it; by default Ray takes 30% of the machine's memory."""

_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no reports to the makers of Ray
    "RAY_enable_metrics_collection": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # otherwise it rebuilds the environment for its workers
    "RAY_agent_register_timeout_ms": "180000",  # its own processes start slowly on a busy machine
}
_LOCAL_ONLY: Final = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # despite its name: bind to 127.0.0.1, on every system
    "RAY_AUTH_MODE": "token",  # keep out other users of this machine
}
_ATTEMPTS: Final = 3
_PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 0.0)
_LOGGERS: Final = ("ray", "ray.data", "ray.train", "ray.tune")


class ClusterError(FoveaError):
    """The cluster cannot be used, or failed."""

    kind = "cluster"


def has_no_cluster() -> bool:
    """Whether Ray is started on this machine, as no cluster is named."""
    return not os.environ.get("RAY_ADDRESS")


@contextmanager
def ray_session() -> Iterator[Any]:
    """Start Ray on this machine, or join the cluster named by RAY_ADDRESS, and yield the module `ray`.

    Raises:
        ClusterError: the extra is not installed, or Ray does not start.
    """
    ray = _import_ray()
    folder = tempfile.mkdtemp(prefix="fovea-ray-") if has_no_cluster() else None  # short, as it contains sockets
    try:
        _start(ray, folder)
        yield ray
    finally:
        ray.shutdown()
        if folder:
            _remove(folder)


def _remove(folder: str) -> None:
    """Remove the session's folder; its last processes may still write to it while they end."""
    for pause in _PAUSES_S:
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):  # noqa: PTH110 - a text
            return
        time.sleep(pause)


def _import_ray() -> Any:  # noqa: ANN401 - an optional module
    """Import Ray with our settings, most of which it reads at import."""
    os.environ.update(_QUIET)
    if has_no_cluster():
        os.environ.update(_LOCAL_ONLY)
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # read once in a process
    try:
        import ray
        import ray.data
    except ImportError as error:
        hint = tr("Install Fovea with the extra `cluster`, or omit --engine ray.")
        raise ClusterError(tr("Ray is not installed."), hint=hint) from error
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
        lines = str(error).splitlines() or [""]
        reason = lines[0][:200].rstrip(".")
        if folder:
            what = tr("Couldn't start Ray on this machine: {reason}.", reason=reason)
        else:
            what = tr("Couldn't join the cluster of RAY_ADDRESS: {reason}.", reason=reason)
        raise ClusterError(what, hint=tr("Omit --engine ray to work on this machine only.")) from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True


def _connect_with_retries(ray: Any, **settings: Any) -> None:  # noqa: ANN401
    """Start Ray, with retries: its own processes have 30 seconds to start, too little for a busy machine at first."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            ray.init(**settings)
        except Exception as error:  # Ray raises nothing more specific
            ray.shutdown()
            if attempt == _ATTEMPTS or "timed out during startup" not in str(error):
                raise
        else:
            return
