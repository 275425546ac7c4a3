"""What the window and its engine process say to each other; light values, nothing heavy is imported for them.

The engine process opens models and classifies, which keeps foreign files out of the window's process: a decoder that
crashes costs a restart, never the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.base.errors import FoveaError
from core.base.providers import Precision, Provider, ProviderPreference
from core.card import BackboneCard, ModelCard
from core.prediction import Outcome

# ---- to the engine process


@dataclass(frozen=True, slots=True)
class ListModels:
    """Say what is installed."""


@dataclass(frozen=True, slots=True)
class OpenModel:
    """Open this model and use it from now on."""

    name: str
    requested: ProviderPreference
    precision: Precision


@dataclass(frozen=True, slots=True)
class Classify:
    """Classify these images, each under the number it will be answered with."""

    images: tuple[tuple[int, Path], ...]
    top_k: int


# ---- from the engine process


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """An installed model, as the window shows it.

    Attributes:
        card: the model's.
        backbone: its backbone's.
        parameters: those of backbone and head together.
        is_builtin: whether it came with the program.
        version: 1, 2, ...; 0 for one that came with the program.
        size_bytes: what it takes on disk.
        has_training_data: whether it is known what it was made of, so that it can learn from corrections.
    """

    card: ModelCard
    backbone: BackboneCard
    parameters: int
    is_builtin: bool
    version: int
    size_bytes: int
    has_training_data: bool


@dataclass(frozen=True, slots=True)
class BrokenModel:
    """An installed model that cannot be used, and why."""

    name: str
    error: FoveaError


@dataclass(frozen=True, slots=True)
class ModelsListed:
    """What is installed."""

    models: tuple[ModelSummary, ...]
    broken: tuple[BrokenModel, ...]


@dataclass(frozen=True, slots=True)
class ModelOpened:
    """The model is ready.

    Attributes:
        name: the model.
        version: which of its versions.
        provider: what really runs it.
        agreement: least cosine between its features of the golden inputs and the card's.
        opening_ms: how long opening and proving took.
        refusal: why the provider asked for is not the one in use; None where it is.
    """

    name: str
    version: int
    provider: Provider
    agreement: float
    opening_ms: float
    refusal: FoveaError | None


@dataclass(frozen=True, slots=True)
class ModelRefused:
    """The model cannot be used; whichever was open before still is."""

    name: str
    error: FoveaError


@dataclass(frozen=True, slots=True)
class Classified:
    """Outcomes, under the numbers they were asked with."""

    outcomes: tuple[tuple[int, Outcome], ...]
