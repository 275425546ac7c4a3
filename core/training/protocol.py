"""The protocol between the trainer process and the process that starts it.

Only the trainer imports TensorFlow. It reads `job.json` and the other files of a folder, writes one JSON object per
line to standard output, and leaves its results in the same folder. Everything here is plain data, so that both sides
can import it.

Besides `JOB`, a job's folder contains:

- `IMAGES`: `train` and `validation`, lists of [path, sha256, label].
- `FEATURES` (recipe dense): `train` float32 [n, d], `train_labels` int64 [n], `validation`, `validation_labels`; and
  `everything`, `everything_labels` if the head is to be refitted to all images.
- `START` (recipe fine-tune): the initial linear head, as `core.models.heads.head_bytes` writes it.

Afterwards it contains `HEAD`, fitted to the training images; `REFITTED`, if requested; `BACKBONE` and `BACKBONE_CARD`,
if the backbone was trained too; and `PARITY`: `images` uint8 [n, size, size, 3], at least `PARITY_IMAGES` of them, and
`logits` float32 [n, classes], Keras's outputs for them with the head to install.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from core.base.errors import TrainerError
from core.base.i18n import tr
from core.base.progress import Progress
from core.base.text import display_path

JOB: Final = "job.json"
FEATURES: Final = "features.npz"
IMAGES: Final = "images.json"
START: Final = "start.npz"
HEAD: Final = "head.npz"
REFITTED: Final = "refitted.npz"
BACKBONE: Final = "backbone.onnx"
COMPOSED: Final = "composed"
"""The folder of a backbone that is composed of others, for the trainer; see `core.models.composite`."""
BACKBONE_CARD: Final = "backbone.json"
PARITY: Final = "gate.npz"
CHECKPOINT: Final = "checkpoint.npz"

PARITY_IMAGES: Final = 32
"""The fewest images on which the outputs of Keras and of the engine must agree."""


@dataclass(frozen=True, slots=True)
class TrainerJob:
    """A training job.

    Attributes:
        recipe: "dense" or "fine-tune".
        classes: the number of classes.
        seed: random seed.
        epochs: the number of epochs.
        learning_rate: of stochastic gradient descent.
        momentum: Nesterov momentum of stochastic gradient descent; 0 for none.
        batch: batch size.
        depth: of fine-tune: "exit-flow" (blocks 13 and 14) or "whole".
        precision: "exact" (float32 everywhere) or "auto" (faster where the processor supports it).
        provider: the provider for the frozen base, one of `core.base.providers.ProviderPreference`.
        backbone: folder of the installed backbone: its card, its ONNX file, its `normalisation.npz`.
        augment: of fine-tune, whether images are augmented by `core.images.augmentation`.
        fit: how images are made square, a `core.card.ResizeMode`; empty for that of the backbone.
    """

    recipe: str
    classes: int
    seed: int
    epochs: int
    learning_rate: float
    momentum: float
    batch: int
    depth: str
    precision: str
    provider: str
    backbone: str
    augment: bool = True
    fit: str = ""


@dataclass(frozen=True, slots=True)
class Epoch:
    """The metrics of an epoch.

    Attributes:
        number: 1 to `of`; 0 stands for the state before training.
        of: the total number of epochs.
        loss: mean cross-entropy of the training images, in nats, with dropout and augmentation; None for number 0.
        accuracy: the fraction of them classified correctly, 0..1; None for number 0.
        validation_loss: the same for the validation images without dropout and augmentation; None if there are none.
        validation_accuracy: the fraction of them classified correctly, 0..1; None if there are none.
        seconds: duration.
    """

    number: int
    of: int
    loss: float | None
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class TrainerDone:
    """The trainer is done; its results are in the folder.

    Attributes:
        facts: details of the training for the model's card, as plain JSON.
    """

    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TrainerFailed:
    """The trainer failed; the fields are those of a `FoveaError`."""

    kind: str
    message: str
    hint: str


TrainerEvent: TypeAlias = Progress | Epoch | TrainerDone | TrainerFailed
_KINDS: Final[dict[str, type[Any]]] = {"stage": Progress, "epoch": Epoch, "done": TrainerDone, "failed": TrainerFailed}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


def write_event(event: TrainerEvent) -> str:
    """Serialize an event as one line of JSON, without the line break."""
    return json.dumps({"event": _NAMES[type(event)], **asdict(event)})


def read_event(line: str) -> TrainerEvent:
    """Parse an event from a line.

    Raises:
        TrainerError: the line is not an event.
    """
    try:
        content = json.loads(line)
        event: TrainerEvent = _KINDS[content.pop("event")](**content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = tr("The trainer sent an invalid message: {line!r}.", line=line[:200])
        raise TrainerError(what, hint=tr("Reinstall Fovea.")) from error
    return event


def job_bytes(job: TrainerJob) -> bytes:
    """The content of a job file; one without a `fit` is as earlier versions of Fovea wrote it, so it can be resumed."""
    content = asdict(job)
    if not job.fit:
        del content["fit"]
    return (json.dumps(content, indent=2) + "\n").encode()


def read_job(folder: Path) -> TrainerJob:
    """Read the job in a folder.

    Raises:
        TrainerError: it is missing or damaged.
    """
    try:
        return TrainerJob(**json.loads((folder / JOB).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        what = tr("The training job in “{folder}” is missing or damaged.", folder=display_path(folder))
        raise TrainerError(what, hint=tr("Start the training over with --restart.")) from error
