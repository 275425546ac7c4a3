"""What came of a training, as light values: no arrays, nothing that the window must import."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import Cancelled, FoveaError
from core.base.progress import CancelToken, ProgressCallback
from core.datasets.problems import pluralize
from core.evaluation.calibration import Calibration
from core.evaluation.comparison import compare
from core.evaluation.folder_evaluation import evaluate_features, find_training_images
from core.evaluation.images import EvaluationImage, match_labels
from core.evaluation.metrics import Evaluation, wilson
from core.evaluation.plots import percent
from core.models.library import InstalledModel, load_head, load_training_hashes
from core.prediction import Failure
from core.services.training_values import (
    BaselineComparison,
    ChangedImage,
    ClassScore,
    CorrectionSummary,
    EvaluationSummary,
    ReliabilityBin,
    RetrainingSummary,
    TestedImage,
    TrainingSummary,
    UnreadImage,
)
from core.training.request import TrainRequest
from core.training.retrain import Retrained
from core.training.train import Trained
from core.training.training_data import compute

_MAX_MISTAKES: Final = 50
_MAX_FLIPS: Final = 200
_MAX_PROBLEMS: Final = 1000
_MATRIX_CLASSES: Final = 200
"""Beyond this nobody reads a matrix, and its numbers are the square."""

# ---- the training


def summarize_training(
    trained: Trained, request: TrainRequest, seconds: float, baseline: InstalledModel | FoveaError | None,
    *, report: ProgressCallback, token: CancelToken,
) -> TrainingSummary:  # fmt: skip
    """What came of a training.

    Args:
        trained: the model and what it was made of.
        request: what was asked for.
        seconds: how long it took.
        baseline: the model in use before; or why there is none; None where nobody asked.
        report: told of what the rival needs to be measured.
        token: calls that off; the model is in the library all the same.
    """
    card, data, evaluation = trained.model.card, trained.data, trained.head.evaluation
    against, notes = _baseline_comparison(trained, request, baseline, report, token)
    return TrainingSummary(
        name=trained.model.name,
        version=trained.model.version,
        in_use=trained.in_use,
        recipe=request.recipe,
        summary=card.summary,
        classes=card.classes,
        subsets=data.counts(),
        fitted=trained.head.trained.fitted,
        computed=data.computed,
        temperature=card.temperature,
        unknown_below=card.unknown_below,
        training=dict(card.training),
        evaluation=None if evaluation is None else _summarize_evaluation(evaluation),
        baseline=against,
        start=_start_comparison(trained),
        notes=(*_notes(trained), *notes),
        unread=tuple(UnreadImage(one.path, one.message, one.hint) for one in data.failures),
        seconds=seconds,
    )


def summarize_retraining(retrained: Retrained, seconds: float) -> RetrainingSummary:
    """What came of learning from corrections in so many seconds."""
    model, base, problems = retrained.model, retrained.base, retrained.problems
    return RetrainingSummary(
        name=model.name,
        version=model.version,
        from_version=base.version,
        classes=model.card.classes,
        corrections=tuple(
            CorrectionSummary(one.correction, one.before, one.confidence_before, one.now, one.confidence_now)
            for one in retrained.corrections
        ),
        tests=_tests(retrained),
        notes=retrained.notes,
        skipped=tuple(
            UnreadImage(one.path if isinstance(one, Failure) else one.paths[0], one.message, one.hint)
            for one in problems[:_MAX_PROBLEMS]
        ),
        seconds=seconds,
    )


def _tests(retrained: Retrained) -> BaselineComparison | None:
    before, now, base = retrained.before, retrained.head.evaluation, retrained.base
    if before is None or now is None:
        return None
    judged = set(before.paths)  # what is of a new class was not
    rows = np.array([row for row, path in enumerate(now.paths) if path in judged], np.int64)
    return _comparison(base.name, base.version, before, _subset(now, rows), training_overlap=retrained.leaked)


def _summarize_evaluation(evaluation: Evaluation) -> EvaluationSummary:
    raw, calibrated, tested = evaluation.raw, evaluation.calibrated, _tested_images(evaluation)
    wrong = [image for image in tested if image.label != image.predicted]
    is_readable = len(evaluation.classes) <= _MATRIX_CLASSES
    return EvaluationSummary(
        images=evaluation.images,
        accuracy=evaluation.accuracy,
        interval=evaluation.interval,
        per_class=tuple(
            ClassScore(one.label, one.precision, one.recall, one.f1, one.support) for one in evaluation.per_class
        ),
        confusion=tuple(tuple(row) for row in evaluation.confusion.tolist()) if is_readable else (),
        log_loss=calibrated.log_loss,
        log_loss_before=raw.log_loss,
        ece=calibrated.ece,
        ece_before=raw.ece,
        reliability=_bins(calibrated),
        reliability_before=_bins(raw),
        misclassified=tuple(sorted(wrong, key=lambda image: -image.confidence)[:_MAX_MISTAKES]),
        tested=tested,
    )


def _tested_images(evaluation: Evaluation) -> tuple[TestedImage, ...]:
    classes, columns = evaluation.classes, (evaluation.labels, evaluation.predicted, evaluation.confidence)
    rows = zip(evaluation.paths, *(column.tolist() for column in columns), strict=True)
    return tuple(
        TestedImage(path, classes[label], classes[predicted], confidence) for path, label, predicted, confidence in rows
    )


def _bins(calibration: Calibration) -> tuple[ReliabilityBin, ...]:
    return tuple(
        ReliabilityBin(one.low, one.high, one.images, one.confidence, one.accuracy) for one in calibration.bins
    )


# ---- compared with another


def _start_comparison(trained: Trained) -> BaselineComparison | None:
    """A fine-tuned model beside what it began with, on the images that both were judged by."""
    if trained.start is None or trained.start.evaluation is None or trained.head.evaluation is None:
        return None
    start, end = trained.start.evaluation, trained.head.evaluation
    left = set(end.paths)  # a file that went meanwhile was judged once only
    rows = np.array([row for row, path in enumerate(start.paths) if path in left], np.int64)
    return _comparison(trained.model.name, None, _subset(start, rows), end, training_overlap=0)


def _baseline_comparison(
    trained: Trained, request: TrainRequest, baseline: InstalledModel | FoveaError | None, report: ProgressCallback,
    token: CancelToken,
) -> tuple[BaselineComparison | None, tuple[str, ...]]:  # fmt: skip
    """The model beside the one in use before, and what is to be said of that."""
    if baseline is None or trained.head.evaluation is None:
        return None, ()
    try:
        if isinstance(baseline, FoveaError):
            raise baseline
        facts = _evaluate_baseline(trained, trained.head.evaluation, request, baseline, report, token)
    except Cancelled:
        return None, ()
    except FoveaError as error:
        return None, (f"It could not be compared with the model in use before. {error.what}",)
    if facts is None:
        return None, (
            f"The model in use before, {baseline.name!r}, knows none of these classes: they are not compared.",
        )
    if facts.training_overlap:
        what = (
            f"{baseline.name!r} has learnt from {facts.training_overlap:,} of the {facts.images:,} test images: it "
            "is flattered."
        )
        return facts, (what,)
    return facts, ()


def _evaluate_baseline(
    trained: Trained, evaluation: Evaluation, request: TrainRequest, baseline: InstalledModel, report: ProgressCallback,
    token: CancelToken,
) -> BaselineComparison | None:  # fmt: skip
    """The rival on those test images that are of a class of its own; None where there are none."""
    known = match_labels(evaluation.classes, baseline.card.classes)
    labels = [evaluation.classes[label] for label in evaluation.labels.tolist()]
    examples = {example.path: example for example in trained.data.test.examples}
    asked = [row for row, label in enumerate(labels) if label in known]
    table = compute(
        [examples[evaluation.paths[row]] for row in asked], baseline.backbone, request, report=report, token=token
    )
    rows = np.array(asked, np.int64)[table.rows]
    if not len(rows):
        return None
    paths = [evaluation.paths[row] for row in rows.tolist()]
    shown = [EvaluationImage(path, examples[path].sha256, labels[row]) for path, row in zip(paths, rows, strict=True)]
    baseline_evaluation = evaluate_features(shown, table.features, baseline.card, load_head(baseline))
    memory = load_training_hashes(baseline)
    learnt = None if memory is None else int(find_training_images(shown, memory.contains).sum())
    return _comparison(
        baseline.name, baseline.version, baseline_evaluation, _subset(evaluation, rows), training_overlap=learnt
    )


def _subset(evaluation: Evaluation, rows: NDArray[np.int64]) -> Evaluation:
    """What was said of some of the images alone; the figures of all are left as they are."""
    return replace(
        evaluation,
        paths=tuple(evaluation.paths[row] for row in rows.tolist()),
        labels=evaluation.labels[rows],
        predicted=evaluation.predicted[rows],
        confidence=evaluation.confidence[rows],
        probability=evaluation.probability[rows],
    )


def _comparison(
    name: str, version: int | None, before: Evaluation, now: Evaluation, *, training_overlap: int | None
) -> BaselineComparison:
    found, count = compare(before, now), len(now.paths)
    right_before, right_now = (int((one.predicted == one.labels).sum()) for one in (before, now))
    return BaselineComparison(
        name=name,
        version=version,
        images=count,
        training_overlap=training_overlap,
        accuracy_before=right_before / count,
        interval_before=wilson(right_before, count),
        accuracy_now=right_now / count,
        only_before_right=found.only_a_correct,
        only_now_right=found.only_b_correct,
        p=found.p,
        could_be_chance=found.could_be_chance,
        changed=tuple(
            ChangedImage(one.path, one.label, one.prediction_a, one.confidence_a, one.prediction_b, one.confidence_b)
            for one in found.disagreements[:_MAX_FLIPS]
        ),
    )


def _notes(trained: Trained) -> Iterable[str]:
    data, head, version = trained.data, trained.head, trained.model.version
    if head.evaluation is None:
        yield "Without test images nobody knows how good it is."
    elif head.trained.fitted > len(data.train):
        yield (
            f"The figures are of a head that had not seen the test images; the one that is installed was then fitted, "
            f"in the same way, to all {pluralize(head.trained.fitted)}."
        )
    if not trained.in_use:
        yield f"Version {version} is in the library, but not in use: {_verdict(trained)}."
    if data.failures:
        yield f"{pluralize(len(data.failures))} could not be read any more and were left out."


def _verdict(trained: Trained) -> str:
    start, end = trained.start.evaluation if trained.start else None, trained.head.evaluation
    if start is None or end is None:
        return "without test photos, nothing shows that it is better than what it began with"
    return (
        f"{percent(end.accuracy)} of the test photos are right and {percent(start.accuracy)} were before, which does "
        f"not show that it is better"
    )
