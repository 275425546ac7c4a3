"""What a training is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.dataset.split import Share
from core.providers import Precision, ProviderWish


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
        command: what makes the model again, for its card.
        recipe: how it is trained.
        train: count of the images to learn from, the others being left over; None for all that remain.
        epochs: of dense and fine-tune; None for what the recipe takes by itself.
        learning_rate: likewise.
        depth: of fine-tune.
        restart: whether to begin anew where an interrupted training of that name could go on.
    """

    folder: Path
    name: str
    validation: Share
    test: Share
    seed: int
    provider: ProviderWish
    precision: Precision
    command: str
    recipe: Recipe = Recipe.QUICK
    train: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    depth: Depth = Depth.EXIT_FLOW
    restart: bool = False
