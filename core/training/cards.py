"""The card of a trained model: its classes, its training and its evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from core.base.text import display_path
from core.card import HeadReference, ModelCard, Origin, SharedBackbone
from core.card_rules import NESTED, Hierarchy
from core.card_sharing import without_paths
from core.datasets.labels import TRAINED_CORRECTIONS, lineage
from core.evaluation.comparison import compare
from core.evaluation.multi_label import evaluation_json
from core.evaluation.values import Evaluation
from core.images.listing import folder_name
from core.models.training_examples import DATASET
from core.models.values import InstalledModel
from core.models.variant_agreement import variant_evaluation
from core.training.evaluated_head import KEPT, EvaluatedHead
from core.training.evidence_rules import REJECT_PERCENTILE
from core.training.fitting import FIT_CHOSEN, FIT_LOSSES
from core.training.request import TrainRequest
from core.training.training_data import TrainingData
from core.training.variant_check import VARIANT

HEAD: Final = "head.npz"
THUMBNAILS: Final = "thumbnails"
"""The key in a card's training: False if the user does not want thumbnails of the photos to be kept."""
_KEPT: Final = (
    *("command", "validation", "test", "seed", "precision", "data", "labels"),
    *(THUMBNAILS, NESTED, FIT_CHOSEN, FIT_LOSSES),
)
"""What a corrected version takes over of a card's training."""
_MAX_NAMED: Final = 10
"""The most classes that a summary lists."""
_MAX_CONFUSED: Final = 100
"""The most classes for which a card contains the confusion matrix, whose size is quadratic."""


def model_card(
    request: TrainRequest, data: TrainingData, head: EvaluatedHead, start: EvaluatedHead | None
) -> ModelCard:
    """Make the card of a trained model.

    Args:
        request: the training request.
        data: the training data.
        head: the evaluated head.
        start: the head that the recipe fine-tune started from.
    """
    folder, count = display_path(folder_name(data.dataset.root))[:200], sum(data.counts().values())
    classes, shared, own = data.dataset.classes, data.backbone.card, head.trained.backbone
    return ModelCard(
        name=request.name,
        title=request.name,
        summary=f"{_recognised(classes, head)}; trained on {head.trained.fitted:,} images.",
        classes=classes,
        backbone=own.card if own else SharedBackbone(data.backbone.name, shared.sha256),
        head=HeadReference(HEAD, hashlib.sha256(head.trained.head).hexdigest()),
        origin=Origin(
            source=f"Trained by Fovea's recipe {request.recipe} on {count:,} images of the folder “{folder}”.",
            licence="Chosen by whoever trained it, subject to the rights to the images, which are not part of it.",
        ),
        temperature=head.temperature,
        unknown_below=head.unknown_below,
        unknown=head.unknown.rule if head.unknown else None,
        sets=head.sets,
        hierarchy=Hierarchy.of(classes, data.dataset.paths),
        out_of_sample=head.out_of_sample,
        fit=None if own else data.backbone.fit,
        thresholds=head.thresholds,
        training=_training(request, data, head),
        evaluation=_evaluation(data, head, start.evaluation if start else None),
    )


def corrected_card(
    base: InstalledModel, data: TrainingData, head: EvaluatedHead, corrected: int, before: Evaluation | None
) -> ModelCard:
    """Make the card of a version that was trained again, with corrections or without some images.

    Args:
        base: the version that was corrected.
        data: the training data.
        head: the evaluated head.
        corrected: the number of corrections used, which may be 0.
        before: the evaluation of the corrected version on the test images of its classes.
    """
    card, classes, now = base.card, data.dataset.classes, head.evaluation
    is_comparable = before is not None and now is not None and before.paths == now.paths
    training = _corrected_training(base, data, head, corrected)
    images = f"trained on {head.trained.fitted:,} images"
    return replace(
        card,
        title=card.title.replace(f"{len(card.classes)} classes", f"{len(classes)} classes"),
        summary=f"{_recognised(classes, head)}; {images}{' with your corrections' if _altogether(training) else ''}.",
        classes=classes,
        head=HeadReference(HEAD, hashlib.sha256(head.trained.head).hexdigest()),
        temperature=head.temperature,
        unknown_below=head.unknown_below,
        unknown=head.unknown.rule if head.unknown else None,
        sets=head.sets,
        hierarchy=card.hierarchy and Hierarchy.of(classes, card.hierarchy.known, card.hierarchy.minimum),
        out_of_sample=head.out_of_sample,
        thresholds=head.thresholds,
        training=training,
        evaluation=_evaluation(data, head, before if is_comparable else None),
    )


def _altogether(training: Mapping[str, Any]) -> int:
    """How many corrections a version was trained with, by its card's training; 0 if unknown."""
    recorded = training.get(TRAINED_CORRECTIONS)
    count = recorded.get("altogether", 0) if isinstance(recorded, dict) else 0
    return count if isinstance(count, int) else 0


def _corrected_training(
    base: InstalledModel, data: TrainingData, head: EvaluatedHead, corrected: int
) -> dict[str, Any]:
    old = base.card.training
    kept = {key: old[key] for key in _KEPT if key in old}
    return kept | {
        "recipe": head.trained.recipe,
        VARIANT: data.card.precision.value,
        **_images(data, head),
        **_outcome(data, head),
        TRAINED_CORRECTIONS: {
            "learnt": corrected,
            "altogether": corrected + _altogether(old),
            "from_version": base.version,
            "lineage": [*lineage(old), data.fingerprint()],
        },
    }


def is_better(head: EvaluatedHead, start: EvaluatedHead) -> bool | None:
    """Whether a head is better than the one it started from, on the same test images; None if there are none.

    It is better if it classifies significantly more images correctly (McNemar's exact test, p < 0.05), or as many give
    or take one with a lower calibrated log loss.
    """
    now, before = head.evaluation, start.evaluation
    if now is None or before is None:
        return None
    found = compare(before, now)
    gained = found.only_b_correct - found.only_a_correct
    is_lower = now.calibrated.log_loss < before.calibrated.log_loss
    return (gained > 0 and not found.could_be_chance) or (abs(gained) <= 1 and is_lower)


def _recognised(classes: Sequence[str], head: EvaluatedHead) -> str:
    """What the model recognises; of an extension, the new classes."""
    match head.trained.facts.get(KEPT):
        case {"count": int(count), "of": str(name)}:
            return f"Recognises {_named(classes[count:])}, and the {count:,} classes of {name}"
    return f"Recognises {_named(classes)}"


def _named(classes: Sequence[str]) -> str:
    names = [label[:60] for label in classes[:_MAX_NAMED]]
    rest = len(classes) - len(names)
    last = f"{rest:,} more" if rest else names.pop()
    return f"{', '.join(names)} and {last}" if names else last


def _training(request: TrainRequest, data: TrainingData, head: EvaluatedHead) -> dict[str, Any]:
    return {
        "recipe": head.trained.recipe,
        "command": display_path(without_paths(request.command_line)),
        **_images(data, head),
        "validation": request.validation,
        "test": request.test,
        "seed": request.seed,
        "precision": request.precision.value,
        VARIANT: data.card.precision.value,
        **({} if request.thumbnails else {THUMBNAILS: False}),
        **({NESTED: True} if request.nested else {}),
        **data.fit_facts,
        **({"labels": request.labels.value} if request.labels.is_multi_label else {}),
        **_outcome(data, head),
    }


def _images(data: TrainingData, head: EvaluatedHead) -> dict[str, Any]:
    """The images used for training and evaluation."""
    classes = data.dataset.classes
    counts = data.everything().class_counts(len(classes))
    return {
        "images": data.counts(),
        "images_per_class": {name: count for name, count in zip(classes, counts, strict=True) if count},
        "fitted_to": head.trained.fitted,
        DATASET: data.fingerprint(),
    }


def _outcome(data: TrainingData, head: EvaluatedHead) -> dict[str, Any]:
    """The outcome of the training."""
    if head.thresholds:
        how = f"with the highest F1 of each class on {head.threshold_images:,} images"
        return {**head.trained.facts, "temperature": _calibration(data, head), "thresholds": how}
    how = "by cross-validation" if head.trained.out_of_fold else "on the validation and test images"
    threshold = (
        f"the calibrated confidence reached by {100 - REJECT_PERCENTILE}% of {head.threshold_images:,} images of the "
        f"classes, {how}"
    )
    calibration = {
        "temperature": _calibration(data, head),
        "unknown_below": "too few images to tell" if head.unknown_below is None else threshold,
    }
    return {**head.trained.facts, **calibration, **head.trained.facts}


def _calibration(data: TrainingData, head: EvaluatedHead) -> str:
    if head.trained.out_of_fold:
        return "fitted on all but the test images, by cross-validation"
    return "fitted on the validation images" if len(data.validation) else "not fitted"


def _evaluation(data: TrainingData, head: EvaluatedHead, start: Evaluation | None) -> dict[str, Any]:
    """The evaluation of the model, without the user's paths."""
    shared = _out_of_sample(head) | variant_evaluation(head.variants)
    measured = head.evaluation or head.multi_label
    if measured is None:
        return shared
    method = "on the test images, which the head was not trained on"
    if head.trained.fitted > len(data.train):
        method += "; the installed head was then fitted in the same way to all images"
    left_out = {"mistakes", "classes"} | ({"confusion"} if len(measured.classes) > _MAX_CONFUSED else set())
    figures = {key: value for key, value in evaluation_json(measured).items() if key not in left_out}
    compared = _compared(head.evaluation, start) if head.evaluation and start else {}
    return {"method": method, **figures, **compared, **shared}


def _out_of_sample(head: EvaluatedHead) -> dict[str, Any]:
    """What was measured on images that the head was not trained on, be it by cross-validation."""
    found: dict[str, Any] = {"images": head.threshold_images}
    if head.calibration:
        found["ece"] = round(head.calibration.calibrated.ece, 6)
    if head.measured_sets:
        coverage, size = head.measured_sets
        found |= {"set_coverage": round(coverage, 4), "mean_set_size": round(size, 4)}
    return {"out_of_sample": found} if head.calibration else {}


def _compared(evaluation: Evaluation, start: Evaluation) -> dict[str, Any]:
    found = compare(start, evaluation)
    began = {"accuracy": round(start.accuracy, 6), "only_it_right": found.only_a_correct}
    return {"began_with": began | {"only_this_right": found.only_b_correct, "p": round(found.p, 6)}}
