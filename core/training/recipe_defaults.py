"""Default hyperparameters of the recipes that run in the trainer process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class RecipeDefaults:
    """Hyperparameters of a recipe; see `core.training.protocol.TrainerJob`.

    Attributes:
        epochs: the number of epochs.
        batch: batch size.
        learning_rate: of stochastic gradient descent.
        momentum: of stochastic gradient descent; 0 for none.
    """

    epochs: int
    batch: int
    learning_rate: float
    momentum: float


DENSE: Final = RecipeDefaults(epochs=100, batch=32, learning_rate=0.01, momentum=0.0)
"""The article's learning rate. With these epochs and this batch size, 5 images per class suffice to be within one
percentage point of `quick`; with 17 per class, 20 epochs would."""

FINE_TUNE: Final = RecipeDefaults(epochs=5, batch=16, learning_rate=0.005, momentum=0.1)
"""The article's learning rate, momentum and epochs."""

FROM_SCRATCH: Final = RecipeDefaults(epochs=50, batch=16, learning_rate=0.01, momentum=0.9)
"""Of fine-tune on a network with random weights."""

DEFAULTS: Final[Mapping[str, RecipeDefaults]] = MappingProxyType({"dense": DENSE, "fine-tune": FINE_TUNE})
"""Defaults by recipe name, as in `core.training.protocol.TrainerJob`."""
