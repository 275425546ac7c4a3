"""Checkpoints of a training, one file in its job's folder, written atomically.

It is an .npz file with plain numbers and text, never pickled objects.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.salvage import set_aside
from core.base.storage import reading_errors, write_atomically
from core.training.protocol import CHECKPOINT, JOB, Epoch

_FORMAT: Final = 1
"""Incremented whenever older checkpoints can no longer be resumed."""

_log = logging.getLogger(__name__)

Arrays: TypeAlias = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The state of a training after an epoch.

    Attributes:
        history: metrics of epoch 0, before training, and of each epoch since.
        weights: of the model, in Keras's order.
        optimizer: all variables of the optimizer, in Keras's order.
        best_epoch: the epoch with the best weights.
        best: those weights.
    """

    history: tuple[Epoch, ...]
    weights: Arrays
    optimizer: Arrays
    best_epoch: int
    best: Arrays

    @property
    def epochs(self) -> int:
        """The number of completed epochs."""
        return self.history[-1].number


def save(checkpoint: Checkpoint, folder: Path) -> None:
    """Save a checkpoint to its job's folder, replacing an older one.

    Raises:
        StorageError: it cannot be written; the older one is unchanged.
    """
    about = {
        "format": _FORMAT,
        "job": _job_hash(folder),
        "history": [asdict(epoch) for epoch in checkpoint.history],
        "best_epoch": checkpoint.best_epoch,
    }
    groups = {"weights": checkpoint.weights, "optimizer": checkpoint.optimizer}
    if checkpoint.best_epoch != checkpoint.epochs:  # otherwise they equal the weights
        groups["best"] = checkpoint.best
    arrays = {f"{name}_{at}": array for name, group in groups.items() for at, array in enumerate(group)}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, about=np.array(json.dumps(about)), **arrays)
    write_atomically(folder / CHECKPOINT, buffer.getvalue())


def load(folder: Path) -> Checkpoint | None:
    """Load the checkpoint in a job's folder; None if there is none, or it is damaged or belongs to another job.

    A damaged one, or one of a later version, is set aside, because the next one would replace it.

    Raises:
        StorageError: it cannot be read at the moment.
    """
    file = folder / CHECKPOINT
    if not file.exists():
        return None
    with reading_errors(file):
        data = file.read_bytes()
    try:
        return _read(data, _job_hash(folder))
    except OtherJobError as error:
        _log.warning("Training starts over because its checkpoint can't be used: %s.", error)
    except Exception as error:  # noqa: BLE001 - the boundary: zip, json and numpy raise a dozen unrelated kinds
        aside = set_aside(file)
        _log.warning("Training starts over because its checkpoint is damaged (%s); it was kept as %s.", error, aside)
    return None


class OtherJobError(ValueError):
    """A valid checkpoint belongs to another job."""


def _read(data: bytes, job: str) -> Checkpoint:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        if about["format"] > _FORMAT:
            raise ValueError("a later version of Fovea wrote it")
        if (about["format"], about["job"]) != (_FORMAT, job):
            raise OtherJobError("it belongs to another job, or an earlier version of Fovea wrote it")
        groups = {name: _group(arrays, name) for name in ("weights", "optimizer", "best")}
    return Checkpoint(
        history=tuple(Epoch(**epoch) for epoch in about["history"]),
        weights=groups["weights"],
        optimizer=groups["optimizer"],
        best_epoch=about["best_epoch"],
        best=groups["best"] or groups["weights"],
    )


def _group(arrays: Any, name: str) -> Arrays:
    names: Sequence[str] = arrays.files
    return tuple(arrays[f"{name}_{at}"] for at in range(sum(one.startswith(f"{name}_") for one in names)))


def _job_hash(folder: Path) -> str:
    return hashlib.sha256((folder / JOB).read_bytes()).hexdigest()
