"""What can stand in the library, and how its files are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from core.base.errors import ModelError
from core.card import BackboneCard, ModelCard
from core.engine import graph
from core.models.files import REINSTALL, file_size, read_checked
from core.models.heads import Head, read_head
from core.models.training_examples import EXAMPLES, TrainingExample, read_examples
from core.models.training_hashes import TrainingHashes, read_hashes


@dataclass(frozen=True, slots=True)
class InstalledBackbone:
    """A backbone that other models may stand on."""

    card: BackboneCard
    folder: Path

    @property
    def name(self) -> str:
        """Its name in the library."""
        return self.card.name

    @property
    def size_bytes(self) -> int:
        """What the backbone takes on disk.

        Raises:
            ModelError: its file is gone since the library was read.
        """
        return file_size(self.folder / self.card.file)


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model in the library.

    Attributes:
        card: what it is.
        folder: where its files lie.
        backbone: the backbone it stands on, shared or its own.
        is_builtin: whether it came with the program and so cannot be removed.
        version: 1, 2, ... for the person's own; 0 for shipped models.
    """

    card: ModelCard
    folder: Path
    backbone: InstalledBackbone
    is_builtin: bool
    version: int

    @property
    def name(self) -> str:
        """Its name in the library."""
        return self.card.name

    @property
    def size_bytes(self) -> int:
        """What the model takes on disk, its backbone included.

        Raises:
            ModelError: a file is gone since the library was read.
        """
        return self.backbone.size_bytes + file_size(self.folder / self.card.head.file)

    @property
    def has_training_data(self) -> bool:
        """Whether it seems to be known what the model was made of; `load_examples` looks closely."""
        return (self.folder / EXAMPLES).is_file()


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """A folder in the library that cannot be used, and why."""

    name: str
    folder: Path
    error: ModelError


Entry: TypeAlias = InstalledModel | InstalledBackbone | BrokenEntry


@dataclass(frozen=True, slots=True)
class Version:
    """One of the versions of a name.

    Attributes:
        number: 1, 2, ... for the person's own; 0 for what came with the program.
        is_active: whether the name without a number means this one.
        entry: what it is, or why it cannot be used.
        installed_at: when it was; None for what came with the program, and where nobody can tell.
    """

    number: int
    is_active: bool
    entry: Entry
    installed_at: datetime | None


def load_backbone(backbone: InstalledBackbone) -> bytes:
    """The backbone's file, proven to be the one its card means and to be safe to open.

    Raises:
        ModelError: it is missing, changed, foreign or hostile.
    """
    data = read_checked(backbone.folder / backbone.card.file, backbone.card.sha256)
    graph.check_backbone(data, backbone.card, is_installed=True)
    return data


def load_head(model: InstalledModel) -> Head:
    """The model's head, proven to fit its card and its backbone.

    Raises:
        ModelError: it is missing, changed, or does not have the classes the card names.
    """
    head = read_head(read_checked(model.folder / model.card.head.file, model.card.head.sha256))
    check_head(head, model.card, model.backbone.card)
    return head


def load_training_hashes(model: InstalledModel) -> TrainingHashes | None:
    """The images the model learnt from; None where nobody knows them."""
    return read_hashes(model.folder)


def load_examples(model: InstalledModel) -> tuple[TrainingExample, ...] | None:
    """The images the model was made of; None where nobody knows them."""
    return read_examples(model.folder, model.card.training)


def check_head(head: Head, card: ModelCard, backbone: BackboneCard) -> None:
    """Refuse a head that does not fit between its backbone and the classes of its card.

    Raises:
        ModelError: it tells another number of classes apart, or reads another number of features.
    """
    if head.class_count != len(card.classes):
        raise ModelError(
            f"The card of {card.name!r} names {len(card.classes)} classes, its head tells {head.class_count} apart.",
            hint=REINSTALL,
        )
    if head.feature_width != backbone.feature_width:
        raise ModelError(
            f"The head of {card.name!r} reads {head.feature_width} features, "
            f"its backbone gives {backbone.feature_width}.",
            hint=REINSTALL,
        )
