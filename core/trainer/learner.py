"""Learning from photos: an epoch of steps, and what the network says of those set aside."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from core.base.errors import DatasetError
from core.base.progress import Report, StageClock
from core.trainer.batches import Batch, Photo, Pipeline, augmented_view, grouped, plain_view, shuffled
from core.trainer.framework import keras
from core.trainer.loop import Score
from core.trainer.steps import Steps, Tally, balanced
from core.training.protocol import Job

_MOST_KEPT: Final = 1024**3
"""Bytes of validation images, as the network reads them, that are kept from epoch to epoch; the rest is made anew."""
_LARGEST: Final = float(np.finfo(np.float16).max)


class Learner:
    """A network that learns from photos, for `core.trainer.loop` to lead.

    Attributes:
        model: from what the pipeline's trunk gives to logits.
        optimizer: stochastic gradient descent.
    """

    def __init__(
        self,
        model: keras.Model,
        job: Job,
        photos: tuple[Sequence[Photo], Sequence[Photo]],
        pipeline: Pipeline,
        report: Report,
    ) -> None:
        """Make ready to learn.

        Args:
            model: from what the pipeline's trunk gives to logits.
            job: how it is to learn.
            photos: to train and to validate with.
            pipeline: makes batches of them.
            report: told of each batch.
        """
        self.model = model
        self.optimizer = keras.optimizers.SGD(job.learning_rate, momentum=job.momentum, nesterov=job.momentum > 0)
        self._images, self._seconds = 0, 0.0
        self._job, (self._train, self._validation) = job, photos
        self._pipeline, self._report = pipeline, report
        self._steps = Steps(model, self.optimizer, balanced([photo.label for photo in self._train], job.classes))
        self._kept: list[Batch] = []
        self._bytes = 0

    @property
    def speed(self) -> float | None:
        """Images learnt from in a second; None before any was, in this process."""
        return round(self._images / self._seconds, 2) if self._images else None

    def learn(self, epoch: int) -> Score:
        """Learn once from every photo, augmented where that was asked for; epochs count from 1.

        Raises:
            DatasetError: none of them can be read any more.
            Cancelled: the token was cancelled.
        """
        job, tally, started = self._job, Tally(), time.monotonic()
        groups = shuffled(self._train, job.batch, job.seed, epoch)
        plan = self._pipeline.plan
        view = augmented_view(plan, job.seed, epoch) if job.augment else plain_view(plan)
        clock = StageClock(f"learning, epoch {epoch} of {job.epochs}", len(self._train), self._report)
        with self._pipeline.batches(groups, view) as batches:
            for group, batch in zip(groups, batches, strict=True):
                if batch.inputs is not None:
                    self._steps.learn(batch.inputs, batch.labels, job.batch, tally)
                clock.advance(len(group))
        self._images, self._seconds = self._images + tally.images, self._seconds + time.monotonic() - started
        return _score(tally)

    def validate(self) -> Score | None:
        """What the network says of the photos set aside, as they are; None where there are none.

        Raises:
            DatasetError: none of them can be read any more.
            Cancelled: the token was cancelled.
        """
        if not self._validation:
            return None
        tally, size = Tally(), self._job.batch
        clock = StageClock("looking at the validation images", len(self._validation), self._report)
        for batch in self._kept:
            self._judge(batch, tally)
            clock.advance(size)
        rest = grouped(self._validation[len(self._kept) * size :], size)
        with self._pipeline.batches(rest, plain_view(self._pipeline.plan)) as batches:
            for batch in map(_halved, batches):
                self._judge(batch, tally)
                self._keep(batch)
                clock.advance(size)
        return _score(tally)

    def _judge(self, batch: Batch, tally: Tally) -> None:
        self._pipeline.token.check()
        if batch.inputs is not None:
            self._steps.judge(batch.inputs, batch.labels, tally)

    def _keep(self, batch: Batch) -> None:
        """Keep a batch for the next epochs while there is room; those kept are the first."""
        self._bytes += 0 if batch.inputs is None else batch.inputs.nbytes
        if self._bytes <= _MOST_KEPT:
            self._kept.append(batch)


def _halved(batch: Batch) -> Batch:
    """The batch with maps as float16, whether it is kept or not, so that this makes no difference."""
    if batch.inputs is None or batch.inputs.dtype != np.float32:
        return batch
    return Batch(np.clip(batch.inputs, -_LARGEST, _LARGEST).astype(np.float16), batch.labels)


def _score(tally: Tally) -> Score:
    if not tally.images:
        what = "None of the images can be read any more: their files changed or went meanwhile."
        raise DatasetError(what, hint="Let whatever writes to the folder come to its end, then train again.")
    return Score(tally.loss / tally.images, tally.right / tally.images)
