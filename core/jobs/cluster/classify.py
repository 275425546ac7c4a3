"""Classifying on a cluster: the same outcomes in the same order as on this machine, and the same failures."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from core.base.errors import FoveaError
from core.jobs.cluster.ray_session import ClusterError, has_no_cluster, ray_session
from core.jobs.cluster.worker import COLUMN, ClusterTask, Worker, unpack
from core.prediction import Outcome

_BATCH_SIZE: Final = 64
"""Images a worker is given at once: some seconds of work, which is what the loss of a machine costs."""


_ONCE: Final = {"max_restarts": 0, "max_task_retries": 0}
"""By itself Ray tries for ever again; on one machine, what an image ended once it ends each time."""


def classify(images: Iterable[str], task: ClusterTask) -> Generator[Outcome, None, None]:
    """One outcome for each image, in their order; a bad image is a `Failure` and costs no other.

    Every machine has one worker that uses all its processors, as a classifier does here. A machine that is lost is
    made up for by the others.

    Args:
        images: paths, on every machine's disks or in the task's store.
        task: what the workers are told.

    Raises:
        ClusterError: the extra is not installed, Ray does not start, or the cluster failed under way.
        ModelError: a machine does not have the model.
        ProviderError: the provider asked for does not work on a machine.
    """
    with ray_session() as ray:
        blocks = [ray.put(block) for block in _blocks(images)]
        if not blocks:
            return
        cpus, workers = _worker_resources(ray)
        with warnings.catch_warnings():  # there is no other way yet to say `_ONCE`
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
    """Paths in tables of one batch each, so that no more than that is one machine's to lose."""
    import pyarrow as pa

    source = iter(images)
    while paths := list(islice(source, _BATCH_SIZE)):
        yield pa.table({COLUMN: pa.array([os.fsencode(path) for path in paths], pa.large_binary())})


def _worker_resources(ray: Any) -> tuple[int, int]:  # noqa: ANN401 - an optional module
    """How many processors a worker takes, those of the smallest machine, and how many workers there can be."""
    found = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    sizes = [math.floor(cpus) for cpus in found if cpus >= 1]
    if not sizes:
        raise ClusterError("The cluster has no processor to spare.", hint="Leave out --engine ray to work here alone.")
    return min(sizes), sum(size // min(sizes) for size in sizes)


def _outcomes(batches: Any) -> Iterator[Outcome]:  # noqa: ANN401 - a dataset of an optional module
    try:
        for batch in batches.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1):
            for item in batch.column(COLUMN).to_pylist():
                yield _checked(unpack(item))
    except (FoveaError, KeyboardInterrupt, GeneratorExit):
        raise
    except Exception as error:  # Ray's own errors are many, and a cluster can fail in any of them
        lines = str(error).splitlines() or [""]
        what = f"The cluster stopped under way: {type(error).__name__}: {lines[0][:200]}."
        raise ClusterError(what, hint="Run it again; leave out --engine ray to work here alone.") from error


def _checked(item: Outcome | FoveaError) -> Outcome:
    if isinstance(item, FoveaError):
        raise item
    return item
