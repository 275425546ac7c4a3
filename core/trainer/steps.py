"""Steps of stochastic gradient descent for a network that names images, and how well it names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.engine import MAX_BATCH
from core.trainer.framework import keras, tf


@dataclass(slots=True)
class MetricTotals:
    """Sums over images.

    Attributes:
        images: how many.
        loss: of their cross-entropies, in nats, each weighing the same.
        correct: how many were named rightly.
    """

    images: int = 0
    loss: float = 0.0
    correct: int = 0

    def add(self, images: int, loss: float, correct: int) -> None:
        """Count more images."""
        self.images, self.loss, self.correct = self.images + images, self.loss + loss, self.correct + correct


class TrainStep:
    """Makes a network learn.

    A batch goes through it in parts of `MAX_BATCH` images whose gradients are added up. As the statistics of its
    BatchNormalization are fixed that is the same step, in memory that does not grow with the batch.
    """

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer, weights: NDArray[np.float32]) -> None:
        """Make ready.

        Args:
            model: from inputs [n, ...] to logits float32 [n, classes].
            optimizer: of its trainable weights.
            weights: of an image of each class in the loss [classes].
        """
        self._variables, self._optimizer = model.trainable_variables, optimizer
        optimizer.build(self._variables)
        importance = tf.constant(weights)

        def judged(inputs: Any, labels: Any, *, training: bool) -> tuple[Any, Any]:
            """The cross-entropy of each image, and how many are named rightly."""
            logits = model(inputs, training=training)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            return losses, tf.math.count_nonzero(tf.argmax(logits, axis=1) == labels)

        def gradients(inputs: Any, labels: Any, whole: Any) -> tuple[Any, Any, Any]:
            with tf.GradientTape() as tape:
                losses, right = judged(inputs, labels, training=True)
                fraction = tf.reduce_sum(losses * tf.gather(importance, labels)) / whole
            return tape.gradient(fraction, self._variables), tf.reduce_sum(losses), right

        def scores(inputs: Any, labels: Any) -> tuple[Any, Any]:
            losses, right = judged(inputs, labels, training=False)
            return tf.reduce_sum(losses), right

        given = tf.TensorSpec(model.input.shape, tf.float32), tf.TensorSpec((None,), tf.int64)
        self._gradients = tf.function(gradients, input_signature=(*given, tf.TensorSpec((), tf.float32)))
        self._scores = tf.function(scores, input_signature=given)

    def train(self, inputs: NDArray[Any], labels: NDArray[np.int64], batch: int, totals: MetricTotals) -> None:
        """One step; what the network said before it is added to `totals`.

        Args:
            inputs: what the network reads, [n, ...].
            labels: int64 [n], n of 1 or more.
            batch: images in a full batch: one that holds fewer makes a smaller step.
            totals: of the epoch.
        """
        total: Sequence[Any] = ()
        for some, theirs in _chunks(inputs, labels):
            gradients, loss, correct = self._gradients(some, theirs, float(batch))
            total = [a + b for a, b in zip(total, gradients, strict=True)] if total else gradients
            totals.add(len(theirs), float(loss), int(correct))
        self._optimizer.apply(total, self._variables)

    def evaluate(self, inputs: NDArray[Any], labels: NDArray[np.int64], totals: MetricTotals) -> None:
        """Add to `totals` what the network says of images, as `learn` takes them."""
        for some, theirs in _chunks(inputs, labels):
            loss, correct = self._scores(some, theirs)
            totals.add(len(theirs), float(loss), int(correct))


def class_weights(labels: Sequence[int], classes: int) -> NDArray[np.float32]:
    """Weights [classes] by which rare classes weigh as much as common ones; 1 on the average over the images."""
    counts = np.bincount(labels, minlength=classes)
    return (len(labels) / np.maximum(counts, 1) / np.count_nonzero(counts)).astype(np.float32)


def _chunks(inputs: NDArray[Any], labels: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    for start in range(0, len(labels), MAX_BATCH):
        part = slice(start, start + MAX_BATCH)
        yield inputs[part].astype(np.float32), labels[part]
