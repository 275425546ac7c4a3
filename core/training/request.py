"""Training requests."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from core.base.providers import Precision, ProviderPreference
from core.card import ResizeMode
from core.datasets.label_source import LabelSource
from core.datasets.labels import Label
from core.images.listing import folder_name

if TYPE_CHECKING:
    from core.datasets.split import FractionOrCount


class Recipe(StrEnum):
    """A training recipe."""

    QUICK = "quick"
    DENSE = "dense"
    FINE_TUNE = "fine-tune"


class HeadKind(StrEnum):
    """Which head the recipe quick trains."""

    LINEAR = "linear"
    PROTOTYPE = "prototype"


class FitChoice(StrEnum):
    """How a model makes images square, or how that is chosen; see `core.card.ResizeMode`."""

    BACKBONE = "backbone"
    AUTO = "auto"
    STRETCH = "stretch"
    PAD = "pad"
    CENTRE_CROP = "centre-crop"

    @property
    def mode(self) -> ResizeMode | None:
        """The way that was chosen; None for that of the backbone, or one that is yet to be measured."""
        return None if self in (FitChoice.BACKBONE, FitChoice.AUTO) else ResizeMode(self.value)


class Depth(StrEnum):
    """Which layers of the backbone the recipe fine-tune trains."""

    EXIT_FLOW = "exit-flow"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """A request to train a model.

    Attributes:
        folder: of the labelled images.
        name: of the model, in the library.
        validation: fraction (float) or count (int) of the images for calibration and choosing the best epoch.
        test: fraction (float) or count (int) of the images for the evaluation.
        seed: random seed.
        provider: the preferred provider for the backbone.
        precision: whether faster, slightly different arithmetic is allowed.
        command: the command that reproduces the model, for its card; empty: `fovea train` with these settings.
        recipe: the recipe.
        train: count of the training images, leaving the others unused; None for all that remain.
        epochs: of dense and fine-tune; None for the recipe's default.
        learning_rate: of dense and fine-tune; None for the recipe's default.
        depth: of fine-tune.
        augment: of fine-tune, whether images are augmented at random.
        restart: whether to discard an interrupted training of that name instead of resuming it.
        head: of quick.
        backbone: its name in the library; empty: the best one for the recipe, see `core.training.backbones`.
        keep_classes_of: the model whose classes the new one keeps, see `core.training.extension`; empty: none.
        thumbnails: whether to keep thumbnails of the photos with the model, to show what predictions look like.
        nested: whether folders inside a class folder are classes of their own, and the hierarchy that of the folders.
        hierarchy: a text file with the hierarchy of the classes; None for none.
        fit: how images are made square.
        labels: where the classes of the images come from, and so whether an image may have several.
        labels_file: the table with them, with `LabelSource.FILE`; None otherwise.
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
    backbone: str = ""
    head: HeadKind = HeadKind.LINEAR
    keep_classes_of: str = ""
    thumbnails: bool = True
    nested: bool = False
    hierarchy: Path | None = None
    fit: FitChoice = FitChoice.BACKBONE
    labels: LabelSource = LabelSource.FOLDER
    labels_file: Path | None = None

    @property
    def min_classes(self) -> int:
        """The fewest classes that a folder must have: one if the model keeps other classes."""
        return 1 if self.keep_classes_of else 2

    @property
    def command_line(self) -> str:
        """The command that reproduces the model, for a terminal; only the name of the folder is included."""
        if self.command:
            return self.command
        words: list[object] = ["fovea", "train", folder_name(self.folder), "--name", self.name, "--recipe", self.recipe]
        words += ["--backbone", self.backbone] if self.backbone else []
        words += ["--fit", self.fit] if self.fit is not FitChoice.BACKBONE else []
        words += ["--head", self.head] if self.head is not HeadKind.LINEAR else []
        words += ["--keep-classes-of", self.keep_classes_of] if self.keep_classes_of else []
        words += ["--nested"] if self.nested else []
        words += ["--hierarchy", self.hierarchy.name] if self.hierarchy else []
        words += self._label_words
        words += [] if self.thumbnails else ["--no-thumbnails"]
        if self.recipe is Recipe.FINE_TUNE:
            words += ["--depth", self.depth, *(() if self.augment else ("--no-augmentation",))]
        given = {"--train": self.train, "--epochs": self.epochs, "--learning-rate": self.learning_rate}
        always = {"--validation": self.validation, "--test": self.test, "--seed": self.seed}
        words += [word for name, value in given.items() if value is not None for word in (name, value)]
        words += [word for pair in always.items() for word in pair]
        return shlex.join(map(str, words))

    @property
    def _label_words(self) -> list[object]:
        match self.labels:
            case LabelSource.FOLDERS:
                return ["--multi-label"]
            case LabelSource.FILE:
                return ["--labels", self.labels_file.name if self.labels_file else ""]
            case LabelSource.KEYWORDS:
                return ["--keywords"]
            case LabelSource.FOLDER:
                return []


@dataclass(frozen=True, slots=True)
class RetrainRequest:
    """A request to retrain a model with corrections.

    Attributes:
        name: of the model.
        version: the version that is corrected.
        corrections: the corrections to use.
        provider: the preferred provider for the backbone.
    """

    name: str
    version: int
    corrections: tuple[Label, ...]
    provider: ProviderPreference


@dataclass(frozen=True, slots=True)
class ForgetRequest:
    """A request to forget training images.

    Attributes:
        name: of the model.
        photos: the images; their files may be missing.
        provider: the preferred provider for the backbone.
    """

    name: str
    photos: tuple[Path, ...]
    provider: ProviderPreference


_READ: Final[Mapping[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        "folder": Path,
        "hierarchy": lambda file: None if file is None else Path(file),
        "labels": LabelSource,
        "labels_file": lambda file: None if file is None else Path(file),
        "recipe": Recipe,
        "depth": Depth,
        "head": HeadKind,
        "fit": FitChoice,
        "provider": ProviderPreference,
        "precision": Precision,
    }
)
"""Conversions of fields that JSON stores as text."""


def request_to_json(request: TrainRequest) -> dict[str, Any]:
    """A request as plain JSON, independent of the current folder, so that it can be repeated later."""
    values = ((field.name, getattr(request, field.name)) for field in fields(request))
    content = {name: value.value if isinstance(value, StrEnum) else value for name, value in values}
    for name, file in (("hierarchy", request.hierarchy), ("labels_file", request.labels_file)):
        content[name] = str(file.absolute()) if file else None
    return content | {"folder": str(request.folder.absolute()), "restart": False}


def request_from_json(content: object) -> TrainRequest | None:
    """Parse a request written by `request_to_json`; None if it is invalid."""
    if not isinstance(content, dict):
        return None
    try:
        return TrainRequest(**{key: _READ.get(key, lambda value: value)(value) for key, value in content.items()})
    except (TypeError, ValueError):
        return None
