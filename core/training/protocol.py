"""What the trainer process is asked and what it says.

The trainer holds TensorFlow; nobody else does. It is given a folder with `job.json` and the files that belong to it,
says one JSON object a line on standard output, and leaves its results in the same folder. Everything here is plain
data, so that both sides can import it.

A job's folder holds, besides `JOB`:

- `IMAGES`: `train` and `validation`, lists of [path, sha256, label].
- `FEATURES` (recipe dense): `train` float32 [n, d], `train_labels` int64 [n], `validation`, `validation_labels`; and
  `everything`, `everything_labels` where the head is to be fitted once more, to all images.
- `START` (recipe fine-tune): the linear head to begin with, as `core.models.heads.head_bytes` writes it.

Afterwards it holds `HEAD`, fitted to the training images; `REFITTED`, where that was asked for; `BACKBONE` and
`BACKBONE_CARD`, where the backbone was trained too; and `GATE`: `images` uint8 [n, size, size, 3], at least
`PARITY_IMAGES` of them, and `logits` float32 [n, classes], what Keras says of them with the head that is to be
installed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from core.base.errors import TrainerError
from core.base.progress import Progress

JOB: Final = "job.json"
FEATURES: Final = "features.npz"
IMAGES: Final = "images.json"
START: Final = "start.npz"
HEAD: Final = "head.npz"
REFITTED: Final = "refitted.npz"
BACKBONE: Final = "backbone.onnx"
BACKBONE_CARD: Final = "backbone.json"
PARITY: Final = "gate.npz"
CHECKPOINT: Final = "checkpoint.npz"

PARITY_IMAGES: Final = 32
"""The fewest images on which Keras and the engine must say the same."""


@dataclass(frozen=True, slots=True)
class TrainerJob:
    """What the trainer is to do.

    Attributes:
        recipe: "dense" or "fine-tune".
        classes: how many there are.
        seed: of everything that is drawn.
        epochs: how many times every image is learnt from.
        learning_rate: of stochastic gradient descent.
        momentum: of it, 0 for none; Nesterov's where it is not 0.
        batch: images in a step.
        depth: of fine-tune: "exit-flow" (blocks 13 and 14) or "whole".
        precision: "exact" (float32 everywhere) or "auto" (faster where the processor can).
        provider: which provider runs the frozen trunk, one of `core.base.providers.ProviderPreference`.
        backbone: folder of the installed backbone: its card, its ONNX file, its `normalisation.npz`.
        augment: of fine-tune, whether photos are changed by `core.images.augmentation` before they are learnt from.
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


@dataclass(frozen=True, slots=True)
class Epoch:
    """What an epoch came to.

    Attributes:
        number: 1 to `of`; 0 is how it was before any training.
        of: how many there will be.
        loss: mean cross-entropy of the images learnt from, in nats, with dropout and augmentation; None for number 0.
        accuracy: the share of them named rightly, 0..1; None for number 0.
        validation_loss: the same of the validation images, without either; None where there are none.
        validation_accuracy: likewise.
        seconds: how long it took.
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
    """The trainer is through; its results are in the folder.

    Attributes:
        facts: what a model's card should say of the training, as plain JSON.
    """

    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TrainerFailed:
    """The trainer gave up, and why: as in `FoveaError`."""

    kind: str
    message: str
    hint: str


TrainerEvent: TypeAlias = Progress | Epoch | TrainerDone | TrainerFailed
_KINDS: Final[dict[str, type[Any]]] = {"stage": Progress, "epoch": Epoch, "done": TrainerDone, "failed": TrainerFailed}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


def write_event(event: TrainerEvent) -> str:
    """The event as one line of JSON, without its end."""
    return json.dumps({"event": _NAMES[type(event)], **asdict(event)})


def read_event(line: str) -> TrainerEvent:
    """The event in a line.

    Raises:
        TrainerError: the line is none.
    """
    try:
        content = json.loads(line)
        event: TrainerEvent = _KINDS[content.pop("event")](**content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainerError(
            f"The trainer said what is no event: {line[:200]!r}.", hint="Install Fovea again."
        ) from error
    return event


def job_bytes(job: TrainerJob) -> bytes:
    """The bytes of a job's file."""
    return (json.dumps(asdict(job), indent=2) + "\n").encode()


def read_job(folder: Path) -> TrainerJob:
    """The job in a folder.

    Raises:
        TrainerError: there is none, or it is damaged.
    """
    try:
        return TrainerJob(**json.loads((folder / JOB).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise TrainerError(f"{str(folder)!r} holds no job.", hint="Begin the training anew with --restart.") from error
