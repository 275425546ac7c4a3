"""Trainings with their surroundings: timing, comparison, and what to keep when they are stopped."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from core.base import paths
from core.base.errors import FoveaError
from core.base.progress import CancelToken, Progress, ProgressCallback
from core.models.installed import InstalledModel
from core.models.library import Library, open_library
from core.services.timing_history import TimingRecorder
from core.services.training_facts import summarize_retraining, summarize_training
from core.services.training_values import RetrainingSummary, TrainingSummary
from core.training import runs
from core.training.protocol import CHECKPOINT, Epoch
from core.training.request import RetrainRequest, TrainRequest
from core.training.retrain import retrain as retrain_model
from core.training.train import train as train_model


def train(
    request: TrainRequest, against: str | None, *, report: Callable[[Progress | Epoch], None], token: CancelToken
) -> TrainingSummary:
    """Train a model, install it, and compare it with another one on its test photos; see `core.api.train`."""
    library, recorder, started = open_library(), TimingRecorder(), time.perf_counter()
    baseline = _baseline(library, against)

    def on_progress(progress: Progress) -> None:
        recorder.stage(progress)
        report(progress)

    def on_epoch(epoch: Epoch) -> None:
        recorder.epoch(epoch)
        report(epoch)

    trained = train_model(request, library, report=on_progress, on_epoch=on_epoch, token=token)
    seconds = time.perf_counter() - started
    if not token.was_paused:
        recorder.save(request, len(trained.data.train))
    return summarize_training(trained, request, seconds, baseline, report=report, token=token)


def _baseline(library: Library, reference: str | None) -> InstalledModel | FoveaError | None:
    """The model to compare with, as it is before the training; or why there is none."""
    try:
        return None if reference is None else library.find(reference)
    except FoveaError as error:
        return error


def settle_run(request: TrainRequest, *, discard: bool) -> bool:
    """Keep or discard the progress of a cancelled training, and return whether it can be resumed."""
    folder = paths.unfinished_runs() / request.name
    if (folder / CHECKPOINT).exists() and not discard:
        return True
    with contextlib.suppress(FoveaError):
        runs.discard(request.name)
    return False


def retrain(request: RetrainRequest, *, report: ProgressCallback, token: CancelToken) -> RetrainingSummary:
    """Make the next version of a model from corrections; see `core.api.retrain`."""
    started = time.perf_counter()
    retrained = retrain_model(request, open_library(), report=report, token=token)
    return summarize_retraining(retrained, time.perf_counter() - started)
