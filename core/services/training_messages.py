"""What the window and its training process say to each other; light values, nothing heavy is imported for them.

The window chooses a ticket for each request; what answers it carries the same one. Every request but `Stop`, `Pause`
and `Resume` has one last answer: what its docstring says, or `Stopped` once it was called off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from core.errors import FoveaError
from core.learning.protocol import Epoch
from core.learning.request import Recipe, RetrainRequest, TrainRequest
from core.progress import Progress
from core.services.folder_messages import FolderJob, FolderLast, FolderProgress, folder_last_words
from core.services.training_values import RetrainedFacts, TrainedFacts

# ---- to the training process


@dataclass(frozen=True, slots=True)
class Forecast:
    """Say how long each recipe would take, whichever is asked for; calls off an earlier forecast.

    Last: the third `Forecasted`, one for each recipe.
    """

    ticket: int
    request: TrainRequest


@dataclass(frozen=True, slots=True)
class Train:
    """Train; calls off a forecast. Last: `TrainDone` or `TrainFailed`.

    Attributes:
        ticket: of the request.
        request: what is to be trained.
        against: the model in use, `name` or `name@version`, to compare the new one with; None for none.
    """

    ticket: int
    request: TrainRequest
    against: str | None = None


@dataclass(frozen=True, slots=True)
class Retrain:
    """Make the next version of a model from corrections. Last: `RetrainDone` or `TrainFailed`."""

    ticket: int
    request: RetrainRequest


@dataclass(frozen=True, slots=True)
class Stop:
    """Call a request off; once nothing of it runs any more, `Stopped` says so, or `TrainDone` where it was too late.

    Attributes:
        ticket: of the request.
        discard: of a training, whether what was learnt so far is thrown away; else the same request goes on with it.
    """

    ticket: int
    discard: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Let a training wait, where that is next possible."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Resume:
    """Let a training that waits go on."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Use:
    """Have a name mean this version from now on. Last: `Used`."""

    ticket: int
    name: str
    version: int


Job: TypeAlias = FolderJob | Forecast | Train | Retrain | Use
"""What is answered in the end."""
Order: TypeAlias = Stop | Pause | Resume
"""What is said about a job."""

# ---- from the training process: the forecast


@dataclass(frozen=True, slots=True)
class Forecasted:
    """How long a recipe would take here.

    Attributes:
        ticket: of the request.
        recipe: which.
        seconds: from now to the model; None where it cannot run.
        basis: what that stands on, in a sentence or two for a person.
        error: why it cannot run, and what helps; None where it can.
    """

    ticket: int
    recipe: Recipe
    seconds: float | None
    basis: str
    error: FoveaError | None


# ---- from the training process: the training


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a stage of a training is; at most twenty times a second."""

    ticket: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class EpochDone:
    """What an epoch came to; after an interruption those that were gone through before are told again."""

    ticket: int
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class TrainDone:
    """The model is in the library."""

    ticket: int
    facts: TrainedFacts


@dataclass(frozen=True, slots=True)
class RetrainDone:
    """The version that learnt from corrections is in the library."""

    ticket: int
    facts: RetrainedFacts


@dataclass(frozen=True, slots=True)
class TrainFailed:
    """No model came of it; the library is as it was, but for what fine-tuning begins with.

    Attributes:
        ticket: of the request.
        error: what happened, and what helps.
        can_resume: whether the same request may go on where this one ended.
    """

    ticket: int
    error: FoveaError
    can_resume: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """The request was called off, and nothing of it runs any more.

    Attributes:
        ticket: of the request.
        can_resume: of a training, whether something is kept with which the same request goes on.
    """

    ticket: int
    can_resume: bool = False


@dataclass(frozen=True, slots=True)
class Used:
    """The name means that version, or `error` says why it does not."""

    ticket: int
    name: str
    version: int
    error: FoveaError | None


Last: TypeAlias = FolderLast | Forecasted | TrainDone | RetrainDone | TrainFailed | Stopped | Used
Answer: TypeAlias = FolderProgress | Stage | EpochDone | Last


def last_words(job: Job, error: FoveaError, *, can_resume: bool) -> tuple[Last, ...]:
    """What answers a job in the end that came to nothing.

    Args:
        job: what was asked for.
        error: why.
        can_resume: of a training, see `TrainFailed`.
    """
    match job:
        case Forecast(ticket, _):
            return tuple(Forecasted(ticket, recipe, None, "", error) for recipe in Recipe)
        case Train(ticket, _, _):
            return (TrainFailed(ticket, error, can_resume),)
        case Retrain(ticket, _):
            return (TrainFailed(ticket, error, can_resume=False),)
        case Use(ticket, name, version):
            return (Used(ticket, name, version, error),)
        case _:
            return (folder_last_words(job, error),)
