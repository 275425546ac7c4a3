"""What the recipes that the trainer process carries out take where nothing else is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class RecipeDefaults:
    """How a recipe learns; see `core.training.protocol.TrainerJob`.

    Attributes:
        epochs: how many times every image is learnt from.
        batch: images in a step.
        learning_rate: of stochastic gradient descent.
        momentum: of it, 0 for none.
    """

    epochs: int
    batch: int
    learning_rate: float
    momentum: float


DENSE: Final = RecipeDefaults(epochs=100, batch=32, learning_rate=0.01, momentum=0.0)
"""The article's rate. Epochs and batch are such that 5 images of each class suffice to be within a percentage point of
`quick`; with 17 of each, 20 epochs would."""

FINE_TUNE: Final = RecipeDefaults(epochs=5, batch=16, learning_rate=0.005, momentum=0.1)
"""The article's rate, momentum and epochs."""

DEFAULTS: Final[Mapping[str, RecipeDefaults]] = MappingProxyType({"dense": DENSE, "fine-tune": FINE_TUNE})
"""By the recipe's name, as in `core.training.protocol.TrainerJob`."""
