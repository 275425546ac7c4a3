"""The training loop: epochs with checkpoints and selection of the best one.

All random numbers of an epoch depend on the job's seed and the epoch's number alone. So a training that was interrupted
and resumed from its checkpoint ends with exactly the same weights as one that was not.
"""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from core.base.errors import DivergedError
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.trainer.checkpoint import Arrays, Checkpoint, load, save
from core.trainer.framework import keras
from core.training.protocol import Epoch, TrainerEvent, TrainerJob

_MIN_CHECKPOINT_S: Final = 1.0
"""Shorter epochs are not worth a file each: repeating them takes little time and gives the same result."""
_MAX_LOSS: Final = 100.0
"""In nats: the right class then has a probability of e^-100 on average, which float32 cannot hold."""
_FRAMEWORKS: Final = ("tensorflow", "keras", "tf2onnx")
_DIGITS: Final = 4


class EpochMetrics(NamedTuple):
    """The metrics of a model on images.

    Attributes:
        loss: mean cross-entropy, in nats.
        accuracy: the fraction classified correctly, 0..1.
    """

    loss: float
    accuracy: float


class Trainable(Protocol):
    """A model that is trained in epochs.

    Attributes:
        model: the model, with its initial weights at the beginning.
        optimizer: of the model's trainable weights, built.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer

    def train_epoch(self, epoch: int) -> EpochMetrics:
        """Train on every training image once, and return the metrics during training.

        Args:
            epoch: from 1; together with the job's seed it determines all random numbers.

        Raises:
            Cancelled: the user cancelled.
        """

    def validate(self) -> EpochMetrics | None:
        """The metrics on the validation images; None if there are none.

        Raises:
            Cancelled: the user cancelled.
        """


def run_epochs(
    trainer: Trainable, job: TrainerJob, folder: Path, emit: Callable[[TrainerEvent], None], token: CancelToken
) -> Checkpoint:
    """Train up to the job's last epoch, resuming from the checkpoint in its folder if there is one.

    Epochs completed by an earlier process are reported again first. The best epoch, which may be 0, is the one with the
    highest validation accuracy and, among equals, the lowest validation loss; without validation images, the last.

    Returns:
        The state after the last epoch, which is saved in the folder too.

    Raises:
        DivergedError: the training or validation loss is not finite or exceeds `_MAX_LOSS`.
        StorageError: a checkpoint cannot be written.
        Cancelled: the token was cancelled; the latest checkpoint is kept.
    """
    state = _resumed(trainer, folder) or _initial_state(trainer, job)
    for epoch in state.history:
        emit(epoch)
    saved = time.monotonic()
    while state.epochs < job.epochs:
        token.check()
        state = _run_epoch(trainer, job, state)
        emit(state.history[-1])
        if state.epochs == job.epochs or time.monotonic() - saved >= _MIN_CHECKPOINT_S:
            save(state, folder)
            saved = time.monotonic()
    return state


def reseed(model: keras.Model, seed: int, epoch: int) -> None:
    """Seed the random state of the model's layers, such as dropout, by the seed and the epoch."""
    weights = {id(weight) for weight in model.weights}
    states = [variable for variable in model.variables if id(variable) not in weights]
    values = np.random.default_rng((seed, epoch)).integers(0, 2**31, (len(states), 2))
    for state, numbers in zip(states, values, strict=True):
        state.assign(numbers)


def training_facts(state: Checkpoint, job: TrainerJob) -> dict[str, Any]:
    """Details of a training for the model's card, as plain JSON."""
    momentum = f", Nesterov momentum {job.momentum:g}" if job.momentum else ""
    columns = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    return {
        "optimizer": f"SGD, learning rate {job.learning_rate:g}{momentum}",
        "batch": job.batch,
        "epochs": job.epochs,
        "best_epoch": state.best_epoch,
        "history": {name: [_rounded(getattr(epoch, name)) for epoch in state.history] for name in columns},
        "versions": {name: importlib.metadata.version(name) for name in _FRAMEWORKS},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _resumed(trainer: Trainable, folder: Path) -> Checkpoint | None:
    """Load the checkpoint and restore its state; None if there is none that fits the model."""
    state = load(folder)
    fits = state is not None and (
        _shapes(state.weights) == _shapes(trainer.model.weights)
        and _shapes(state.best) == _shapes(trainer.model.weights)
        and _shapes(state.optimizer) == _shapes(trainer.optimizer.variables)
    )
    if state is None or not fits:
        return None
    trainer.model.set_weights(state.weights)
    for variable, value in zip(trainer.optimizer.variables, state.optimizer, strict=True):
        variable.assign(value)
    return state


def _shapes(arrays: Any) -> list[tuple[int, ...]]:
    return [tuple(array.shape) for array in arrays]


def _initial_state(trainer: Trainable, job: TrainerJob) -> Checkpoint:
    """The state before training."""
    started = time.monotonic()
    validation = trainer.validate()
    epoch = _epoch(0, job, None, validation, started)
    weights = _weights(trainer.model)
    return Checkpoint((epoch,), weights, _values(trainer.optimizer), 0, weights)


def _run_epoch(trainer: Trainable, job: TrainerJob, state: Checkpoint) -> Checkpoint:
    """Train for one epoch, and return the new state."""
    started, number = time.monotonic(), state.epochs + 1
    reseed(trainer.model, job.seed, number)
    train = trainer.train_epoch(number)
    _check_loss(train, number)
    validation = trainer.validate()
    _check_loss(validation, number)
    epoch = _epoch(number, job, train, validation, started)
    weights = _weights(trainer.model)
    later = replace(state, history=(*state.history, epoch), weights=weights, optimizer=_values(trainer.optimizer))
    is_best = _sort_key(epoch) > _sort_key(state.history[state.best_epoch])
    return replace(later, best_epoch=number, best=weights) if is_best else later


def _check_loss(metrics: EpochMetrics | None, epoch: int) -> None:
    """A diverged epoch may classify a few images correctly by chance; it must not be selected for that."""
    if metrics is not None and not metrics.loss <= _MAX_LOSS:  # true for NaN, too
        what = tr("The training diverged: the loss grew beyond all bounds in epoch {epoch}.", epoch=epoch)
        raise DivergedError(what, hint=tr("Use a smaller learning rate."))


def _epoch(
    number: int, job: TrainerJob, train: EpochMetrics | None, validation: EpochMetrics | None, started: float
) -> Epoch:
    return Epoch(
        number=number,
        of=job.epochs,
        loss=train and train.loss,
        accuracy=train and train.accuracy,
        validation_loss=validation and validation.loss,
        validation_accuracy=validation and validation.accuracy,
        seconds=round(time.monotonic() - started, 3),
    )


def _sort_key(epoch: Epoch) -> tuple[float, float]:
    """The sort key for the best epoch; without validation, later is better."""
    if epoch.validation_accuracy is None or epoch.validation_loss is None:
        return epoch.number, 0.0
    return epoch.validation_accuracy, -epoch.validation_loss


def _weights(model: keras.Model) -> Arrays:
    return tuple(model.get_weights())


def _values(optimizer: keras.optimizers.Optimizer) -> Arrays:
    return tuple(variable.numpy() for variable in optimizer.variables)
