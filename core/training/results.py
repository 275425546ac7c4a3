"""Trainings with their results: what the new model is compared with, and notes for the user."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from core.base.errors import Cancelled, FoveaError
from core.base.i18n import mark, tr, tr_n
from core.base.progress import CancelToken, Progress, ProgressCallback
from core.card import ResizeMode
from core.datasets.problems import Problem
from core.evaluation.comparison import compare_with_baseline
from core.evaluation.folder_evaluation import evaluate_features, find_training_images
from core.evaluation.images import match_labels
from core.evaluation.sources import feature_extractor
from core.evaluation.values import BaselineComparison, Evaluation
from core.models.installed import load_head, load_training_hashes
from core.models.library import Library
from core.models.values import InstalledModel
from core.training.evaluated_head import KEPT, undecided
from core.training.fitting import FIT_CHOSEN, FIT_LOSSES
from core.training.learning_curve import outlook
from core.training.protocol import Epoch
from core.training.request import TrainRequest
from core.training.timing_history import TimingRecorder
from core.training.train import Trained, train
from core.training.training_data import TrainingData, compute
from core.training.values import Outlook, TrainingResult

_OWN_FIT: Final = mark("Photos are made square as the network was trained: no other way is better beyond chance.")
_BETTER_FITS: Final = {
    ResizeMode.STRETCH: mark("Photos are stretched to a square, which is better than the network's own way."),
    ResizeMode.PAD: mark("Photos are put on a grey square, which is better than the network's own way."),
    ResizeMode.CENTRE_CROP: mark("Photos are cropped to the centre, which is better than the network's own way."),
}

# ---- the training


def train_and_compare(
    request: TrainRequest,
    library: Library,
    against: str | None,
    *,
    report: Callable[[Progress | Epoch], None],
    token: CancelToken,
    on_problems: Callable[[Sequence[Problem]], None] = lambda _: None,
) -> TrainingResult:
    """Train a model, install it, and compare it with another one on its test images; see `core.api.train`."""
    recorder, started = TimingRecorder(), time.perf_counter()
    baseline = _find_baseline(library, against)

    def on_progress(progress: Progress) -> None:
        recorder.stage(progress)
        report(progress)

    def on_epoch(epoch: Epoch) -> None:
        recorder.epoch(epoch)
        report(epoch)

    trained = train(
        request, library, report=on_progress, on_epoch=on_epoch, token=token,
        on_dataset=lambda dataset: on_problems(dataset.problems),
    )  # fmt: skip
    seconds = time.perf_counter() - started
    if not token.was_paused:
        recorder.save(request, len(trained.data.train))
    compared, notes = _compare_with(baseline, trained, request, report, token)
    return replace(_result(trained, compared, notes, seconds), outlook=_outlook(trained, report, token))


def _find_baseline(library: Library, reference: str | None) -> InstalledModel | FoveaError | None:
    """The model to compare with, as it is before the training; or why there is none."""
    try:
        return None if reference is None else library.find(reference)
    except FoveaError as error:
        return error


def _result(
    trained: Trained, baseline: BaselineComparison | None, notes: tuple[str, ...], seconds: float
) -> TrainingResult:
    data = trained.data
    return TrainingResult(
        card=trained.model.card,
        version=trained.model.version,
        in_use=trained.in_use,
        subsets=data.counts(),
        fitted=trained.head.trained.fitted,
        computed=data.computed,
        evaluation=trained.head.evaluation,
        multi_label=trained.head.multi_label,
        baseline=baseline,
        start=_start_comparison(trained),
        suspects=undecided((trained.start or trained.head).suspects, data.dataset.decided),
        class_suspects=trained.head.class_suspects,
        problems=data.dataset.problems,
        failures=data.failures,
        notes=(*_notes(trained), *notes),
        seconds=seconds,
    )


def _outlook(trained: Trained, report: ProgressCallback, token: CancelToken) -> Outlook | None:
    """What more photos would give; None for other recipes than quick, or if the user does not wait for it."""
    facts, images = trained.head.trained.facts, trained.data.everything()
    c = facts.get("C")
    if not isinstance(c, float) or KEPT in facts or trained.data.dataset.is_multi_label:
        return None
    try:
        return outlook(images.features, images.labels, trained.data.dataset.classes, c, report=report, token=token)
    except Cancelled:
        return None


# ---- comparisons


def _start_comparison(trained: Trained) -> BaselineComparison | None:
    """Compare a fine-tuned model with the model it started from, on the images that both were evaluated on."""
    if trained.start is None or trained.start.evaluation is None or trained.head.evaluation is None:
        return None
    return compare_with_baseline(
        trained.model.name, None, trained.start.evaluation, trained.head.evaluation, training_overlap=0
    )


def _compare_with(
    baseline: InstalledModel | FoveaError | None, trained: Trained, request: TrainRequest, report: ProgressCallback,
    token: CancelToken,
) -> tuple[BaselineComparison | None, tuple[str, ...]]:  # fmt: skip
    """Compare the model with the one in use before, and return notes on that."""
    if baseline is None or trained.head.evaluation is None:
        return None, ()
    try:
        if isinstance(baseline, FoveaError):
            raise baseline
        found = _evaluate_baseline(trained, trained.head.evaluation, request, baseline, report, token)
    except Cancelled:
        return None, ()
    except FoveaError as error:
        return None, (tr("Couldn't compare it with the model in use before. {reason}", reason=error.what),)
    if found is None:
        title = baseline.card.title
        return None, (tr("“{name}”, in use before, has none of these classes, so they were not compared.", name=title),)
    return found, ()


def _evaluate_baseline(
    trained: Trained, evaluation: Evaluation, request: TrainRequest, baseline: InstalledModel, report: ProgressCallback,
    token: CancelToken,
) -> BaselineComparison | None:  # fmt: skip
    """Compare with the baseline on the test images of its own classes; None if there are none."""
    known = match_labels(evaluation.classes, baseline.card.classes)
    comparable = [example for example in trained.data.test.examples if example.label in known]
    source = feature_extractor(baseline, request.provider, request.precision)
    table = compute(comparable, source, report=report, token=token)
    if not len(table.rows):
        return None
    examples = [comparable[row] for row in table.rows.tolist()]
    baseline_evaluation = evaluate_features(examples, table.features, baseline.card, load_head(baseline))
    hashes = load_training_hashes(baseline)
    overlap = None if hashes is None else int(find_training_images(examples, hashes.contains).sum())
    return compare_with_baseline(
        baseline.name, baseline.version, baseline_evaluation, evaluation, training_overlap=overlap
    )


def _notes(trained: Trained) -> Iterable[str]:
    data, head = trained.data, trained.head
    if head.evaluation is None and head.multi_label is None:
        yield tr("There were no test photos, so its accuracy is unknown.")
    elif head.trained.fitted > len(data.train):
        yield tr_n(
            "The accuracy is that of a model that had not seen the test photos. The installed model was then trained "
            "the same way on {count:,} photo.",
            "The accuracy is that of a model that had not seen the test photos. The installed model was then trained "
            "the same way on all {count:,} photos.",
            head.trained.fitted,
        )
    if FIT_CHOSEN in data.fit_facts:
        yield _fit_note(data)
    if not trained.in_use:
        yield _unused_note(trained)
    if data.failures:
        yield tr_n(
            "{count:,} photo could no longer be read and was left out.",
            "{count:,} photos could no longer be read and were left out.",
            len(data.failures),
        )


def _fit_note(data: TrainingData) -> str:
    """How photos are made square, and what was measured."""
    losses = data.fit_facts.get(FIT_LOSSES)
    if losses is None:
        return tr(
            "There are too few photos to tell how they are best made square: it is done as the network was trained."
        )
    measured = tr(
        "By cross-validation on the training photos, the log loss is {stretch:.3f} stretched, {pad:.3f} on a grey "
        "square and {crop:.3f} for the centre square.",
        stretch=losses[ResizeMode.STRETCH],
        pad=losses[ResizeMode.PAD],
        crop=losses[ResizeMode.CENTRE_CROP],
    )
    return f"{tr(_BETTER_FITS[data.backbone.fit] if data.backbone.fit else _OWN_FIT)} {measured}"


def _unused_note(trained: Trained) -> str:
    """Why a fine-tuned version was not activated."""
    version = trained.model.version
    start, end = trained.start.evaluation if trained.start else None, trained.head.evaluation
    if start is None or end is None:
        return tr(
            "Version {version} is in your library but not active: without test photos, nothing shows that it is better "
            "than the model it started from.",
            version=version,
        )
    return tr(
        "Version {version} is in your library but not active: it is {now:.1%} correct on the test photos, compared "
        "with {before:.1%} before fine-tuning, which does not show that it is better.",
        version=version,
        now=end.accuracy,
        before=start.accuracy,
    )
