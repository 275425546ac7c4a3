"""The recipe `dense`: the article's head, trained on features alone.

256 ReLU, dropout 0.5, 128 ReLU, dropout 0.5, logits; stochastic gradient descent on the softmax cross-entropy. For two
classes that is the binary cross-entropy of the sigmoid of the difference of the logits. The loss is class-balanced. If
an image may have several classes, it is the sum of their binary cross-entropies instead, without balance. The weights
of the best validation epoch are kept.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from core.base.errors import TrainerError
from core.base.i18n import mark, tr
from core.base.progress import CancelToken, ProgressReporter
from core.base.storage import write_atomically
from core.base.text import display_path
from core.models.heads import head_bytes
from core.trainer.backbone import read_backbone
from core.trainer.framework import keras, tf
from core.trainer.head_export import exported_head
from core.trainer.loop import EpochMetrics, reseed, run_epochs, training_facts
from core.trainer.parity import write_parity_samples
from core.trainer.steps import class_weights
from core.training.protocol import FEATURES, HEAD, PARITY_IMAGES, REFITTED, TrainerEvent, TrainerJob
from core.training.quick import Features, Labels
from core.training.standardization import mean_std

HIDDEN: Final = (256, 128)
DROPOUT: Final = 0.5

_FIRST_VARIANCE: Final = 0.005
"""Initial variance of the first layer's outputs for standardized features; Keras's default initialization gives 1.8 for
2048 features. That is so large that it drowns what is learned, because few images span few of the directions in which
others may differ. Trained on 137 photos of 8 classes, the accuracy on others was 0.90 with it, and 0.95 with this."""
_AT_ONCE: Final = 4096
"""Batch size for validation."""

Emit = Callable[[TrainerEvent], None]


def run(job: TrainerJob, folder: Path, emit: Emit, token: CancelToken) -> Mapping[str, Any]:
    """Run a job; write `HEAD`, if `FEATURES` contains `everything` also `REFITTED`, and `PARITY`.

    Returns:
        Details of the training for the model's card.

    Raises:
        TrainerError: the features are missing or damaged.
        DivergedError: the loss diverged.
        ModelError: the backbone is missing or damaged, or the head was exported incorrectly.
        DatasetError: none of the images can be read any more.
        StorageError: a result cannot be written.
        Cancelled: the token was cancelled; the latest checkpoint is kept.
    """
    arrays = _read(folder)
    data = DenseData.of(*(arrays[name] for name in ("train", "train_labels", "validation", "validation_labels")))
    trainer = DenseTrainer(job, data, mark("learning"), emit, token)
    state = run_epochs(trainer, job, folder, emit, token)
    trainer.model.set_weights(state.best)
    installed = fold_standardization(trainer.model, data)
    _export(installed, folder / HEAD)
    if "everything" in arrays:
        installed = _refit(replace(job, epochs=state.best_epoch), arrays, emit, token)
        _export(installed, folder / REFITTED)
    _write_parity(job, folder, installed, emit, token)
    widths = [data.features.shape[1], *HIDDEN, job.classes]
    return {"layers": widths, "dropout": DROPOUT, **training_facts(state, job)}


@dataclass(frozen=True, slots=True, eq=False)
class DenseData:
    """Training and validation data.

    Attributes:
        features: standardized training features, float32 [n, d].
        labels: int64 [n]; or 1 for each class that an image has, else 0, int64 [n, classes].
        validation: validation features standardized in the same way, float32 [m, d]; m may be 0.
        validation_labels: the same, [m] or [m, classes].
        mean: of the training features before standardization, [d].
        scale: their standard deviation, [d]; 1 where it was 0.
    """

    features: Features
    labels: Labels
    validation: Features
    validation_labels: Labels
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, features: Features, labels: Labels, validation: Features, validation_labels: Labels) -> Self:
        """Standardize features by the mean and standard deviation of the training features."""
        mean, scale = mean_std(features)
        shift, divisor = mean.astype(np.float32), scale.astype(np.float32)
        scaled, scaled_validation = ((part - shift) / divisor for part in (features, validation))
        return cls(scaled, labels, scaled_validation, validation_labels, mean, scale)


class DenseTrainer:
    """Trains the article's head, driven by `core.trainer.loop`.

    Attributes:
        model: from standardized features to logits; the same seed gives the same initial weights.
        optimizer: stochastic gradient descent.
    """

    def __init__(self, job: TrainerJob, data: DenseData, stage: str, emit: Emit, token: CancelToken) -> None:
        """Create the head and its optimizer.

        Args:
            job: the job.
            data: the data.
            stage: the name of the stage in progress reports.
            emit: called with progress.
            token: checked before each step.
        """
        self.model = initial_head(data.features.shape[1], job.classes, job.seed)
        self.optimizer = keras.optimizers.SGD(job.learning_rate, momentum=job.momentum, nesterov=job.momentum > 0)
        self.optimizer.build(self.model.trainable_variables)
        self._job, self._data, self._token = job, data, token
        if data.labels.ndim > 1:  # the loss is a mean over the classes; their sum has gradients as large as softmax's
            self._weights = np.full(len(data.labels), job.classes, np.float32)
        else:
            self._weights = class_weights(data.labels.tolist(), job.classes)[data.labels]
        self._step, self._evaluate = _steps(self.model, self.optimizer, data.labels.ndim)
        self._new_clock = partial(ProgressReporter, stage, report=emit)
        self._clock: ProgressReporter | None = None

    def train_epoch(self, epoch: int) -> EpochMetrics:
        """Train on every image once, in a random order given by the seed and the epoch, which counts from 1.

        Raises:
            Cancelled: the token was cancelled.
        """
        job, data, count = self._job, self._data, len(self._data.labels)
        self._clock = self._clock or self._new_clock((job.epochs - epoch + 1) * count)
        order = np.random.default_rng((job.seed, epoch)).permutation(count)
        loss, correct = 0.0, 0.0
        for start in range(0, count, job.batch):
            self._token.check()
            rows = order[start : start + job.batch]
            losses, hits = self._step(data.features[rows], data.labels[rows], self._weights[rows])
            loss, correct = loss + float(losses), correct + float(hits)
            self._clock.advance(len(rows))
        return EpochMetrics(loss / count, correct / count)

    def validate(self) -> EpochMetrics | None:
        """The metrics on the validation images; None if there are none."""
        data, count = self._data, len(self._data.validation_labels)
        if not count:
            return None
        parts = [slice(start, start + _AT_ONCE) for start in range(0, count, _AT_ONCE)]
        scores = [self._evaluate(data.validation[part], data.validation_labels[part]) for part in parts]
        return EpochMetrics(
            sum(float(loss) for loss, _ in scores) / count, sum(float(correct) for _, correct in scores) / count
        )


def initial_head(width: int, classes: int, seed: int) -> keras.Model:
    """The article's head before training, from `width` standardized features to logits of `classes` classes."""
    seeds = iter(np.random.default_rng(seed).integers(2**31, size=2 * len(HIDDEN) + 1).tolist())
    initial = keras.initializers.VarianceScaling(
        _FIRST_VARIANCE, mode="fan_in", distribution="untruncated_normal", seed=next(seeds)
    )
    layers = [keras.Input((width,))]
    for size in HIDDEN:
        layers.append(keras.layers.Dense(size, activation="relu", kernel_initializer=initial))
        layers.append(keras.layers.Dropout(DROPOUT, seed=next(seeds)))
        initial = keras.initializers.GlorotUniform(seed=next(seeds))
    return keras.Sequential([*layers, keras.layers.Dense(classes, kernel_initializer=initial)])


def fold_standardization(model: keras.Model, data: DenseData) -> keras.Model:
    """The same head for raw features: standardization is folded into its first layer, and dropout is removed."""
    first, bias, *others = (weights.astype(np.float64) for weights in model.get_weights())
    first = first / data.scale[:, None]
    bias = bias - data.mean @ first
    sizes = [weights.shape[1] for weights in (first, *others[::2])]
    layers = [keras.layers.Dense(size, activation="relu") for size in sizes[:-1]]
    plain = keras.Sequential([keras.Input((len(first),)), *layers, keras.layers.Dense(sizes[-1])])
    plain.set_weights([first, bias, *others])
    return plain


def _losses(logits: Any, labels: Any) -> tuple[Any, Any]:
    """The loss of each image, and the number of correct predictions; of several classes the means over these."""
    if len(labels.shape) > 1:
        truth = tf.cast(labels, tf.float32)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)
        correct = tf.cast((logits > 0) == (truth > 0), tf.float32)
        return tf.reduce_mean(losses, axis=1), tf.reduce_sum(tf.reduce_mean(correct, axis=1))
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return losses, tf.math.count_nonzero(tf.argmax(logits, axis=1) == labels)


def _steps(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, label_axes: int
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """A training step and an evaluation; both return the sum of the losses and the number of correct predictions."""
    variables, (_, width), (_, classes) = model.trainable_variables, model.input_shape, model.output_shape
    labels_like = tf.TensorSpec((None, classes)[:label_axes], tf.int64)
    given = tf.TensorSpec((None, width), tf.float32), labels_like

    def forward(features: Any, labels: Any, *, training: bool) -> tuple[Any, Any]:
        return _losses(model(features, training=training), labels)

    def step(features: Any, labels: Any, sample_weights: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            losses, correct = forward(features, labels, training=True)
            loss = tf.reduce_mean(losses * sample_weights)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return tf.reduce_sum(losses), correct

    def evaluate(features: Any, labels: Any) -> tuple[Any, Any]:
        losses, correct = forward(features, labels, training=False)
        return tf.reduce_sum(losses), correct

    weights = tf.TensorSpec((None,), tf.float32)
    return tf.function(step, input_signature=(*given, weights)), tf.function(evaluate, input_signature=given)


def _refit(job: TrainerJob, arrays: Mapping[str, NDArray[Any]], emit: Emit, token: CancelToken) -> keras.Model:
    """Train the head from the same initial weights on all images, up to the number of the best epoch."""
    features, labels = arrays["everything"], arrays["everything_labels"]
    data = DenseData.of(features, labels, features[:0], labels[:0])
    trainer = DenseTrainer(job, data, mark("learning from all images"), emit, token)
    for epoch in range(1, job.epochs + 1):
        reseed(trainer.model, job.seed, epoch)
        trainer.train_epoch(epoch)
    return fold_standardization(trainer.model, data)


def _read(folder: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO((folder / FEATURES).read_bytes()), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except Exception as error:  # the boundary: zip and numpy raise a dozen unrelated kinds
        what = tr("The features in “{folder}” are missing or damaged.", folder=display_path(folder))
        raise TrainerError(what, hint=tr("Start the training over with --restart.")) from error


def _export(head: keras.Model, file: Path) -> None:
    write_atomically(file, head_bytes(exported_head(head), exact=True))


def _write_parity(job: TrainerJob, folder: Path, head: keras.Model, emit: Emit, token: CancelToken) -> None:
    """Write Keras's outputs, from pixels to logits, for the parity check."""
    backbone = read_backbone(Path(job.backbone), job.fit)
    features_of = backbone.compute_features()
    clock = ProgressReporter(tr("preparing the parity check"), PARITY_IMAGES, emit)

    def logits_of(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        token.check()
        features = features_of(images)
        clock.advance(len(images))
        return np.asarray(head(features, training=False))

    write_parity_samples(folder, logits_of, backbone.card.preprocessing)
