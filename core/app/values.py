"""Networks compared by accuracy and cost: light values that any process can hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from core.base.providers import ComputePrecision, Provider


class NetworkKind(Enum):
    """Where the numbers of a network come from."""

    PUBLISHED = "published"
    """Accuracy published, weights and multiply-adds computed from the layers."""
    MEASURED = "measured"
    """A backbone in the library: accuracy published for its network, size and time of this copy on this machine."""
    LITERT = "litert"
    """Such a backbone as a LiteRT file: size and time of that file in LiteRT's interpreter on this machine."""
    OWN = "own"
    """The user's model: accuracy on the user's own test images, which says nothing about ImageNet."""


@dataclass(frozen=True, slots=True)
class MeasuredTime:
    """The time for one image on this machine.

    Attributes:
        ms: median milliseconds, without decoding.
        provider: the fastest provider that works.
        precision: the number format it computes in.
    """

    ms: float
    provider: Provider
    precision: ComputePrecision


@dataclass(frozen=True, slots=True)
class LiteRTTime:
    """The size and speed of a backbone as a LiteRT file on this machine.

    Attributes:
        backbone: its name in the library.
        storage: how the file stores its weights: float32, float16 or int8.
        size_bytes: of the file.
        ms: median milliseconds for one image, without decoding.
    """

    backbone: str
    storage: str
    size_bytes: int
    ms: float


@dataclass(frozen=True, slots=True)
class ComparedNetwork:
    """A network or model in a comparison.

    Attributes:
        kind: where its numbers come from.
        name: its name, for users.
        accuracy: top-1, 0..1: on ImageNet, or on the user's own test images.
        weights: the number of parameters.
        size_bytes: of its float32 weights, or on disk.
        multiply_adds: for one image.
        source: who published the accuracy; empty for the user's own.
        time: on this machine; None if it was not measured.
        interval: the 95% confidence interval of the accuracy; None if unknown.
        images: the number of test images; None for published accuracies.
    """

    kind: NetworkKind
    name: str
    accuracy: float
    weights: int
    size_bytes: int
    multiply_adds: int
    source: str = ""
    time: MeasuredTime | None = None
    interval: tuple[float, float] | None = None
    images: int | None = None


@dataclass(frozen=True, slots=True)
class NetworkComparison:
    """Networks to compare.

    Attributes:
        networks: published ones first, then those measured here, their LiteRT files, and the user's own models.
        measured_at: when this machine was measured last, apart from LiteRT; None if never.
    """

    networks: tuple[ComparedNetwork, ...]
    measured_at: datetime | None
