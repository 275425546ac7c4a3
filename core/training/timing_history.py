"""The time that a training with TensorFlow takes: that of the last one here, or scaled from a reference machine."""

from __future__ import annotations

import json
import logging
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from core.base import paths
from core.base.errors import StorageError
from core.base.i18n import tr
from core.base.progress import Progress, StageKind
from core.base.storage import write_atomically
from core.training.protocol import Epoch
from core.training.request import Depth, Recipe, TrainRequest

_SIDE: Final = 1024
_TRIES: Final = 3
_REFERENCE_S: Final = 0.05
"""`_matrices_s` on the reference machine, where the costs below were measured: two shared cores, AMD EPYC (Zen 4)."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TimingCosts:
    """The durations of the parts of a training, in seconds.

    Attributes:
        start: from the start of the trainer to its first epoch.
        image: per training image and epoch.
        end: from the last epoch to the installed model: export, parity checks.
    """

    start: float
    image: float
    end: float

    def __post_init__(self) -> None:
        if not all(0 <= cost < float("inf") for cost in (self.start, self.image, self.end)):
            raise ValueError("costs out of range")


_DEFAULT_COSTS: Final = MappingProxyType(
    {
        Recipe.DENSE.value: TimingCosts(start=11.0, image=0.00008, end=17.0),
        f"{Recipe.FINE_TUNE} {Depth.EXIT_FLOW}": TimingCosts(start=24.0, image=0.3, end=70.0),
        f"{Recipe.FINE_TUNE} {Depth.WHOLE}": TimingCosts(start=24.0, image=1.2, end=70.0),
    }
)


def local_costs(request: TrainRequest) -> tuple[TimingCosts, bool]:
    """The costs of such a training on this machine, and whether they were measured here."""
    try:
        return TimingCosts(**_load()[_key(request)]), True
    except (KeyError, TypeError, ValueError):
        known, scale = _DEFAULT_COSTS[_kind(request)], _matrices_s() / _REFERENCE_S
        return TimingCosts(known.start * scale, known.image * scale, known.end * scale), False


class TimingRecorder:
    """Observes the progress of a training, and saves what it cost.

    Attributes:
        _started: when the trainer started, on the clock of `time.monotonic`; None before.
        _first: when its first epoch was reported.
        _last: when the latest one was.
        _epochs: the duration of each.
    """

    def __init__(self) -> None:
        self._started: float | None = None
        self._first: float | None = None
        self._last = 0.0
        self._epochs: list[float] = []

    def stage(self, progress: Progress) -> None:
        """Observe a stage of the training."""
        if progress.kind == StageKind.STARTING and self._started is None:
            self._started = time.monotonic()

    def epoch(self, epoch: Epoch) -> None:
        """Observe an epoch of the training."""
        self._last = time.monotonic()
        self._first = self._first or self._last
        if epoch.number:
            self._epochs.append(epoch.seconds)

    def save(self, request: TrainRequest, images: int) -> None:
        """Save the costs; to be called at the end of a training that was not interrupted.

        Args:
            request: the request.
            images: the number of training images.
        """
        if self._started is None or self._first is None or not self._epochs:
            return
        costs = TimingCosts(
            start=self._first - self._started,
            image=statistics.median(self._epochs) / images,
            end=time.monotonic() - self._last,
        )
        content = {**_load(), _key(request): asdict(costs)}
        try:
            write_atomically(_file(), json.dumps(content, indent=2).encode())
        except StorageError as error:
            _log.warning(tr("Couldn't save the training time: {reason}", reason=error))


def _kind(request: TrainRequest) -> str:
    deep = request.recipe is Recipe.FINE_TUNE
    return f"{request.recipe} {request.depth}" if deep else request.recipe.value


def _key(request: TrainRequest) -> str:
    return f"{_kind(request)}, {request.precision}, {request.provider}"


def _file() -> Path:
    return paths.cache_folder() / "training-costs.json"


def _load() -> dict[str, dict[str, float]]:
    try:
        content = json.loads(_file().read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _matrices_s() -> float:
    """The time this machine takes to multiply two matrices, in seconds; the best of some tries."""
    matrix, times = np.ones((_SIDE, _SIDE), np.float32), []
    for _ in range(_TRIES):
        started = time.perf_counter()
        np.matmul(matrix, matrix)
        times.append(time.perf_counter() - started)
    return min(times)
