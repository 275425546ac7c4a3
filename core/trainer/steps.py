"""Steps of stochastic gradient descent for an image classifier, and its metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.limits import MAX_BATCH
from core.trainer.framework import keras, tf


@dataclass(slots=True)
class MetricTotals:
    """Sums over images.

    Attributes:
        images: their number.
        loss: the sum of their cross-entropies, in nats, unweighted.
        correct: how many were classified correctly.
    """

    images: int = 0
    loss: float = 0.0
    correct: int = 0

    def add(self, images: int, loss: float, correct: int) -> None:
        """Add the metrics of more images."""
        self.images, self.loss, self.correct = self.images + images, self.loss + loss, self.correct + correct


class TrainStep:
    """Trains and evaluates a network.

    A batch is processed in chunks of `MAX_BATCH` images whose gradients are added. Because BatchNormalization
    statistics are fixed, the step is the same, and memory does not grow with the batch.
    """

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer, weights: NDArray[np.float32]) -> None:
        """Build the training step.

        Args:
            model: from inputs [n, ...] to logits float32 [n, classes].
            optimizer: of its trainable weights.
            weights: class weights of the loss [classes].
        """
        self._variables, self._optimizer = model.trainable_variables, optimizer
        optimizer.build(self._variables)
        importance = tf.constant(weights)

        def forward(inputs: Any, labels: Any, *, training: bool) -> tuple[Any, Any]:
            """The cross-entropy of each image, and the number of correct predictions."""
            logits = model(inputs, training=training)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            return losses, tf.math.count_nonzero(tf.argmax(logits, axis=1) == labels)

        def gradients(inputs: Any, labels: Any, batch: Any) -> tuple[Any, Any, Any]:
            with tf.GradientTape() as tape:
                losses, correct = forward(inputs, labels, training=True)
                loss = tf.reduce_sum(losses * tf.gather(importance, labels)) / batch
            return tape.gradient(loss, self._variables), tf.reduce_sum(losses), correct

        def scores(inputs: Any, labels: Any) -> tuple[Any, Any]:
            losses, correct = forward(inputs, labels, training=False)
            return tf.reduce_sum(losses), correct

        given = tf.TensorSpec(model.input.shape, tf.float32), tf.TensorSpec((None,), tf.int64)
        batch = tf.TensorSpec((), tf.float32)
        self._gradients = tf.function(gradients, input_signature=(*given, batch), autograph=False)
        self._scores = tf.function(scores, input_signature=given, autograph=False)

    def train(self, inputs: NDArray[Any], labels: NDArray[np.int64], batch: int, totals: MetricTotals) -> None:
        """Take one step, and add the metrics before it to `totals`.

        Args:
            inputs: of the network, [n, ...].
            labels: int64 [n], n of 1 or more.
            batch: the size of a full batch: a smaller one takes a smaller step.
            totals: of the epoch.
        """
        total: Sequence[Any] = ()
        for chunk, chunk_labels in _chunks(inputs, labels):
            gradients, loss, correct = self._gradients(chunk, chunk_labels, float(batch))
            total = [a + b for a, b in zip(total, gradients, strict=True)] if total else gradients
            totals.add(len(chunk_labels), float(loss), int(correct))
        self._optimizer.apply(total, self._variables)

    def evaluate(self, inputs: NDArray[Any], labels: NDArray[np.int64], totals: MetricTotals) -> None:
        """Add the metrics on images, given as for `train`, to `totals`."""
        for chunk, chunk_labels in _chunks(inputs, labels):
            loss, correct = self._scores(chunk, chunk_labels)
            totals.add(len(chunk_labels), float(loss), int(correct))


def class_weights(labels: Sequence[int], classes: int) -> NDArray[np.float32]:
    """Balanced class weights [classes], with a mean of 1 over the images."""
    counts = np.bincount(labels, minlength=classes)
    return (len(labels) / np.maximum(counts, 1) / np.count_nonzero(counts)).astype(np.float32)


def _chunks(inputs: NDArray[Any], labels: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    for start in range(0, len(labels), MAX_BATCH):
        part = slice(start, start + MAX_BATCH)
        yield inputs[part].astype(np.float32), labels[part]
