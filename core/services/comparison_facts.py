"""Turns comparisons of models into light values that cross the pipe to the window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from core.base.i18n import tr, tr_n
from core.evaluation.comparison import ComparedModel, Disagreement, LabelledComparison, UnlabelledComparison
from core.evaluation.images import match_labels
from core.prediction import Failure
from core.services.library_values import ClassChange, ComparisonSummary, LabelledSummary, PredictionChange
from core.services.training_values import ChangedImage, UnreadImage

_MAX_FLIPS: Final = 3000
_MAX_UNREAD: Final = 200


def summarize_comparison(
    found: LabelledComparison | UnlabelledComparison, a: ComparedModel, b: ComparedModel, seconds: float
) -> ComparisonSummary:
    """Summarize a comparison that took `seconds` for the window."""
    pairs = found.comparison.disagreements if isinstance(found, LabelledComparison) else found.disagreements
    changes = Counter((pair.prediction_a, pair.prediction_b) for pair in pairs)
    return ComparisonSummary(
        a=a.name,
        b=b.name,
        images=found.a.images if isinstance(found, LabelledComparison) else found.images,
        disagreements=tuple(map(_flipped_image, pairs[:_MAX_FLIPS])),
        disagreement_count=len(pairs),
        changes=tuple(PredictionChange(*names, images) for names, images in changes.most_common()),
        labelled=_labelled_summary(found) if isinstance(found, LabelledComparison) else None,
        unread=tuple(_unread_images(found.failures[:_MAX_UNREAD])),
        unread_count=len(found.failures),
        notes=tuple(_labelled_notes(found) if isinstance(found, LabelledComparison) else _unlabelled_notes(a, b)),
        computed=found.computed,
        seconds=seconds,
    )


def _flipped_image(pair: Disagreement) -> ChangedImage:
    return ChangedImage(
        pair.path, pair.label, pair.prediction_a, pair.confidence_a, pair.prediction_b, pair.confidence_b
    )


def _unread_images(failures: Iterable[Failure]) -> Iterator[UnreadImage]:
    return (UnreadImage(one.path, one.message, one.hint) for one in failures)


def _labelled_summary(comparison: LabelledComparison) -> LabelledSummary:
    a, b, found = comparison.a, comparison.b, comparison.comparison
    in_b = match_labels(a.classes, b.classes)
    classes = tuple(
        ClassChange(of_a.label, of_a.support, of_a.recall, recall_b)
        for of_a in a.per_class
        if of_a.recall is not None
        and of_a.label in in_b
        and (recall_b := b.per_class[in_b[of_a.label]].recall) is not None
    )
    return LabelledSummary(
        accuracy_a=a.accuracy,
        interval_a=a.interval,
        accuracy_b=b.accuracy,
        interval_b=b.interval,
        broke=found.only_a_correct,
        fixed=found.only_b_correct,
        p=found.p,
        could_be_chance=found.could_be_chance,
        training_overlap_a=comparison.training_overlap_a,
        training_overlap_b=comparison.training_overlap_b,
        classes=classes,
    )


def _labelled_notes(comparison: LabelledComparison) -> Iterator[str]:
    yield from (f"{problem.message} {problem.hint}" for problem in comparison.problems[:5])


def _unlabelled_notes(a: ComparedModel, b: ComparedModel) -> Iterator[str]:
    shared = len(match_labels(a.card.classes, b.card.classes))
    if not shared:
        yield tr("The two models have no classes in common, so their predictions always differ.")
    elif shared < max(len(a.card.classes), len(b.card.classes)):
        yield tr_n(
            "The two models have {count:,} class in common. Predictions of other classes always differ.",
            "The two models have {count:,} classes in common. Predictions of other classes always differ.",
            shared,
        )
