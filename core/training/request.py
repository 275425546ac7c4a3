"""What a training is asked for."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from core.base.providers import Precision, ProviderPreference
from core.datasets.corrections import Correction
from core.images.listing import folder_name

if TYPE_CHECKING:
    from core.datasets.split import FractionOrCount


class Recipe(StrEnum):
    """How a training goes."""

    QUICK = "quick"
    DENSE = "dense"
    FINE_TUNE = "fine-tune"


class Depth(StrEnum):
    """How much of the backbone the recipe fine-tune trains."""

    EXIT_FLOW = "exit-flow"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What is to be trained.

    Attributes:
        folder: of the labelled images.
        name: of the model, in the library.
        validation: share (float) or count (int) of the images to calibrate with and to choose the best epoch by.
        test: share (float) or count (int) of the images to judge by.
        seed: of everything that is drawn.
        provider: what is to run the backbone.
        precision: whether faster, slightly different arithmetic is welcome.
        command: what makes the model again, for its card; empty: `fovea train` with all that is asked for here.
        recipe: how it is trained.
        train: count of the images to learn from, the others being left over; None for all that remain.
        epochs: of dense and fine-tune; None for what the recipe takes by itself.
        learning_rate: likewise.
        depth: of fine-tune.
        augment: of fine-tune, whether photos are changed at random each time they are learnt from.
        restart: whether to begin anew where an interrupted training of that name could go on.
    """

    folder: Path
    name: str
    validation: FractionOrCount
    test: FractionOrCount
    seed: int
    provider: ProviderPreference
    precision: Precision
    command: str = ""
    recipe: Recipe = Recipe.QUICK
    train: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    depth: Depth = Depth.EXIT_FLOW
    augment: bool = True
    restart: bool = False

    @property
    def command_line(self) -> str:
        """What makes the model again, as a line for a terminal; of the folder it gives the name alone."""
        if self.command:
            return self.command
        words: list[object] = ["fovea", "train", folder_name(self.folder), "--name", self.name, "--recipe", self.recipe]
        if self.recipe is Recipe.FINE_TUNE:
            words += ["--depth", self.depth, *(() if self.augment else ("--no-augmentation",))]
        given = {"--train": self.train, "--epochs": self.epochs, "--learning-rate": self.learning_rate}
        always = {"--validation": self.validation, "--test": self.test, "--seed": self.seed}
        words += [word for name, value in given.items() if value is not None for word in (name, value)]
        words += [word for pair in always.items() for word in pair]
        return shlex.join(map(str, words))


@dataclass(frozen=True, slots=True)
class RetrainRequest:
    """What a model is to learn from corrections.

    Attributes:
        name: of the model.
        version: which of its versions is corrected.
        corrections: what it is to learn.
        provider: what is to run the backbone.
    """

    name: str
    version: int
    corrections: tuple[Correction, ...]
    provider: ProviderPreference


_READ: Final[Mapping[str, Callable[[Any], Any]]] = MappingProxyType(
    {"folder": Path, "recipe": Recipe, "depth": Depth, "provider": ProviderPreference, "precision": Precision}
)
"""How what JSON has as text becomes a value again."""


def request_to_json(request: TrainRequest) -> dict[str, Any]:
    """A request as plain JSON, from which it can be asked again wherever the program then runs."""
    values = ((field.name, getattr(request, field.name)) for field in fields(request))
    content = {name: value.value if isinstance(value, StrEnum) else value for name, value in values}
    return content | {"folder": str(request.folder.absolute()), "restart": False}


def request_from_json(content: object) -> TrainRequest | None:
    """The request that `request_to_json` wrote; None where it cannot be understood."""
    if not isinstance(content, dict):
        return None
    try:
        return TrainRequest(**{key: _READ.get(key, lambda value: value)(value) for key, value in content.items()})
    except (TypeError, ValueError):
        return None
