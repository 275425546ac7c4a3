"""The card of a model that was trained here: what it tells apart, how it was made, how good it was found to be."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from core.base.text import printable
from core.card import HeadReference, ModelCard, Origin, SharedBackbone, without_paths
from core.datasets.corrections import LEARNT, lineage
from core.evaluation.comparison import compare
from core.evaluation.metrics import Evaluation, to_json
from core.images.listing import folder_name
from core.models.library import InstalledModel
from core.models.training_examples import DATASET
from core.training.evaluated_head import KNOWN_SHARE, Lesson
from core.training.request import TrainRequest
from core.training.training_data import Material

HEAD: Final = "head.npz"
_MOST_NAMED: Final = 10
"""Classes that a summary names."""
_MOST_CONFUSED: Final = 100
"""Classes whose confusion a card holds; the numbers are their square."""


def model_card(request: TrainRequest, material: Material, lesson: Lesson, start: Lesson | None) -> ModelCard:
    """The card of what was learnt.

    Args:
        request: what was asked for.
        material: what was learnt from.
        lesson: what was learnt.
        start: what the recipe fine-tune began with.
    """
    folder, count = printable(folder_name(material.dataset.root))[:200], sum(material.counts().values())
    classes, shared, own = material.dataset.classes, material.backbone.card, lesson.attempt.backbone
    return ModelCard(
        name=request.name,
        title=request.name,
        summary=f"Tells apart {_named(classes)}; learnt from {lesson.attempt.fitted:,} images.",
        classes=classes,
        backbone=own.card if own else SharedBackbone(material.backbone.name, shared.sha256),
        head=HeadReference(HEAD, hashlib.sha256(lesson.attempt.head).hexdigest()),
        origin=Origin(
            source=f"Trained by Fovea's recipe {request.recipe} on {count:,} images of the folder “{folder}”.",
            licence="Up to whoever trained it, as far as the rights to the images allow; none of them is part of it.",
        ),
        temperature=lesson.temperature,
        unknown_below=lesson.unknown_below,
        training=_training(request, material, lesson),
        evaluation=_evaluation(material, lesson, start.evaluation if start else None),
    )


def corrected_card(
    base: InstalledModel, material: Material, lesson: Lesson, corrected: int, before: Evaluation | None
) -> ModelCard:
    """The card of what was learnt from corrections.

    Args:
        base: the version that was corrected.
        material: what was learnt from.
        lesson: what was learnt.
        corrected: how many corrections were.
        before: how the corrected version does on the test images of its classes.
    """
    card, classes, now = base.card, material.dataset.classes, lesson.evaluation
    is_comparable = before is not None and now is not None and before.paths == now.paths
    return replace(
        card,
        title=card.title.replace(f"{len(card.classes)} classes", f"{len(classes)} classes"),
        summary=f"Tells apart {_named(classes)}; learnt from {lesson.attempt.fitted:,} images, corrected by you.",
        classes=classes,
        head=HeadReference(HEAD, hashlib.sha256(lesson.attempt.head).hexdigest()),
        temperature=lesson.temperature,
        unknown_below=lesson.unknown_below,
        training=_corrected_training(base, material, lesson, corrected),
        evaluation=_evaluation(material, lesson, before if is_comparable else None),
    )


def _corrected_training(base: InstalledModel, material: Material, lesson: Lesson, corrected: int) -> dict[str, Any]:
    old = base.card.training
    told = old.get(LEARNT)
    so_far = told.get("altogether", 0) if isinstance(told, dict) else 0
    kept = {key: old[key] for key in ("command", "validation", "test", "seed", "precision", "data") if key in old}
    return kept | {
        "recipe": lesson.attempt.recipe,
        **_images(material, lesson),
        **_outcome(material, lesson),
        LEARNT: {
            "learnt": corrected,
            "altogether": corrected + (so_far if isinstance(so_far, int) else 0),
            "from_version": base.version,
            "lineage": [*lineage(old), material.fingerprint()],
        },
    }


def is_better(lesson: Lesson, start: Lesson) -> bool | None:
    """Whether a lesson is better than what it began with, by the same test images; None where there are none.

    It is if more images are right and that is hardly chance (McNemar's exact test, p < 0.05), or if as many are,
    give or take one, and the calibrated log loss is lower.
    """
    now, before = lesson.evaluation, start.evaluation
    if now is None or before is None:
        return None
    found = compare(before, now)
    gained = found.only_b_right - found.only_a_right
    is_lower = now.calibrated.log_loss < before.calibrated.log_loss
    return (gained > 0 and not found.could_be_chance) or (abs(gained) <= 1 and is_lower)


def _named(classes: Sequence[str]) -> str:
    names = [label[:60] for label in classes[:_MOST_NAMED]]
    rest = len(classes) - len(names)
    last = f"{rest:,} more" if rest else names.pop()
    return f"{', '.join(names)} and {last}"


def _training(request: TrainRequest, material: Material, lesson: Lesson) -> dict[str, Any]:
    return {
        "recipe": lesson.attempt.recipe,
        "command": printable(without_paths(request.told_command)),
        **_images(material, lesson),
        "validation": request.validation,
        "test": request.test,
        "seed": request.seed,
        "precision": request.precision.value,
        **_outcome(material, lesson),
    }


def _images(material: Material, lesson: Lesson) -> dict[str, Any]:
    """What was learnt from."""
    classes = material.dataset.classes
    counts = np.bincount(material.everything().labels, minlength=len(classes)).tolist()
    return {
        "images": material.counts(),
        "images_per_class": dict(zip(classes, counts, strict=True)),
        "fitted_to": lesson.attempt.fitted,
        DATASET: material.fingerprint(),
    }


def _outcome(material: Material, lesson: Lesson) -> dict[str, Any]:
    """How it went."""
    how = "by cross-validation" if lesson.attempt.out_of_fold else "on the validation and test images"
    reached = (
        f"the calibrated confidence that {100 - KNOWN_SHARE} % of {lesson.known:,} images of the classes reach, {how}"
    )
    return {
        **lesson.attempt.facts,
        "temperature": "fitted on the validation images" if len(material.validation) else "never fitted",
        "unknown_below": "too few images to tell" if lesson.unknown_below is None else reached,
    }


def _evaluation(material: Material, lesson: Lesson, start: Evaluation | None) -> dict[str, Any]:
    """How good the model was found to be: no path of the person's goes there."""
    if lesson.evaluation is None:
        return {}
    method = "on the test images, which the head had not seen"
    if lesson.attempt.fitted > len(material.train):
        method += "; the model's own head was then fitted once more, in the same way, to all images"
    left_out = {"mistakes", "classes"} | ({"confusion"} if len(lesson.evaluation.classes) > _MOST_CONFUSED else set())
    figures = {key: value for key, value in to_json(lesson.evaluation).items() if key not in left_out}
    against = _against(lesson.evaluation, start) if start else {}
    return {"method": method, **figures, **against}


def _against(evaluation: Evaluation, start: Evaluation) -> dict[str, Any]:
    found = compare(start, evaluation)
    began = {"accuracy": round(start.accuracy, 6), "only_it_right": found.only_a_right}
    return {"began_with": began | {"only_this_right": found.only_b_right, "p": round(found.p, 6)}}
