"""Classifying on a cluster, with the same outcomes in the same order as on this machine."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from core.base.errors import FoveaError
from core.base.i18n import tr
from core.jobs.cluster.ray_session import ClusterError, has_no_cluster, ray_session
from core.jobs.cluster.worker import COLUMN, ClusterTask, Worker, unpack
from core.prediction import Outcome

_BATCH_SIZE: Final = 64
"""Images in one batch for a worker: a few seconds of work, which is lost if its machine fails."""


_ONCE: Final = {"max_restarts": 0, "max_task_retries": 0}
"""No retries on a single machine: an image that crashes a worker would crash it each time, and Ray retries forever."""


def classify(images: Iterable[str], task: ClusterTask) -> Generator[Outcome, None, None]:
    """Classify images, with one outcome for each, in order; an unreadable image yields a `Failure`.

    Every machine has one worker that uses all its processors, as a local classifier does. The batches of a lost
    machine are computed by the others.

    Args:
        images: paths, on the disks of every machine or in the task's store.
        task: the task of the workers.

    Raises:
        ClusterError: the extra is not installed, Ray does not start, or the cluster failed.
        ModelError: a machine does not have the model.
        ProviderError: the requested provider does not work on a machine.
    """
    with ray_session() as ray:
        blocks = [ray.put(block) for block in _blocks(images)]
        if not blocks:
            return
        cpus, workers = _worker_resources(ray)
        with warnings.catch_warnings():  # there is no other way yet to pass `_ONCE`
            warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")
            batches = ray.data.from_arrow_refs(blocks).map_batches(
                Worker,
                fn_constructor_args=(task,),
                batch_size=_BATCH_SIZE,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(workers, len(blocks))),
                num_cpus=cpus,
                **(_ONCE if has_no_cluster() else {}),
            )
        yield from _outcomes(batches)


def _blocks(images: Iterable[str]) -> Iterator[Any]:
    """Tables of one batch of paths each, so that a lost machine loses no more than that."""
    import pyarrow as pa

    source = iter(images)
    while paths := list(islice(source, _BATCH_SIZE)):
        yield pa.table({COLUMN: pa.array([os.fsencode(path) for path in paths], pa.large_binary())})


def _worker_resources(ray: Any) -> tuple[int, int]:  # noqa: ANN401 - an optional module
    """The processors per worker, those of the smallest machine, and the number of workers."""
    found = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    sizes = [math.floor(cpus) for cpus in found if cpus >= 1]
    if not sizes:
        raise ClusterError(
            tr("The cluster has no free processors."), hint=tr("Omit --engine ray to work on this machine only.")
        )
    return min(sizes), sum(size // min(sizes) for size in sizes)


def _outcomes(batches: Any) -> Iterator[Outcome]:  # noqa: ANN401 - a dataset of an optional module
    try:
        for batch in batches.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
            for item in batch.column(COLUMN).to_pylist():
                yield _checked(unpack(item))
    except (FoveaError, KeyboardInterrupt, GeneratorExit):
        raise
    except Exception as error:  # Ray raises many kinds of errors
        lines = str(error).splitlines() or [""]
        what = tr("The cluster failed: {kind}: {reason}.", kind=type(error).__name__, reason=lines[0][:200])
        hint = tr("Try again, or omit --engine ray to work on this machine only.")
        raise ClusterError(what, hint=hint) from error


def _checked(item: Outcome | FoveaError) -> Outcome:
    if isinstance(item, FoveaError):
        raise item
    return item
