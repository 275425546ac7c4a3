"""The messages between the window and its engine process; light values that import nothing heavy.

The engine process opens models and classifies, which keeps foreign files out of the window's process: a decoder that
crashes costs a restart, never the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.base.errors import FoveaError
from core.base.providers import Precision, Provider, ProviderPreference
from core.models.values import BrokenModel, ModelSummary
from core.prediction import Outcome

# ---- to the engine process


@dataclass(frozen=True, slots=True)
class ListModels:
    """List the installed models."""


@dataclass(frozen=True, slots=True)
class OpenModel:
    """Open this model and use it from now on."""

    name: str
    requested: ProviderPreference
    precision: Precision


@dataclass(frozen=True, slots=True)
class Classify:
    """Classify these images; the number of each is repeated in the answer."""

    images: tuple[tuple[int, Path], ...]
    top_k: int


# ---- from the engine process


@dataclass(frozen=True, slots=True)
class ModelsListed:
    """The installed models."""

    models: tuple[ModelSummary, ...]
    broken: tuple[BrokenModel, ...]


@dataclass(frozen=True, slots=True)
class ModelOpened:
    """The model is ready.

    Attributes:
        name: the name of the model.
        version: its version.
        provider: the provider that runs it.
        agreement: the minimum cosine similarity between its features of the golden inputs and those on the card.
        opening_ms: the time to open and verify it.
        refusal: why the requested provider is not in use; None if it is.
    """

    name: str
    version: int
    provider: Provider
    agreement: float
    opening_ms: float
    refusal: FoveaError | None


@dataclass(frozen=True, slots=True)
class ModelRefused:
    """The model cannot be used; the one that was open before still is."""

    name: str
    error: FoveaError


@dataclass(frozen=True, slots=True)
class Classified:
    """Outcomes, under the numbers of their requests."""

    outcomes: tuple[tuple[int, Outcome], ...]
