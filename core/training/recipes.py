"""The three recipes. `quick` runs in this process, the others in the trainer process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.base.errors import ModelError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.storage import write_atomically
from core.card import BackboneCard, read_card, write_card
from core.models.heads import Head, PrototypeHead, head_bytes, read_head
from core.models.installed import backbone_in, load_backbone
from core.models.library_folders import CARD
from core.models.values import InstalledBackbone
from core.training import multi_label, protocol, quick
from core.training.evaluated_head import MIN_HELD_OUT, Predictions, TrainedHead
from core.training.protocol import Epoch, TrainerJob
from core.training.recipe_defaults import DEFAULTS, FROM_SCRATCH
from core.training.request import HeadKind, Recipe, TrainRequest
from core.training.trainer_process import run_trainer
from core.training.training_data import LabelledFeatures, TrainingData, concat

_QUICK: Final = {
    HeadKind.LINEAR: "quick: multinomial logistic regression on standardised features, L-BFGS, balanced classes",
    HeadKind.PROTOTYPE: "quick: distance to a learned point per class, standardised features, L-BFGS, balanced classes",
}
_MULTI_LABEL: Final = "quick: a logistic regression for each class on standardised features, L-BFGS"
_DENSE: Final = "dense: 256 ReLU, dropout 0.5, 128 ReLU, dropout 0.5 on standardised features, SGD, balanced classes"
_MULTI_LABEL_DENSE: Final = _DENSE.replace("balanced classes", "binary cross-entropy of each class")
_FINE_TUNE: Final = "fine-tune: the head of the recipe quick and {what}, trained on {images}, SGD"
_DEPTHS: Final = {"exit-flow": "Xception's exit flow (blocks 13 and 14)", "whole": "the whole of {network}"}

LOG_LOSS: Final = "cross_validated_log_loss"
"""A detail of the recipe quick for the model's card; missing if there were too few images."""

OnEpoch = Callable[[Epoch], None]


def train_quick(
    data: TrainingData,
    seed: int,
    *,
    report: ProgressCallback,
    token: CancelToken,
    kind: HeadKind = HeadKind.LINEAR,
) -> TrainedHead:
    """Train a linear head by logistic regression, or a prototype head.

    After a random split, the installed one is fitted to all images. If images may have several classes, the
    out-of-fold predictions are of all images but the test images.

    Raises:
        DatasetError: the head would have too many weights to fit.
        Cancelled: the token was cancelled.
    """
    if data.dataset.is_multi_label:
        return _train_multi_label(data, seed, report=report, token=token)
    train = data.train
    cross_validation = quick.cross_validate(
        train.features, train.labels, seed=seed, report=report, token=token, kind=kind
    )
    clock = ProgressReporter(tr("fitting the head"), 3 if data.is_random_split else 2, report)
    head = evaluated = _fit(kind, train, cross_validation.best_c, token)
    clock.advance()
    fitted = data.everything() if data.is_random_split else train
    if data.is_random_split:
        head = _fit(kind, fitted, cross_validation.best_c, token)
        clock.advance()
    out_of_fold = None
    if len(fitted) <= quick.MAX_TRIED or len(data.validation) + len(data.test) < MIN_HELD_OUT:
        rows, logits = quick.out_of_fold(
            fitted.features, fitted.labels, cross_validation.best_c, token=token, kind=kind
        )
        paths = [fitted.examples[row].path for row in rows.tolist()]
        out_of_fold = Predictions(paths, fitted.labels[rows], logits) if paths else None
    clock.advance()
    return TrainedHead(
        _QUICK[kind],
        read_head(evaluated),
        head,
        len(fitted),
        _cross_validation_facts(cross_validation),
        out_of_fold=out_of_fold,
    )


def _train_multi_label(data: TrainingData, seed: int, *, report: ProgressCallback, token: CancelToken) -> TrainedHead:
    train, known = data.train, concat(data.train, data.validation)
    chosen = multi_label.cross_validate(train.features, train.labels, seed=seed, report=report, token=token)
    clock = ProgressReporter(tr("fitting the head"), 3, report)
    head = evaluated = head_bytes(multi_label.fit(train.features, train.labels, chosen.best_c, token=token))
    clock.advance()
    fitted = data.everything() if data.is_random_split else train
    if data.is_random_split:
        head = head_bytes(multi_label.fit(fitted.features, fitted.labels, chosen.best_c, token=token))
    clock.advance()
    rows, logits = multi_label.out_of_fold(known.features, known.labels, chosen.best_c, token=token)
    clock.advance()
    facts = {key: value for key, value in _cross_validation_facts(chosen).items() if key != "cross_validated_accuracy"}
    out_of_fold = Predictions([known.examples[row].path for row in rows.tolist()], known.labels[rows], logits)
    return TrainedHead(_MULTI_LABEL, read_head(evaluated), head, len(fitted), facts, out_of_fold=out_of_fold)


def train_dense(
    data: TrainingData,
    request: TrainRequest,
    folder: Path,
    *,
    report: ProgressCallback,
    on_epoch: OnEpoch,
    token: CancelToken,
) -> TrainedHead:
    """Train the article's head; after a random split, the installed one is fitted to all images.

    Args:
        data: the training data.
        request: the training request.
        folder: the run's folder, from which an interrupted training resumes.
        report: called for each stage.
        on_epoch: called after each epoch.
        token: checked frequently.

    Raises:
        TrainerError: the trainer process is missing or died.
        Cancelled: the token was cancelled.
    """
    arrays = {"train": data.train, "validation": data.validation}
    if data.is_random_split:
        arrays["everything"] = data.everything()
    _write(folder / protocol.FEATURES, _pack_features(arrays))
    facts = _run_trainer(data, request, folder, report=report, on_epoch=on_epoch, token=token)
    evaluated = (folder / protocol.HEAD).read_bytes()
    head = (folder / protocol.REFITTED).read_bytes() if data.is_random_split else evaluated
    fitted = sum(data.counts().values()) if data.is_random_split else len(data.train)
    recipe = _MULTI_LABEL_DENSE if data.dataset.is_multi_label else _DENSE
    return TrainedHead(recipe, read_head(evaluated), head, fitted, facts)


def train_fine_tune(
    data: TrainingData,
    request: TrainRequest,
    start: TrainedHead,
    folder: Path,
    *,
    report: ProgressCallback,
    on_epoch: OnEpoch,
    token: CancelToken,
) -> TrainedHead:
    """Train a copy of the backbone together with the evaluated head of `start`.

    Args:
        data: the training data.
        request: the training request.
        start: the result of the recipe quick on the same data.
        folder: the run's folder, from which an interrupted training resumes.
        report: called for each stage.
        on_epoch: called after each epoch.
        token: checked frequently.

    Raises:
        TrainerError: the trainer process is missing or died.
        Cancelled: the token was cancelled.
    """
    _write(folder / protocol.START, head_bytes(start.evaluated))
    facts = _run_trainer(data, request, folder, report=report, on_epoch=on_epoch, token=token)
    head = (folder / protocol.HEAD).read_bytes()
    backbone = backbone_in(folder, _own_card(folder))
    images = "augmented images" if request.augment else "unmodified images"
    what = _DEPTHS[request.depth.value].format(network=data.backbone.card.architecture)
    recipe = _FINE_TUNE.format(what=f"{what} from scratch" if data.backbone.card.untrained else what, images=images)
    return TrainedHead(recipe, read_head(head), head, len(data.train), facts, backbone)


def kind_of(head: Head) -> HeadKind:
    """The kind that `train_quick` trains when a head is trained again."""
    return HeadKind.PROTOTYPE if isinstance(head, PrototypeHead) else HeadKind.LINEAR


def trainer_plan(request: TrainRequest, backbone: InstalledBackbone) -> dict[str, Any]:
    """All settings that determine the result of the training, as plain JSON."""
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
        **({"fit": job.fit} if job.fit else {}),
    }


def _run_trainer(
    data: TrainingData,
    request: TrainRequest,
    folder: Path,
    *,
    report: ProgressCallback,
    on_epoch: OnEpoch,
    token: CancelToken,
) -> Mapping[str, Any]:
    job = replace(
        _job(request, data.backbone, len(data.dataset.classes)), backbone=str(_file_folder(data.backbone, folder))
    )
    listed = {name: _listed(part) for name, part in data.parts.items() if name != "test"}
    _write(folder / protocol.IMAGES, json.dumps(listed).encode())
    _write(folder / protocol.JOB, protocol.job_bytes(job))
    return run_trainer(["train", str(folder)], report=report, on_epoch=on_epoch, token=token)


def _file_folder(backbone: InstalledBackbone, run: Path) -> Path:
    """The folder of a backbone's file, which is written for the trainer if it is composed when it is read."""
    if not backbone.parts:
        return backbone.folder
    folder = run / protocol.COMPOSED
    folder.mkdir(exist_ok=True)
    _write(folder / backbone.card.file, load_backbone(backbone))
    _write(folder / CARD, write_card(replace(backbone.card, variants=())))
    return folder


def _job(request: TrainRequest, backbone: InstalledBackbone, classes: int) -> TrainerJob:
    default = FROM_SCRATCH if backbone.card.untrained else DEFAULTS[request.recipe.value]
    return TrainerJob(
        recipe=request.recipe.value,
        classes=classes,
        seed=request.seed,
        epochs=default.epochs if request.epochs is None else request.epochs,
        learning_rate=default.learning_rate if request.learning_rate is None else request.learning_rate,
        momentum=default.momentum,
        batch=default.batch,
        depth=request.depth.value if request.recipe is Recipe.FINE_TUNE else "",
        precision=request.precision.value,
        provider=request.provider.value,
        backbone=str(backbone.folder),
        augment=request.augment and request.recipe is Recipe.FINE_TUNE,
        fit=backbone.fit or "",
    )


def _listed(part: LabelledFeatures) -> list[tuple[str, str, int]]:
    images = zip(part.examples, part.labels.tolist(), strict=True)
    return [(str(one.path.absolute()), one.sha256, label) for one, label in images]


def _pack_features(parts: Mapping[str, LabelledFeatures]) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {name: part.features for name, part in parts.items()}
    arrays |= {f"{name}_labels": part.labels for name, part in parts.items()}
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _write(file: Path, data: bytes) -> None:
    """Write a file unless it has this content already."""
    if not file.is_file() or file.read_bytes() != data:
        write_atomically(file, data)


def _own_card(folder: Path) -> BackboneCard:
    card = read_card((folder / protocol.BACKBONE_CARD).read_bytes())
    if not isinstance(card, BackboneCard):
        raise ModelError(tr("The trainer left no backbone."), hint=tr("Start the training over with --restart."))
    return card


def _fit(kind: HeadKind, part: LabelledFeatures, c: float, token: CancelToken) -> bytes:
    """Fit a head, as file content, so that it is evaluated exactly as it will be read."""
    fit = quick.fit if kind is HeadKind.LINEAR else quick.fit_prototypes
    return head_bytes(fit(part.features, part.labels, c, token=token))


def _cross_validation_facts(choice: quick.CrossValidation) -> dict[str, Any]:
    if not choice.scores:
        return {"C": choice.best_c, "C_chosen": "by default: too few training images for cross-validation"}
    best = choice.scores[choice.best_c]
    return {
        "C": choice.best_c,
        "C_chosen": f"by {quick.FOLDS}-fold cross-validation on {choice.images:,} training images",
        "cross_validated_accuracy": round(1 - best.errors / best.images, 4),
        LOG_LOSS: round(best.log_loss, 4),
    }
