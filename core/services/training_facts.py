"""What came of a training, as light values: no arrays, nothing that the window must import."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import Cancelled, FoveaError
from core.base.progress import CancelToken, Report
from core.datasets.problems import quantity
from core.evaluation.calibration import Calibration
from core.evaluation.comparison import compare
from core.evaluation.folder_evaluation import answer, learnt_among
from core.evaluation.images import JudgedImage, match_labels
from core.evaluation.metrics import Evaluation, wilson
from core.evaluation.plots import percent
from core.models.library import InstalledModel, load_head, load_learnt
from core.prediction import Failure
from core.services.training_values import (
    ClassScore,
    ComparisonFacts,
    EvaluationFacts,
    FlippedImage,
    LearntCorrection,
    ReliabilityBin,
    RetrainedFacts,
    TestedImage,
    TrainedFacts,
    UnreadImage,
)
from core.training.request import TrainRequest
from core.training.retrain import Retrained
from core.training.train import Trained
from core.training.training_data import compute

_MOST_MISTAKES: Final = 50
_MOST_FLIPS: Final = 200
_MOST_PROBLEMS: Final = 1000
_MATRIX_CLASSES: Final = 200
"""Beyond this nobody reads a matrix, and its numbers are the square."""

# ---- the training


def trained_facts(
    trained: Trained, request: TrainRequest, seconds: float, rival: InstalledModel | FoveaError | None,
    *, report: Report, token: CancelToken,
) -> TrainedFacts:  # fmt: skip
    """What came of a training.

    Args:
        trained: the model and what it was made of.
        request: what was asked for.
        seconds: how long it took.
        rival: the model in use before; or why there is none; None where nobody asked.
        report: told of what the rival needs to be measured.
        token: calls that off; the model is in the library all the same.
    """
    card, material, evaluation = trained.model.card, trained.material, trained.lesson.evaluation
    against, remarks = _against(trained, request, rival, report, token)
    return TrainedFacts(
        name=trained.model.name,
        version=trained.model.version,
        in_use=trained.in_use,
        recipe=request.recipe,
        summary=card.summary,
        classes=card.classes,
        parts=material.counts(),
        fitted=trained.lesson.attempt.fitted,
        computed=material.computed,
        temperature=card.temperature,
        unknown_below=card.unknown_below,
        training=dict(card.training),
        evaluation=None if evaluation is None else _evaluation_facts(evaluation),
        against=against,
        began_with=_began_with(trained),
        notes=(*_notes(trained), *remarks),
        unread=tuple(UnreadImage(one.path, one.message, one.hint) for one in material.failures),
        seconds=seconds,
    )


def retrained_facts(retrained: Retrained, seconds: float) -> RetrainedFacts:
    """What came of learning from corrections in so many seconds."""
    model, base, problems = retrained.model, retrained.base, retrained.problems
    return RetrainedFacts(
        name=model.name,
        version=model.version,
        from_version=base.version,
        classes=model.card.classes,
        learnt=tuple(
            LearntCorrection(one.correction, one.before, one.confidence_before, one.now, one.confidence_now)
            for one in retrained.learnt
        ),
        tests=_tests(retrained),
        notes=retrained.notes,
        left_out=tuple(
            UnreadImage(one.path if isinstance(one, Failure) else one.paths[0], one.message, one.hint)
            for one in problems[:_MOST_PROBLEMS]
        ),
        seconds=seconds,
    )


def _tests(retrained: Retrained) -> ComparisonFacts | None:
    before, now, base = retrained.before, retrained.lesson.evaluation, retrained.base
    if before is None or now is None:
        return None
    judged = set(before.paths)  # what is of a new class was not
    rows = np.array([row for row, path in enumerate(now.paths) if path in judged], np.int64)
    return _compared(base.name, base.version, before, _of(now, rows), learnt=retrained.flattered)


def _evaluation_facts(evaluation: Evaluation) -> EvaluationFacts:
    raw, calibrated, tested = evaluation.raw, evaluation.calibrated, _tested(evaluation)
    wrong = [image for image in tested if image.label != image.predicted]
    is_readable = len(evaluation.classes) <= _MATRIX_CLASSES
    return EvaluationFacts(
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
        mistakes=tuple(sorted(wrong, key=lambda image: -image.confidence)[:_MOST_MISTAKES]),
        tested=tested,
    )


def _tested(evaluation: Evaluation) -> tuple[TestedImage, ...]:
    classes, columns = evaluation.classes, (evaluation.labels, evaluation.predicted, evaluation.confidence)
    rows = zip(evaluation.paths, *(column.tolist() for column in columns), strict=True)
    return tuple(TestedImage(path, classes[label], classes[named], sure) for path, label, named, sure in rows)


def _bins(calibration: Calibration) -> tuple[ReliabilityBin, ...]:
    return tuple(
        ReliabilityBin(one.low, one.high, one.images, one.confidence, one.accuracy) for one in calibration.bins
    )


# ---- compared with another


def _began_with(trained: Trained) -> ComparisonFacts | None:
    """A fine-tuned model beside what it began with, on the images that both were judged by."""
    if trained.start is None or trained.start.evaluation is None or trained.lesson.evaluation is None:
        return None
    start, end = trained.start.evaluation, trained.lesson.evaluation
    left = set(end.paths)  # a file that went meanwhile was judged once only
    rows = np.array([row for row, path in enumerate(start.paths) if path in left], np.int64)
    return _compared(trained.model.name, None, _of(start, rows), end, learnt=0)


def _against(
    trained: Trained, request: TrainRequest, rival: InstalledModel | FoveaError | None, report: Report,
    token: CancelToken,
) -> tuple[ComparisonFacts | None, tuple[str, ...]]:  # fmt: skip
    """The model beside the one in use before, and what is to be said of that."""
    if rival is None or trained.lesson.evaluation is None:
        return None, ()
    try:
        if isinstance(rival, FoveaError):
            raise rival
        facts = _measured(trained, trained.lesson.evaluation, request, rival, report, token)
    except Cancelled:
        return None, ()
    except FoveaError as error:
        return None, (f"It could not be compared with the model in use before. {error.what}",)
    if facts is None:
        return None, (f"The model in use before, {rival.name!r}, knows none of these classes: they are not compared.",)
    if facts.learnt:
        what = f"{rival.name!r} has learnt from {facts.learnt:,} of the {facts.images:,} test images: it is flattered."
        return facts, (what,)
    return facts, ()


def _measured(
    trained: Trained, evaluation: Evaluation, request: TrainRequest, rival: InstalledModel, report: Report,
    token: CancelToken,
) -> ComparisonFacts | None:  # fmt: skip
    """The rival on those test images that are of a class of its own; None where there are none."""
    known = match_labels(evaluation.classes, rival.card.classes)
    labels = [evaluation.classes[label] for label in evaluation.labels.tolist()]
    examples = {example.path: example for example in trained.material.test.examples}
    asked = [row for row, label in enumerate(labels) if label in known]
    table = compute(
        [examples[evaluation.paths[row]] for row in asked], rival.backbone, request, report=report, token=token
    )
    rows = np.array(asked, np.int64)[table.rows]
    if not len(rows):
        return None
    paths = [evaluation.paths[row] for row in rows.tolist()]
    shown = [JudgedImage(path, examples[path].sha256, labels[row]) for path, row in zip(paths, rows, strict=True)]
    its_own = answer(shown, table.features, rival.card, load_head(rival))
    memory = load_learnt(rival)
    learnt = None if memory is None else int(learnt_among(shown, memory.knows).sum())
    return _compared(rival.name, rival.version, its_own, _of(evaluation, rows), learnt=learnt)


def _of(evaluation: Evaluation, rows: NDArray[np.int64]) -> Evaluation:
    """What was said of some of the images alone; the figures of all are left as they are."""
    return replace(
        evaluation,
        paths=tuple(evaluation.paths[row] for row in rows.tolist()),
        labels=evaluation.labels[rows],
        predicted=evaluation.predicted[rows],
        confidence=evaluation.confidence[rows],
        probability=evaluation.probability[rows],
    )


def _compared(
    name: str, version: int | None, before: Evaluation, now: Evaluation, *, learnt: int | None
) -> ComparisonFacts:
    found, count = compare(before, now), len(now.paths)
    right_before, right_now = (int((one.predicted == one.labels).sum()) for one in (before, now))
    return ComparisonFacts(
        name=name,
        version=version,
        images=count,
        learnt=learnt,
        accuracy_before=right_before / count,
        interval_before=wilson(right_before, count),
        accuracy_now=right_now / count,
        only_before_right=found.only_a_right,
        only_now_right=found.only_b_right,
        p=found.p,
        could_be_chance=found.could_be_chance,
        flips=tuple(
            FlippedImage(one.path, one.label, one.named_by_a, one.confidence_a, one.named_by_b, one.confidence_b)
            for one in found.flips[:_MOST_FLIPS]
        ),
    )


def _notes(trained: Trained) -> Iterable[str]:
    material, lesson, version = trained.material, trained.lesson, trained.model.version
    if lesson.evaluation is None:
        yield "Without test images nobody knows how good it is."
    elif lesson.attempt.fitted > len(material.train):
        yield (
            f"The figures are of a head that had not seen the test images; the one that is installed was then fitted, "
            f"in the same way, to all {quantity(lesson.attempt.fitted)}."
        )
    if not trained.in_use:
        yield f"Version {version} is in the library, but not in use: {_verdict(trained)}."
    if material.failures:
        yield f"{quantity(len(material.failures))} could not be read any more and were left out."


def _verdict(trained: Trained) -> str:
    start, end = trained.start.evaluation if trained.start else None, trained.lesson.evaluation
    if start is None or end is None:
        return "without test photos, nothing shows that it is better than what it began with"
    return (
        f"{percent(end.accuracy)} of the test photos are right and {percent(start.accuracy)} were before, which does "
        f"not show that it is better"
    )
