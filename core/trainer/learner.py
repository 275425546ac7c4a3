"""Training on images: an epoch of steps, and validation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from core.base.errors import DatasetError
from core.base.i18n import tr
from core.base.progress import ProgressCallback, ProgressReporter, StageKind
from core.trainer.batches import Batch, DataLoader, TrainImage, augmented_view, in_batches, plain_view, shuffled
from core.trainer.framework import keras
from core.trainer.loop import EpochMetrics
from core.trainer.steps import MetricTotals, TrainStep, class_weights
from core.training.protocol import TrainerJob

_MAX_CACHED_BYTES: Final = 1024**3
"""The most bytes of prepared validation batches kept between epochs; the others are prepared again."""
_FLOAT16_MAX: Final = float(np.finfo(np.float16).max)


class ImageTrainer:
    """Trains a network on images, driven by `core.trainer.loop`.

    Attributes:
        model: from the outputs of the loader's frozen base to logits.
        optimizer: stochastic gradient descent.
    """

    def __init__(
        self,
        model: keras.Model,
        job: TrainerJob,
        images: tuple[Sequence[TrainImage], Sequence[TrainImage]],
        loader: DataLoader,
        report: ProgressCallback,
        clip_norm: float | None = None,
        validation_loader: DataLoader | None = None,
    ) -> None:
        """Create the optimizer and the training step.

        Args:
            model: from the outputs of the loader's frozen base to logits.
            job: the job.
            images: training and validation images.
            loader: prepares batches of them.
            report: called after each batch.
            clip_norm: the largest norm of all gradients together; None for any.
            validation_loader: prepares batches of validation images; None for `loader`.
        """
        self.model = model
        self.optimizer = keras.optimizers.SGD(
            job.learning_rate, momentum=job.momentum, nesterov=job.momentum > 0, global_clipnorm=clip_norm
        )
        self._images, self._seconds = 0, 0.0
        self._job, (self._train, self._validation) = job, images
        self._loader, self._validation_loader, self._report = loader, validation_loader or loader, report
        self._steps = TrainStep(
            model, self.optimizer, class_weights([photo.label for photo in self._train], job.classes)
        )
        self._kept: list[Batch] = []
        self._bytes = 0

    @property
    def speed(self) -> float | None:
        """Training images per second in this process; None before the first."""
        return round(self._images / self._seconds, 2) if self._images else None

    def train_epoch(self, epoch: int) -> EpochMetrics:
        """Train on every image once, augmented if requested; epochs count from 1.

        Raises:
            DatasetError: none of the images can be read any more.
            Cancelled: the token was cancelled.
        """
        job, totals, started = self._job, MetricTotals(), time.monotonic()
        groups = shuffled(self._train, job.batch, job.seed, epoch)
        plan = self._loader.plan
        view = augmented_view(plan, job.seed, epoch) if job.augment else plain_view(plan)
        stage = tr("learning, epoch {epoch} of {epochs}", epoch=epoch, epochs=job.epochs)
        clock = ProgressReporter(stage, len(self._train), self._report, kind=StageKind.IMAGES)
        with self._loader.batches(groups, view) as batches:
            for group, batch in zip(groups, batches, strict=True):
                if batch.inputs is not None:
                    self._steps.train(batch.inputs, batch.labels, job.batch, totals)
                clock.advance(len(group))
        self._images, self._seconds = self._images + totals.images, self._seconds + time.monotonic() - started
        return _metrics(totals)

    def validate(self) -> EpochMetrics | None:
        """The metrics on the validation images, without augmentation; None if there are none.

        Raises:
            DatasetError: none of the images can be read any more.
            Cancelled: the token was cancelled.
        """
        if not self._validation:
            return None
        totals, size = MetricTotals(), self._job.batch
        stage = tr("looking at the validation images")
        clock = ProgressReporter(stage, len(self._validation), self._report, kind=StageKind.IMAGES)
        for batch in self._kept:
            self._evaluate(batch, totals)
            clock.advance(size)
        rest = in_batches(self._validation[len(self._kept) * size :], size)
        with self._validation_loader.batches(rest, plain_view(self._loader.plan)) as batches:
            for batch in map(_to_float16, batches):
                self._evaluate(batch, totals)
                self._keep(batch)
                clock.advance(size)
        return _metrics(totals)

    def _evaluate(self, batch: Batch, totals: MetricTotals) -> None:
        self._loader.token.check()
        if batch.inputs is not None:
            self._steps.evaluate(batch.inputs, batch.labels, totals)

    def _keep(self, batch: Batch) -> None:
        """Cache a batch for the next epochs if there is room; cached ones come first."""
        self._bytes += 0 if batch.inputs is None else batch.inputs.nbytes
        if self._bytes <= _MAX_CACHED_BYTES:
            self._kept.append(batch)


def _to_float16(batch: Batch) -> Batch:
    """Convert feature maps to float16, whether the batch is cached or not, so that caching makes no difference."""
    if batch.inputs is None or batch.inputs.dtype != np.float32:
        return batch
    return Batch(np.clip(batch.inputs, -_FLOAT16_MAX, _FLOAT16_MAX).astype(np.float16), batch.labels)


def _metrics(totals: MetricTotals) -> EpochMetrics:
    if not totals.images:
        what = tr("None of the images can be read any more: their files were changed or removed.")
        raise DatasetError(what, hint=tr("Wait until no program writes to the folder, then train again."))
    return EpochMetrics(totals.loss / totals.images, totals.correct / totals.images)
