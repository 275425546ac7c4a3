"""Adding a published network to the library, as a backbone that heads can be trained on."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from core.base.errors import TrainerError, UsageError
from core.base.i18n import tr
from core.base.leftovers import temporary_folder
from core.base.progress import CancelToken, ProgressCallback
from core.models.files import read_file
from core.models.library import Library
from core.models.user_backbones import install_backbone
from core.models.values import InstalledBackbone
from core.training.networks import BackboneRequest, check_request
from core.training.protocol import BACKBONE, BACKBONE_CARD, JOB
from core.training.trainer_process import run_trainer


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
    check_request(request)
    if any(entry.name == request.name for entry in library.entries()):
        what = tr("“{name}” is already installed.", name=request.name)
        raise UsageError(what, hint=tr("Train with `--backbone {name}`.", name=request.name))
    with temporary_folder("backbone") as folder:
        (folder / JOB).write_bytes(request_bytes(request))
        run_trainer(["backbone", str(folder)], report=report, on_epoch=lambda _: None, token=token)
        return install_backbone(library, read_file(folder / BACKBONE_CARD), read_file(folder / BACKBONE))


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
        weights = content.pop("weights")
        request = BackboneRequest(**content, weights=None if weights is None else Path(weights))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise TrainerError(tr("The trainer's job is damaged."), hint=tr("Run the same command again.")) from error
    check_request(request)
    return request
