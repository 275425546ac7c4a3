"""The training loop: reported epochs, checkpoints, and interruptions that change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.base.errors import Cancelled, DivergedError, TrainerError
from core.base.progress import CancelToken
from core.trainer import loop
from core.trainer.checkpoint import Checkpoint
from core.trainer.framework import keras, tf
from core.trainer.loop import EpochMetrics, reseed, run_epochs, training_facts
from core.training.protocol import CHECKPOINT, JOB, Epoch, TrainerEvent, TrainerJob, job_bytes

EPOCHS = 6
JOB_NOW = TrainerJob("dense", 3, 7, EPOCHS, 0.05, 0.5, 4, "", "exact", "cpu", "backbone")
FEATURES = np.random.default_rng(0).normal(size=(32, 6)).astype(np.float32)
Rows = NDArray[np.int64]
LABELS = FEATURES[:, :3].argmax(axis=1)


class TinyTrainer:
    """A small network with dropout and momentum that is really trained; `reported` replaces its validation metrics."""

    def __init__(self, reported: Iterable[EpochMetrics | None] | None = None, width: int = 8) -> None:
        keras.utils.set_random_seed(5)
        layers = [keras.layers.Dense(width, activation="relu"), keras.layers.Dropout(0.5), keras.layers.Dense(3)]
        self.model = keras.Sequential([keras.Input((6,)), *layers])
        self.optimizer = keras.optimizers.SGD(0.05, momentum=0.5, nesterov=True)
        self.optimizer.build(self.model.trainable_variables)
        self.trained_epochs: list[int] = []
        self._reported = iter(reported) if reported else None

    def train_epoch(self, epoch: int) -> EpochMetrics:
        self.trained_epochs.append(epoch)
        scores = [self._step(rows) for rows in np.random.default_rng(epoch).permutation(len(LABELS)).reshape(-1, 8)]
        return EpochMetrics(*np.mean(scores, axis=0).tolist())

    def validate(self) -> EpochMetrics | None:
        if self._reported:
            return next(self._reported)
        losses, accuracy = self._forward(np.arange(len(LABELS)), training=False)
        return EpochMetrics(float(tf.reduce_mean(losses)), accuracy)

    def _step(self, rows: Rows) -> tuple[float, float]:
        with tf.GradientTape() as tape:
            losses, accuracy = self._forward(rows, training=True)
            loss = tf.reduce_mean(losses)
        self.optimizer.apply(tape.gradient(loss, self.model.trainable_variables))
        return float(loss), accuracy

    def _forward(self, rows: Rows, *, training: bool) -> tuple[Any, float]:
        logits = self.model(FEATURES[rows], training=training)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS[rows], logits)
        return losses, float(np.mean(np.argmax(logits, axis=1) == LABELS[rows]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / JOB).write_bytes(job_bytes(JOB_NOW))
    return tmp_path


@pytest.fixture(autouse=True)
def _every_epoch_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_MIN_CHECKPOINT_S", 0.0)


def trained(
    trainer: TinyTrainer, folder: Path, job: TrainerJob = JOB_NOW, emit: Callable[[TrainerEvent], None] = lambda _: None
) -> Checkpoint:
    return run_epochs(trainer, job, folder, emit, CancelToken())


def interrupted(trainer: TinyTrainer, folder: Path, after: int) -> None:
    """Train until an epoch is reported, and stop."""
    token = CancelToken()

    def emit(event: TrainerEvent) -> None:
        if isinstance(event, Epoch) and event.number == after:
            token.cancel()

    with pytest.raises(Cancelled):
        run_epochs(trainer, JOB_NOW, folder, emit, token)


def without_seconds(history: Iterable[Epoch]) -> list[Epoch]:
    return [replace(epoch, seconds=0.0) for epoch in history]


def same(ours: Iterable[object], theirs: Iterable[object]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A training without interruption."""
    place = tmp_path_factory.mktemp("whole")
    (place / JOB).write_bytes(job_bytes(JOB_NOW))
    return trained(TinyTrainer(), place)


@pytest.mark.parametrize("moments", [(1,), (4,), (1, 2, 5)])
def test_an_interruption_changes_nothing(folder: Path, whole: Checkpoint, moments: tuple[int, ...]) -> None:
    for moment in moments:
        interrupted(TinyTrainer(), folder, moment)
    trainer = TinyTrainer()
    found = trained(trainer, folder)
    assert trainer.trained_epochs == list(range(moments[-1] + 1, EPOCHS + 1))
    assert same(found.weights, whole.weights)
    assert same(found.optimizer, whole.optimizer)
    assert same(found.best, whole.best)
    assert without_seconds(found.history) == without_seconds(whole.history)
    assert found.best_epoch == whole.best_epoch


def test_dropout_depends_on_seed_and_epoch() -> None:
    model, answers = TinyTrainer().model, {}
    for seed, epoch in ((7, 1), (7, 2), (8, 1), (7, 1)):
        reseed(model, seed, epoch)
        answer = np.array(model(FEATURES, training=True)).tobytes()
        assert answers.setdefault((seed, epoch), answer) == answer
    assert len(set(answers.values())) == 3


def test_every_epoch_is_reported_including_epoch_zero(folder: Path) -> None:
    reported: list[TrainerEvent] = []
    state = trained(TinyTrainer(), folder, emit=reported.append)
    epochs = [event for event in reported if isinstance(event, Epoch)]
    assert epochs == list(state.history)
    assert [epoch.number for epoch in epochs] == list(range(EPOCHS + 1))
    assert (epochs[0].loss, epochs[0].accuracy) == (None, None)
    assert epochs[0].validation_loss is not None
    assert {epoch.of for epoch in epochs} == {EPOCHS}
    assert epochs[-1].loss is not None
    assert epochs[1].loss is not None
    assert epochs[-1].loss < epochs[1].loss


def test_a_finished_training_is_reported_again_and_not_repeated(folder: Path) -> None:
    first, reported = trained(TinyTrainer(), folder), list[TrainerEvent]()
    trainer = TinyTrainer()
    again = trained(trainer, folder, emit=reported.append)
    assert reported == list(first.history)
    assert not trainer.trained_epochs
    assert same(again.weights, trainer.model.get_weights())


SCORES = [(0.9, 0.4), (0.8, 0.6), (0.7, 0.6), (0.75, 0.6), (0.6, 0.5), (0.5, 0.2), (0.1, 0.1)]


def test_the_best_epoch_has_the_highest_accuracy_then_the_lowest_loss(folder: Path) -> None:
    state = trained(TinyTrainer([EpochMetrics(*score) for score in SCORES]), folder)
    assert state.best_epoch == 2
    assert not same(state.best, state.weights)
    (folder / CHECKPOINT).unlink()
    upto = replace(JOB_NOW, epochs=2)
    assert same(trained(TinyTrainer(), folder, upto).weights, state.best)


def test_epoch_zero_can_be_the_best(folder: Path) -> None:
    state = trained(TinyTrainer([EpochMetrics(0.1, 0.9), *(EpochMetrics(0.2, 0.9) for _ in range(EPOCHS))]), folder)
    assert state.best_epoch == 0
    assert same(state.best, TinyTrainer().model.get_weights())


def test_without_validation_images_the_last_is_the_best(folder: Path) -> None:
    state = trained(TinyTrainer([None] * (EPOCHS + 1)), folder)
    assert state.best_epoch == EPOCHS
    assert same(state.best, state.weights)
    assert all(epoch.validation_accuracy is None for epoch in state.history)


def test_a_damaged_checkpoint_starts_over(folder: Path, whole: Checkpoint) -> None:
    interrupted(TinyTrainer(), folder, 3)
    data = (folder / CHECKPOINT).read_bytes()
    (folder / CHECKPOINT).write_bytes(data[: len(data) // 2])
    trainer = TinyTrainer()
    assert same(trained(trainer, folder).weights, whole.weights)
    assert trainer.trained_epochs[0] == 1


def test_a_checkpoint_of_another_network_starts_over(folder: Path, whole: Checkpoint) -> None:
    interrupted(TinyTrainer(width=9), folder, 3)
    trainer = TinyTrainer()
    assert same(trained(trainer, folder).weights, whole.weights)
    assert trainer.trained_epochs[0] == 1


def test_an_infinite_loss_is_an_error(folder: Path) -> None:
    trainer = TinyTrainer()
    trainer.optimizer.learning_rate.assign(1e30)
    with pytest.raises(TrainerError, match="diverged: the loss grew beyond all bounds in epoch 1"):
        trained(trainer, folder)


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 3e6])
def test_an_epoch_that_diverged_is_not_selected_for_a_few_lucky_images(folder: Path, loss: float) -> None:
    trainer = TinyTrainer(reported=[EpochMetrics(1.0, 0.25), EpochMetrics(loss, 0.5)])
    with pytest.raises(DivergedError, match="beyond all bounds in epoch 1"):
        trained(trainer, folder)


def test_not_every_short_epoch_is_saved(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_MIN_CHECKPOINT_S", 60.0)
    interrupted(TinyTrainer(), folder, 4)
    assert not (folder / CHECKPOINT).exists()
    trained(TinyTrainer(), folder)
    assert (folder / CHECKPOINT).exists()


def test_the_facts_for_the_card_are_plain(whole: Checkpoint) -> None:
    facts = training_facts(whole, JOB_NOW)
    assert facts["epochs"] == EPOCHS
    assert facts["best_epoch"] == whole.best_epoch
    assert facts["optimizer"] == "SGD, learning rate 0.05, Nesterov momentum 0.5"
    assert facts["history"]["loss"][0] is None
    assert list(facts["history"]) == ["loss", "accuracy", "validation_loss", "validation_accuracy"]
    assert {len(values) for values in facts["history"].values()} == {EPOCHS + 1}
    assert facts["versions"]["keras"] == keras.__version__
    assert training_facts(whole, replace(JOB_NOW, momentum=0.0))["optimizer"] == "SGD, learning rate 0.05"
