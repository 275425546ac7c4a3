"""Adding a published network to the library: as a backbone that heads can be trained on, or with its classifier."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from core.base.errors import ModelError, TrainerError, UsageError
from core.base.i18n import tr
from core.base.leftovers import temporary_folder
from core.base.progress import CancelToken, ProgressCallback
from core.card import BackboneCard, HeadReference, ModelCard, read_card, write_card
from core.models.files import read_file
from core.models.library import NORMALISATION, Library
from core.models.user_backbones import install_backbone
from core.models.values import InstalledBackbone, InstalledModel
from core.training.networks import BackboneRequest, Design, check_request
from core.training.protocol import BACKBONE, BACKBONE_CARD, HEAD, JOB
from core.training.trainer_process import run_trainer

_DATA: Final = "ImageNet (ILSVRC 2012)"


def fetch_backbone(
    request: BackboneRequest, library: Library, *, report: ProgressCallback, token: CancelToken
) -> InstalledBackbone:
    """Convert a published network and add it to the library. The trainer process downloads weights if none are given.

    Raises:
        UsageError: there is no such network, or the library has a model or backbone of its name.
        ModelError: the weights could not be downloaded, or belong to another network.
        TrainerError: TensorFlow is not installed, or the trainer process died.
        StorageError: the disk does not allow it.
        Cancelled: the token was cancelled; nothing is added.
    """
    hint = tr("Train with `--backbone {name}`.", name=request.name)
    with _converted(request, library, hint, report=report, token=token) as folder:
        files = {name: read_file(folder / name) for name in (BACKBONE, NORMALISATION)}
        return install_backbone(library, read_file(folder / BACKBONE_CARD), files)


def fetch_classifier(
    request: BackboneRequest, library: Library, *, report: ProgressCallback, token: CancelToken
) -> InstalledModel:
    """Convert a published network with its classifier of ImageNet's classes, and add it to the library as a model.

    Raises:
        UsageError: there is no such network, or the library has a model or backbone of its name.
        ModelError: the weights could not be downloaded, or belong to another network; or the class names are missing.
        TrainerError: TensorFlow is not installed, or the trainer process died.
        StorageError: the disk does not allow it.
        Cancelled: the token was cancelled; nothing is added.
    """
    classes = _imagenet_classes(request, library)
    hint = tr("Use it with `--model {name}`.", name=request.name)
    with _converted(request, library, hint, report=report, token=token) as folder:
        backbone = read_card(read_file(folder / BACKBONE_CARD))
        assert isinstance(backbone, BackboneCard)
        files = {name: read_file(folder / name) for name in (BACKBONE, HEAD)}
        title = f"{request.described.title} ({len(classes)} things)"
        card = ModelCard(
            name=request.name,
            title=title,
            summary=f"Names {len(classes)} everyday objects, animals and places.",
            classes=classes,
            backbone=replace(backbone, name=f"{request.name}-backbone"),
            head=HeadReference(HEAD, hashlib.sha256(files[HEAD]).hexdigest()),
            origin=backbone.origin,
            training={"recipe": "converted", "command": f"fovea models fetch {request.name}", "data": _DATA},
            evaluation={
                "accuracy": 0.79,
                "method": "top-1 on ImageNet's validation set, as Keras's documentation says",
            },
        )
        return library.install(write_card(card), files, new_name=True)


@contextmanager
def _converted(
    request: BackboneRequest, library: Library, hint: str, *, report: ProgressCallback, token: CancelToken
) -> Iterator[Path]:
    """The folder in which the trainer process leaves the files of a network; `hint` is for one that is installed."""
    check_request(request)
    if is_installed(request, library):
        raise UsageError(tr("“{name}” is already installed.", name=request.name), hint=hint)
    with temporary_folder("backbone") as folder:
        (folder / JOB).write_bytes(request_bytes(request))
        run_trainer(["backbone", str(folder)], report=report, on_epoch=lambda _: None, token=token)
        yield folder


def is_installed(request: BackboneRequest, library: Library) -> bool:
    """Whether the library has a model or backbone of its name."""
    return any(entry.name == request.name for entry in library.entries())


def _imagenet_classes(request: BackboneRequest, library: Library) -> tuple[str, ...]:
    """The names of ImageNet's classes, in their order, from the built-in model, which comes first."""
    check_request(request)
    for entry in library.entries():
        if isinstance(entry, InstalledModel) and len(entry.card.classes) == request.described.classes:
            return entry.card.classes
    raise ModelError(tr("The built-in model with ImageNet's class names is missing."), hint=tr("Reinstall Fovea."))


def request_bytes(request: BackboneRequest) -> bytes:
    """The content of the trainer's job file."""
    weights = None if request.weights is None else str(request.weights.absolute())
    return json.dumps({**asdict(request), "weights": weights}).encode()


def read_request(folder: Path) -> BackboneRequest:
    """Read the trainer's job file.

    Raises:
        TrainerError: it is damaged.
        UsageError: there is no such network.
    """
    try:
        content = json.loads((folder / JOB).read_bytes())
        weights, design = content.pop("weights"), Design(**content.pop("design"))
        request = BackboneRequest(**content, weights=None if weights is None else Path(weights), design=design)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrainerError(tr("The trainer's job is damaged."), hint=tr("Run the same command again.")) from error
    check_request(request)
    return request
