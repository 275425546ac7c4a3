"""The recipe `dense`: the article's head on features."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.base.errors import Cancelled, TrainerError
from core.base.progress import CancelToken, Progress
from core.models.heads import Head, softmax
from core.trainer import dense, loop
from core.trainer.dense import DenseData, DenseTrainer, fold_standardization, initial_head
from core.trainer.framework import keras
from core.trainer.head_export import exported_head
from core.trainer.loop import reseed, run_epochs
from core.training import quick
from core.training.protocol import JOB, Epoch, TrainerEvent, TrainerJob, job_bytes
from tests.patience import PATIENCE_S

JOB_NOW = TrainerJob("dense", 3, 7, 40, 0.01, 0.0, 16, "", "exact", "cpu", "backbone")


def clouds(
    count: int, classes: int, width: int, *, apart: float, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features that cluster by class, with means and scales that differ; the clusters are the same for all seeds."""
    middle, draw = np.random.default_rng(99), np.random.default_rng(seed)
    labels = np.arange(count) % classes
    points = middle.normal(size=(classes, width))[labels] * apart + draw.normal(size=(count, width))
    return (points * middle.uniform(0.1, 9, width) + middle.uniform(-5, 5, width)).astype(np.float32), labels


def dense_data(features: NDArray[np.float32], labels: NDArray[np.int64], held: int = 0) -> DenseData:
    """The last `held` images validate."""
    at = len(labels) - held
    return DenseData.of(features[:at], labels[:at], features[at:], labels[at:])


def learner(
    job: TrainerJob, material: DenseData, emit: Callable[[TrainerEvent], None] = lambda _: None
) -> DenseTrainer:
    return DenseTrainer(job, material, "learning", emit, CancelToken())


def trained(job: TrainerJob, material: DenseData) -> DenseTrainer:
    trainer = learner(job, material)
    for epoch in range(1, job.epochs + 1):
        reseed(trainer.model, job.seed, epoch)
        trainer.train_epoch(epoch)
    return trainer


def head_from(job: TrainerJob, features: NDArray[np.float32], labels: NDArray[np.int64]) -> Head:
    material = dense_data(features, labels)
    return exported_head(fold_standardization(trained(job, material).model, material))


def accuracy(head: Head, features: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return float(np.mean(head.logits(features).argmax(axis=1) == labels))


def test_it_is_the_articles_head() -> None:
    model = initial_head(2048, 8, 0)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["Dense", "Dropout", "Dense", "Dropout", "Dense"]
    assert [weights.shape for weights in model.get_weights()[::2]] == [(2048, 256), (256, 128), (128, 8)]
    assert [layer.rate for layer in model.layers[1::2]] == [0.5, 0.5]
    activations = [layer.activation.__name__ for layer in model.layers[::2]]
    assert activations == ["relu", "relu", "linear"]


def test_the_seed_determines_the_initial_weights() -> None:
    ours, again, others = (initial_head(20, 3, seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(ours, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(ours[::2], others[::2], strict=True))


def test_features_are_standardized_by_the_training_features() -> None:
    features, labels = clouds(60, 3, 10, apart=1.0)
    features[:, 4] = 0.1
    material = dense_data(features, labels, held=20)
    assert material.features.dtype == material.validation.dtype == np.float32
    assert np.allclose(material.features.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(np.delete(material.features.std(axis=0), 4), 1, atol=1e-4)
    assert np.abs(material.features[:, 4]).max() < 1e-6
    assert np.allclose(material.validation * material.scale + material.mean, features[40:], atol=1e-4)


def test_the_installed_head_reads_raw_features() -> None:
    features, labels = clouds(60, 3, 50, apart=1.0)
    features[:, 4] = 0.1
    material = dense_data(features, labels)
    model = trained(replace(JOB_NOW, epochs=5), material).model
    head = exported_head(fold_standardization(model, material))
    assert np.allclose(head.logits(features), model(material.features, training=False), atol=1e-4)


def test_it_trains_and_reports_its_metrics() -> None:
    features, labels = clouds(160, 3, 50, apart=0.7)
    trainer = learner(JOB_NOW, dense_data(features, labels, held=40))
    before = trainer.validate()
    scores = [trainer.train_epoch(epoch) for epoch in range(1, 41)]
    after = trainer.validate()
    assert before is not None
    assert after is not None
    assert before.accuracy < 0.7
    assert after.accuracy > 0.9
    assert scores[-1].loss < scores[0].loss
    logits = trainer.model(trainer._data.validation, training=False)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels[120:], logits)
    assert after.loss == pytest.approx(float(entropy), rel=1e-5)
    assert learner(JOB_NOW, dense_data(features, labels)).validate() is None


def test_progress_counts_all_images_of_all_epochs() -> None:
    reported: list[TrainerEvent] = []
    features, labels = clouds(30, 3, 10, apart=1.0)
    job = replace(JOB_NOW, epochs=4)
    trainer = learner(job, dense_data(features, labels), reported.append)
    for epoch in (2, 3, 4):  # the first was gone through by an earlier process
        trainer.train_epoch(epoch)
    assert reported[0] == Progress("learning", 0, 90, None)
    assert reported[-1] == Progress("learning", 90, 90, 0.0)


def test_the_same_seed_gives_the_same_head() -> None:
    features, labels = clouds(60, 3, 50, apart=1.0)
    job = replace(JOB_NOW, epochs=4)
    models = [trained(one, dense_data(features, labels)).model for one in (job, job, replace(job, seed=8))]
    first, again, other = (b"".join(array.tobytes() for array in model.get_weights()) for model in models)
    assert first == again != other


def test_it_is_as_accurate_as_quick_with_few_images_and_many_features() -> None:
    """With Keras's default initialization it is not: directions that no image spans drown what is learned."""
    features, labels = clouds(80, 4, 2048, apart=0.12)
    others, theirs = clouds(800, 4, 2048, apart=0.12, seed=1)
    linear = accuracy(quick.fit(features, labels, 1.0), others, theirs)
    assert 0.8 < linear < 0.95
    assert accuracy(head_from(replace(JOB_NOW, classes=4), features, labels), others, theirs) > linear - 0.02


def test_rare_classes_weigh_as_much_as_common_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = clouds(400, 2, 4, apart=0.35)
    kept = (labels == 0) | (np.arange(400) % 16 == 1)
    features, labels = features[kept], labels[kept]
    others, theirs = clouds(400, 2, 4, apart=0.35, seed=1)
    job, recall = replace(JOB_NOW, classes=2), {}
    for balanced in (True, False):
        if not balanced:
            monkeypatch.setattr(dense, "class_weights", lambda labels, classes: np.ones(classes, np.float32))
        named = head_from(job, features, labels).logits(others).argmax(axis=1)
        recall[balanced] = np.mean(named[theirs == 1] == 1)
    assert recall[True] > recall[False] + 0.2


def test_for_two_classes_softmax_equals_the_articles_sigmoid() -> None:
    features, labels = clouds(60, 2, 30, apart=0.5)
    material = dense_data(features, labels, held=30)
    trainer = trained(replace(JOB_NOW, classes=2), material)
    logits = exported_head(fold_standardization(trainer.model, material)).logits(features[30:])
    apart = logits[:, 1] - logits[:, 0]
    assert np.allclose(softmax(logits)[:, 1], 1 / (1 + np.exp(-apart.astype(np.float64))), atol=1e-6)
    reported = trainer.validate()
    binary = keras.losses.BinaryCrossentropy(from_logits=True)(labels[30:].astype(np.float32), apart)
    assert reported is not None
    assert reported.loss == pytest.approx(float(binary), rel=1e-4)


def test_it_is_cancelled_between_steps() -> None:
    features, labels = clouds(60, 3, 10, apart=1.0)
    token = CancelToken()
    trainer = DenseTrainer(JOB_NOW, dense_data(features, labels), "learning", lambda _: token.cancel(), token)
    with pytest.raises(Cancelled):
        trainer.train_epoch(1)
    assert not trainer.optimizer.iterations.numpy()


@pytest.mark.parametrize("content", [None, b"", b"PK nothing"])
def test_invalid_features_are_rejected(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "features.npz").write_bytes(content)
    with pytest.raises(TrainerError, match=r"features in .* are missing or damaged"):
        dense.run(JOB_NOW, tmp_path, lambda _: None, CancelToken())


KILLED = """
import os, sys
from pathlib import Path
from tests.core.trainer.test_dense import digest_of_a_training
whole, killed = Path(sys.argv[1]), Path(sys.argv[2])
for epoch in (3, 20, 40):
    child = os.fork()
    if not child:
        digest_of_a_training(killed, killed_after=epoch)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(digest_of_a_training(killed))
print(digest_of_a_training(whole))
"""
"""Trainings that are killed, then one that resumes, then one without a kill. TensorFlow is imported once."""


def digest_of_a_training(folder: Path, killed_after: int | None = None) -> str:
    """Train in a folder, from its checkpoint if there is one, each epoch kept; a sum of all that comes of it.

    Args:
        folder: where the checkpoint is.
        killed_after: the epoch shortly after which this process kills itself, somewhere in the next ones.
    """

    def emit(event: TrainerEvent) -> None:
        if isinstance(event, Epoch) and event.number == killed_after:
            threading.Timer(random.uniform(0, 0.05), os.kill, (os.getpid(), signal.SIGKILL)).start()

    loop._MIN_CHECKPOINT_S = 0.0  # type: ignore[misc]
    features, labels = clouds(200, 3, 200, apart=0.5)
    job = replace(JOB_NOW, epochs=60)
    (folder / JOB).write_bytes(job_bytes(job))
    state = run_epochs(learner(job, dense_data(features, labels, held=50)), job, folder, emit, CancelToken())
    arrays = (*state.weights, *state.optimizer, *state.best)
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork")
def test_kills_at_any_moment_change_nothing(tmp_path: Path) -> None:
    folders = [tmp_path / "whole", tmp_path / "killed"]
    for folder in folders:
        folder.mkdir()
    command = [sys.executable, "-c", KILLED, *folders]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=4 * PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    *exits, resumed, whole = done.stdout.splitlines()
    assert exits == ["-9", "-9", "-9"]
    assert resumed == whole


def test_several_classes_per_image_are_learned_each_by_itself() -> None:
    draw = np.random.default_rng(0)
    labels = (draw.random((200, 3)) < 0.4).astype(np.int64)
    features = (labels @ draw.normal(size=(3, 50)) + 0.5 * draw.normal(size=(200, 50))).astype(np.float32)
    trainer = learner(JOB_NOW, dense_data(features, labels, held=50))
    before = trainer.validate()
    for epoch in range(1, 41):
        trainer.train_epoch(epoch)
    after = trainer.validate()
    assert before is not None
    assert after is not None
    assert after.accuracy > 0.9 > before.accuracy
    logits = trainer.model(trainer._data.validation, training=False)
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)(labels[150:], logits)
    assert after.loss == pytest.approx(float(entropy), rel=1e-5)
