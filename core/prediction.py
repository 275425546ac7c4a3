"""What one model said about one image, or why it could say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.base.errors import FoveaError


@dataclass(frozen=True, slots=True)
class Score:
    """A class's label and its probability, 0..1."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one image took, in milliseconds; inference is its share of the batch it ran in."""

    decode_ms: float
    preprocess_ms: float
    inference_ms: float

    @property
    def total_ms(self) -> float:
        """From file to answer."""
        return self.decode_ms + self.preprocess_ms + self.inference_ms


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model said about one image.

    Attributes:
        path: the image.
        scores: from most to least likely; at least one.
        unknown: whether the image is likely of none of the classes; None where the model cannot tell.
        model: the model's name.
        provider: what really ran it.
        timing: how long it took.
        warnings: what a person should know about the image, such as that a part of it is missing.
    """

    path: Path
    scores: tuple[Score, ...]
    unknown: bool | None
    model: str
    provider: str
    timing: Timing
    warnings: tuple[str, ...] = ()

    @property
    def best(self) -> Score:
        """The most likely class."""
        return self.scores[0]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one image has no prediction."""

    path: Path
    kind: str
    message: str
    hint: str

    @classmethod
    def of(cls, path: Path, error: FoveaError) -> Failure:
        """The failure that `error` means for the image at `path`."""
        return cls(path, error.kind, error.what, error.hint)


Outcome = Prediction | Failure
