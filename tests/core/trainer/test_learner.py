"""A tiny network is trained on colour photos: deterministically, and it can be cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.base.errors import Cancelled, DatasetError
from core.base.progress import CancelToken, Progress, ProgressCallback
from core.card import Preprocessing
from core.images.decoding import decode
from core.images.preprocessing import preprocess
from core.trainer import learner as learner_module
from core.trainer.batches import DataLoader, RunFrozenBase, TrainImage, in_batches, plain_view
from core.trainer.checkpoint import Checkpoint
from core.trainer.framework import keras, tf
from core.trainer.layers import normalised
from core.trainer.learner import ImageTrainer
from core.trainer.loop import run_epochs
from core.trainer.steps import MetricTotals, TrainStep, class_weights
from core.training import protocol
from core.training.protocol import TrainerEvent, TrainerJob
from tests import tiny
from tests.teaching import write_labelled

Images: TypeAlias = NDArray[Any]

_PLAN = Preprocessing(tiny.SIZE)
_JOB = TrainerJob("fine-tune", 3, 5, 4, 0.5, 0.5, 5, "whole", "exact", "cpu", "")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[TrainImage]:
    """Eighteen photos of three classes in mixed order."""
    folder = write_labelled(tmp_path_factory.mktemp("photos"), 6)
    paths = [(folder / name / f"{number}.png", label) for number in range(6) for label, name in enumerate(tiny.CLASSES)]
    return [TrainImage(path, tiny.sha256(path.read_bytes()), label) for path, label in paths]


def _network() -> keras.Model:
    """Every kind of layer in the exit flow; the same weights each time."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    image = keras.Input((tiny.SIZE, tiny.SIZE, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = layers.ReLU()(normalised(layers.Conv2D(8, 3, strides=4, use_bias=False)(x), "first"))
    x = layers.ReLU()(normalised(layers.SeparableConv2D(8, 3, use_bias=False)(x), "second"))
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


def _as_they_are(images: Images) -> Images:
    return images


def _learner(
    photos: list[TrainImage],
    job: TrainerJob = _JOB,
    *,
    token: CancelToken | None = None,
    frozen_base: RunFrozenBase = _as_they_are,
    report: ProgressCallback = lambda _: None,
) -> ImageTrainer:
    """Trains on the first twelve photos, and validates on the others."""
    return ImageTrainer(
        _network(), job, (photos[:12], photos[12:]), DataLoader(_PLAN, frozen_base, token or CancelToken()), report
    )


def _trained(
    photos: list[TrainImage], folder: Path, emit: Callable[[TrainerEvent], None], token: CancelToken
) -> Checkpoint:
    folder.mkdir(exist_ok=True)
    (folder / protocol.JOB).write_bytes(protocol.job_bytes(_JOB))
    return run_epochs(_learner(photos, token=token), _JOB, folder, emit, token)


def test_it_learns(photos: list[TrainImage], tmp_path: Path) -> None:
    reported = _trained(photos, tmp_path, lambda _: None, CancelToken()).history
    losses = [epoch.loss for epoch in reported if epoch.loss is not None]
    assert losses[-1] < 0.8 * losses[0]
    assert reported[-1].validation_loss is not None
    assert reported[0].validation_loss is not None
    assert reported[-1].validation_loss < 0.8 * reported[0].validation_loss


def test_the_same_seed_ends_with_the_same_weights_interrupted_or_not(
    photos: list[TrainImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.trainer.loop._MIN_CHECKPOINT_S", 0.0)
    straight = _trained(photos, tmp_path / "straight", lambda _: None, CancelToken())
    token = CancelToken()

    def stop_after_two(event: TrainerEvent) -> None:
        if isinstance(event, protocol.Epoch) and event.number == 2:
            token.cancel()

    before = threading.active_count()
    with pytest.raises(Cancelled):
        _trained(photos, tmp_path / "stopped", stop_after_two, token)
    assert threading.active_count() == before
    resumed = _trained(photos, tmp_path / "stopped", lambda _: None, CancelToken())
    for wanted, found in zip(straight.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(found, wanted)


def _trained_on(photos: list[TrainImage], job: TrainerJob) -> set[bytes]:
    """The pixels of the images in a training epoch."""
    seen: list[Images] = []

    def watching(images: Images) -> Images:
        seen.extend(images.copy())
        return images

    _learner(photos, job, frozen_base=watching).train_epoch(1)
    return {image.tobytes() for image in seen}


def test_without_augmentation_images_are_unmodified(photos: list[TrainImage]) -> None:
    plain = {preprocess(decode(photo.path), _PLAN).tobytes() for photo in photos[:12]}
    assert _trained_on(photos, replace(_JOB, augment=False)) == plain
    assert not _trained_on(photos, _JOB) & plain


def test_cancelled_within_an_epoch_it_stops(photos: list[TrainImage]) -> None:
    token, before = CancelToken(), threading.active_count()

    def report(progress: Progress) -> None:
        if progress.step:
            token.cancel()

    learner = _learner(photos, replace(_JOB, batch=2), token=token, report=report)
    with pytest.raises(Cancelled):
        learner.train_epoch(1)
    assert threading.active_count() == before


def test_validation_images_are_prepared_once(photos: list[TrainImage], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def frozen_base(images: Images) -> Images:
        calls.append(len(images))
        return images.astype(np.float32)

    learner = _learner(photos, replace(_JOB, batch=4), frozen_base=frozen_base)
    first = learner.validate()
    assert calls == [4, 2]
    assert learner.validate() == first
    assert calls == [4, 2]
    monkeypatch.setattr(
        learner_module, "_MAX_CACHED_BYTES", 4 * tiny.SIZE**2 * 3 * 2
    )  # float16, the first batch and no more
    small = _learner(photos, replace(_JOB, batch=4), frozen_base=frozen_base)
    assert small.validate() == first
    calls.clear()
    assert small.validate() == first
    assert calls == [2]


def test_validation_images_may_go_through_another_base(photos: list[TrainImage]) -> None:
    calls: list[str] = []

    def noting(name: str) -> RunFrozenBase:
        return lambda images: calls.append(name) or images.astype(np.float32)  # type: ignore[func-returns-value]

    token = CancelToken()
    fast, exact = (DataLoader(_PLAN, noting(name), token) for name in ("fast", "exact"))
    split = photos[:12], photos[12:]
    learner = ImageTrainer(_network(), _JOB, split, fast, lambda _: None, validation_loader=exact)
    learner.validate()
    assert set(calls) == {"exact"}
    calls.clear()
    learner.train_epoch(1)
    assert set(calls) == {"fast"}


def test_without_validation_images_there_are_no_metrics(photos: list[TrainImage]) -> None:
    assert _learner(photos[:12]).validate() is None


def test_all_images_missing_is_an_error(photos: list[TrainImage]) -> None:
    gone = [replace(photo, path=photo.path.with_suffix(".gone")) for photo in photos]
    with pytest.raises(DatasetError, match="can be read any more"):
        _learner(gone).train_epoch(1)


def test_a_step_in_chunks_equals_the_step_of_the_whole_batch(photos: list[TrainImage]) -> None:
    with DataLoader(_PLAN, _as_they_are, CancelToken()).batches(in_batches(photos, 18), plain_view(_PLAN)) as batches:
        (batch,) = batches
    assert batch.inputs is not None
    model, tally = _network(), MetricTotals()
    weights = np.array([2.0, 1.0, 0.5], np.float32)
    optimizer = keras.optimizers.SGD(0.1)
    TrainStep(model, optimizer, weights).train(batch.inputs, batch.labels, 20, tally)

    reference = _network()
    with tf.GradientTape() as tape:
        logits = reference(batch.inputs.astype(np.float32), training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(batch.labels, logits)
        loss = tf.reduce_sum(losses * weights[batch.labels]) / 20
    for variable, slope in zip(
        reference.trainable_variables, tape.gradient(loss, reference.trainable_variables), strict=True
    ):
        variable.assign_sub(0.1 * slope)
    for wanted, found in zip(reference.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert (tally.images, tally.correct) == (18, int((logits.numpy().argmax(axis=1) == batch.labels).sum()))
    assert tally.loss == pytest.approx(float(tf.reduce_sum(losses)), rel=1e-5)


def test_rare_classes_weigh_as_much_as_common_ones() -> None:
    labels = [0, 0, 0, 0, 2, 2]
    weights = class_weights(labels, 3)
    assert weights[labels].mean() == pytest.approx(1)
    assert 4 * weights[0] == pytest.approx(2 * weights[2])
    assert np.isfinite(weights).all()
