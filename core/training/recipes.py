"""The three recipes: what each makes of its material. `quick` works here, the others ask the trainer process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.base.errors import ModelError
from core.base.progress import CancelToken, Report, StageClock
from core.base.storage import write_atomically
from core.card import BackboneCard, read_card
from core.models.heads import head_bytes, read_head
from core.models.library import InstalledBackbone
from core.training import protocol, quick
from core.training.evaluated_head import ENOUGH_HELD_OUT, Attempt, Predictions
from core.training.protocol import Epoch, Job
from core.training.recipe_defaults import DEFAULTS
from core.training.request import Recipe, TrainRequest
from core.training.trainer_process import run_trainer
from core.training.training_data import LabelledFeatures, Material

_QUICK: Final = "quick: multinomial logistic regression on standardised features, L-BFGS, balanced classes"
_DENSE: Final = "dense: 256 ReLU, dropout 0.5, 128 ReLU, dropout 0.5 on standardised features, SGD, balanced classes"
_FINE_TUNE: Final = "fine-tune: the head of the recipe quick and {what}, trained on {images}, SGD"
_DEPTHS: Final = {"exit-flow": "Xception's exit flow (blocks 13 and 14)", "whole": "the whole of Xception"}

OnEpoch = Callable[[Epoch], None]


def quick_attempt(material: Material, seed: int, *, report: Report, token: CancelToken) -> Attempt:
    """A linear head by logistic regression; where parts were drawn, the installed one learns from all images.

    Raises:
        DatasetError: the head would have more weights than can be fitted.
        Cancelled: the token was cancelled.
    """
    train = material.train
    choice = quick.choose(train.features, train.labels, seed=seed, report=report, token=token)
    clock = StageClock("fitting the head", 3 if material.is_drawn else 2, report)
    head = judged = _fitted(train, choice.strength, token)
    clock.advance()
    learnt = material.everything() if material.is_drawn else train
    if material.is_drawn:
        head = _fitted(learnt, choice.strength, token)
        clock.advance()
    unseen = None
    if len(learnt) <= quick.MOST_TRIED or len(material.validation) + len(material.test) < ENOUGH_HELD_OUT:
        rows, logits = quick.out_of_fold(learnt.features, learnt.labels, choice.strength, token=token)
        unseen = Predictions(tuple(learnt.examples[row] for row in rows.tolist()), logits) if len(rows) else None
    clock.advance()
    return Attempt(_QUICK, read_head(judged), head, len(learnt), _facts(choice), out_of_fold=unseen)


def dense_attempt(
    material: Material, request: TrainRequest, folder: Path, *, report: Report, on_epoch: OnEpoch, token: CancelToken
) -> Attempt:
    """The article's head; where parts were drawn, the installed one learns from all images.

    Args:
        material: what is learnt from.
        request: what was asked for.
        folder: the run's, where an interrupted training goes on.
        report: told of each stage.
        on_epoch: told of each epoch.
        token: looked at all the time.

    Raises:
        TrainerError: the trainer process is missing or died.
        Cancelled: the token was cancelled.
    """
    arrays = {"train": material.train, "validation": material.validation}
    if material.is_drawn:
        arrays["everything"] = material.everything()
    _write(folder / protocol.FEATURES, _packed(arrays))
    facts = _ask_trainer(material, request, folder, report=report, on_epoch=on_epoch, token=token)
    judged = (folder / protocol.HEAD).read_bytes()
    head = (folder / protocol.REFITTED).read_bytes() if material.is_drawn else judged
    fitted = sum(material.counts().values()) if material.is_drawn else len(material.train)
    return Attempt(_DENSE, read_head(judged), head, fitted, facts)


def fine_tune_attempt(
    material: Material,
    request: TrainRequest,
    start: Attempt,
    folder: Path,
    *,
    report: Report,
    on_epoch: OnEpoch,
    token: CancelToken,
) -> Attempt:
    """A backbone of its own, trained together with the head that `start` was judged with.

    Args:
        material: what is learnt from.
        request: what was asked for.
        start: what the recipe quick made of the same material.
        folder: the run's, where an interrupted training goes on.
        report: told of each stage.
        on_epoch: told of each epoch.
        token: looked at all the time.

    Raises:
        TrainerError: the trainer process is missing or died.
        Cancelled: the token was cancelled.
    """
    _write(folder / protocol.START, head_bytes(start.judged))
    facts = _ask_trainer(material, request, folder, report=report, on_epoch=on_epoch, token=token)
    head = (folder / protocol.HEAD).read_bytes()
    backbone = InstalledBackbone(_own_card(folder), folder)
    images = "augmented images" if request.augment else "images as they are"
    recipe = _FINE_TUNE.format(what=_DEPTHS[request.depth.value], images=images)
    return Attempt(recipe, read_head(head), head, len(material.train), facts, backbone)


def plan_of(request: TrainRequest, backbone: InstalledBackbone) -> dict[str, Any]:
    """Everything asked for that decides what is learnt, as plain JSON."""
    job = _job(request, backbone, classes=0)
    return {
        "recipe": job.recipe,
        "epochs": job.epochs,
        "learning rate": job.learning_rate,
        "depth": job.depth,
        "augmentation": job.augment,
        "precision": job.precision,
        "seed": request.seed,
        "train": request.train,
        "validation": request.validation,
        "test": request.test,
        "backbone": backbone.card.sha256,
    }


def _ask_trainer(
    material: Material, request: TrainRequest, folder: Path, *, report: Report, on_epoch: OnEpoch, token: CancelToken
) -> Mapping[str, Any]:
    job = _job(request, material.backbone, len(material.dataset.classes))
    listed = {name: _listed(part) for name, part in material.parts.items() if name != "test"}
    _write(folder / protocol.IMAGES, json.dumps(listed).encode())
    _write(folder / protocol.JOB, protocol.job_bytes(job))
    return run_trainer(["train", str(folder)], report=report, on_epoch=on_epoch, token=token)


def _job(request: TrainRequest, backbone: InstalledBackbone, classes: int) -> Job:
    usual = DEFAULTS[request.recipe.value]
    return Job(
        recipe=request.recipe.value,
        classes=classes,
        seed=request.seed,
        epochs=usual.epochs if request.epochs is None else request.epochs,
        learning_rate=usual.learning_rate if request.learning_rate is None else request.learning_rate,
        momentum=usual.momentum,
        batch=usual.batch,
        depth=request.depth.value if request.recipe is Recipe.FINE_TUNE else "",
        precision=request.precision.value,
        provider=request.provider.value,
        backbone=str(backbone.folder),
        augment=request.augment and request.recipe is Recipe.FINE_TUNE,
    )


def _listed(part: LabelledFeatures) -> list[tuple[str, str, int]]:
    return [(str(one.path.absolute()), one.sha256, one.label) for one in part.examples]


def _packed(parts: Mapping[str, LabelledFeatures]) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {name: part.features for name, part in parts.items()}
    arrays |= {f"{name}_labels": part.labels for name, part in parts.items()}
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _write(file: Path, data: bytes) -> None:
    """Leave a file that is the same already as it is."""
    if not file.is_file() or file.read_bytes() != data:
        write_atomically(file, data)


def _own_card(folder: Path) -> BackboneCard:
    card = read_card((folder / protocol.BACKBONE_CARD).read_bytes())
    if not isinstance(card, BackboneCard):
        raise ModelError("The trainer made no backbone.", hint="Train again with --restart.")
    return card


def _fitted(part: LabelledFeatures, strength: float, token: CancelToken) -> bytes:
    """A head as its file; it is judged as it will be read from there."""
    return head_bytes(quick.fit(part.features, part.labels, strength, token=token))


def _facts(choice: quick.Choice) -> dict[str, Any]:
    if not choice.trials:
        return {"C": choice.strength, "C_chosen": "by default: too few training images for cross-validation"}
    best = choice.trials[choice.strength]
    return {
        "C": choice.strength,
        "C_chosen": f"by {quick.FOLDS}-fold cross-validation on {choice.images:,} training images",
        "cross_validated_accuracy": round(1 - best.wrong / best.images, 4),
    }
