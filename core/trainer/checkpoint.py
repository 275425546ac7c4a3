"""How far a training is, in one file of its job's folder: a kill at any moment leaves the old one or the new one.

It is an .npz file that holds plain numbers and text, never pickled objects.
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
"""Raised whenever older checkpoints cannot be gone on with."""

_log = logging.getLogger(__name__)

Arrays: TypeAlias = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A training after an epoch.

    Attributes:
        history: of epoch 0, which is before any training, and of each since.
        weights: of the model, in Keras's order.
        optimizer: all its variables, in Keras's order.
        best_epoch: the epoch whose weights are the best.
        best: those weights.
    """

    history: tuple[Epoch, ...]
    weights: Arrays
    optimizer: Arrays
    best_epoch: int
    best: Arrays

    @property
    def epochs(self) -> int:
        """How many epochs are done."""
        return self.history[-1].number


def save(checkpoint: Checkpoint, folder: Path) -> None:
    """Keep a checkpoint in its job's folder, in the place of an older one.

    Raises:
        StorageError: it cannot be written; the older one is unharmed.
    """
    about = {
        "format": _FORMAT,
        "job": _job_sum(folder),
        "history": [asdict(epoch) for epoch in checkpoint.history],
        "best_epoch": checkpoint.best_epoch,
    }
    groups = {"weights": checkpoint.weights, "optimizer": checkpoint.optimizer}
    if checkpoint.best_epoch != checkpoint.epochs:  # else they are the weights
        groups["best"] = checkpoint.best
    arrays = {f"{name}_{at}": array for name, group in groups.items() for at, array in enumerate(group)}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, about=np.array(json.dumps(about)), **arrays)
    write_atomically(folder / CHECKPOINT, buffer.getvalue())


def load(folder: Path) -> Checkpoint | None:
    """The checkpoint in a job's folder; None where there is none, or none of this job that could be read.

    A damaged one, or one of a later version, is set aside, because the next would take its place.

    Raises:
        StorageError: it cannot be read just now.
    """
    file = folder / CHECKPOINT
    if not file.exists():
        return None
    with reading_errors(file):
        data = file.read_bytes()
    try:
        return _read(data, _job_sum(folder))
    except OtherJobError as error:
        _log.warning("Training starts over, because its checkpoint does not fit: %s.", error)
    except Exception as error:  # noqa: BLE001 - the boundary: zip, json and numpy raise a dozen unrelated kinds
        aside = set_aside(file)
        _log.warning("Training starts over: its checkpoint is damaged (%s) and was kept as %s.", error, aside)
    return None


class OtherJobError(ValueError):
    """A checkpoint is whole and not of this job."""


def _read(data: bytes, job: str) -> Checkpoint:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        if about["format"] > _FORMAT:
            raise ValueError("a later version of Fovea made it")
        if (about["format"], about["job"]) != (_FORMAT, job):
            raise OtherJobError("it belongs to another job, or an earlier version of Fovea made it")
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


def _job_sum(folder: Path) -> str:
    return hashlib.sha256((folder / JOB).read_bytes()).hexdigest()
