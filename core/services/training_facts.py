"""Turns the results of trainings into light values: no arrays, nothing heavy for the window to import."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from core.base.errors import Cancelled, FoveaError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressCallback
from core.evaluation.comparison import compare, find_disagreements
from core.evaluation.folder_evaluation import evaluate_features, find_training_images
from core.evaluation.images import EvaluationImage, match_labels
from core.evaluation.values import BaselineComparison, Evaluation
from core.models.library import InstalledModel, load_head, load_training_hashes
from core.prediction import Failure
from core.services.training_values import CorrectionSummary, RetrainingSummary, TrainingSummary
from core.training.request import TrainRequest
from core.training.retrain import Retrained
from core.training.train import Trained
from core.training.training_data import compute

_MAX_FLIPS: Final = 200
_MAX_PROBLEMS: Final = 1000

# ---- the training


def summarize_training(
    trained: Trained, request: TrainRequest, seconds: float, baseline: InstalledModel | FoveaError | None,
    *, report: ProgressCallback, token: CancelToken,
) -> TrainingSummary:  # fmt: skip
    """Summarize a training.

    Args:
        trained: the model and its training data.
        request: the request.
        seconds: the duration of the training.
        baseline: the model in use before; or why there is none; None to skip the comparison.
        report: takes the progress of the comparison.
        token: cancels the comparison; the model stays in the library.
    """
    card, data = trained.model.card, trained.data
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
        evaluation=trained.head.evaluation,
        baseline=against,
        start=_start_comparison(trained),
        notes=(*_notes(trained), *notes),
        unread=data.failures,
        seconds=seconds,
    )


def summarize_retraining(retrained: Retrained, seconds: float) -> RetrainingSummary:
    """Summarize a retraining from corrections that took `seconds`."""
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
            one if isinstance(one, Failure) else Failure(one.paths[0], one.kind, one.message, one.hint)
            for one in problems[:_MAX_PROBLEMS]
        ),
        seconds=seconds,
    )


def _tests(retrained: Retrained) -> BaselineComparison | None:
    before, now, base = retrained.before, retrained.head.evaluation, retrained.base
    if before is None or now is None:
        return None
    return _comparison(base.name, base.version, before, now, training_overlap=retrained.leaked)


# ---- comparisons


def _start_comparison(trained: Trained) -> BaselineComparison | None:
    """Compare a fine-tuned model with the model it started from, on the images that both were evaluated on."""
    if trained.start is None or trained.start.evaluation is None or trained.head.evaluation is None:
        return None
    return _comparison(trained.model.name, None, trained.start.evaluation, trained.head.evaluation, training_overlap=0)


def _baseline_comparison(
    trained: Trained, request: TrainRequest, baseline: InstalledModel | FoveaError | None, report: ProgressCallback,
    token: CancelToken,
) -> tuple[BaselineComparison | None, tuple[str, ...]]:  # fmt: skip
    """Compare the model with the one in use before, and return notes on that."""
    if baseline is None or trained.head.evaluation is None:
        return None, ()
    try:
        if isinstance(baseline, FoveaError):
            raise baseline
        facts = _evaluate_baseline(trained, trained.head.evaluation, request, baseline, report, token)
    except Cancelled:
        return None, ()
    except FoveaError as error:
        return None, (tr("Couldn't compare it with the model in use before. {reason}", reason=error.what),)
    if facts is None:
        note = tr("“{name}”, in use before, has none of these classes, so they were not compared.", name=baseline.name)
        return None, (note,)
    if facts.training_overlap:
        note = tr_n(
            "“{name}” was trained on {overlap:,} of the {count:,} test photo, so its score is optimistic.",
            "“{name}” was trained on {overlap:,} of the {count:,} test photos, so its score is optimistic.",
            facts.result.a.images,
            name=baseline.name,
            overlap=facts.training_overlap,
        )
        return facts, (note,)
    return facts, ()


def _evaluate_baseline(
    trained: Trained, evaluation: Evaluation, request: TrainRequest, baseline: InstalledModel, report: ProgressCallback,
    token: CancelToken,
) -> BaselineComparison | None:  # fmt: skip
    """Compare with the baseline on the test images of its own classes; None if there are none."""
    known = match_labels(evaluation.classes, baseline.card.classes)
    labels = {one.path: one.label for one in evaluation.predictions if one.label in known}
    comparable = [example for example in trained.data.test.examples if example.path in labels]
    table = compute(comparable, baseline.backbone, request, report=report, token=token)
    if not len(table.rows):
        return None
    examples = [comparable[row] for row in table.rows.tolist()]
    shown = [EvaluationImage(one.path, one.sha256, labels[one.path]) for one in examples]
    baseline_evaluation = evaluate_features(shown, table.features, baseline.card, load_head(baseline))
    hashes = load_training_hashes(baseline)
    overlap = None if hashes is None else int(find_training_images(shown, hashes.contains).sum())
    return _comparison(baseline.name, baseline.version, baseline_evaluation, evaluation, training_overlap=overlap)


def _comparison(
    name: str, version: int | None, before: Evaluation, now: Evaluation, *, training_overlap: int | None
) -> BaselineComparison:
    changed = find_disagreements(before, now)[:_MAX_FLIPS]
    return BaselineComparison(
        name, version, training_overlap, compare(before, now), before.calibrated.log_loss, changed
    )


def _notes(trained: Trained) -> Iterable[str]:
    data, head = trained.data, trained.head
    if head.evaluation is None:
        yield tr("There were no test photos, so its accuracy is unknown.")
    elif head.trained.fitted > len(data.train):
        yield tr_n(
            "The accuracy is that of a model that had not seen the test photos. The installed model was then trained "
            "the same way on {count:,} photo.",
            "The accuracy is that of a model that had not seen the test photos. The installed model was then trained "
            "the same way on all {count:,} photos.",
            head.trained.fitted,
        )
    if not trained.in_use:
        yield _unused_note(trained)
    if data.failures:
        yield tr_n(
            "{count:,} photo could no longer be read and was left out.",
            "{count:,} photos could no longer be read and were left out.",
            len(data.failures),
        )


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
