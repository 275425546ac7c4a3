"""The entries of the library, and how their files are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from core.base.errors import ModelError
from core.base.i18n import tr
from core.card import BackboneCard, ModelCard
from core.engine import graph
from core.models.files import REINSTALL, file_size, read_checked
from core.models.heads import Head, read_head
from core.models.training_examples import EXAMPLES, TrainingExample, read_examples
from core.models.training_hashes import TrainingHashes, read_hashes


@dataclass(frozen=True, slots=True)
class InstalledBackbone:
    """A backbone that models can share."""

    card: BackboneCard
    folder: Path

    @property
    def name(self) -> str:
        """Its name in the library."""
        return self.card.name

    @property
    def size_bytes(self) -> int:
        """The size of the backbone on disk.

        Raises:
            ModelError: its file has disappeared since the library was read.
        """
        return file_size(self.folder / self.card.file)


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model in the library.

    Attributes:
        card: its card.
        folder: the folder of its files.
        backbone: its backbone, shared or its own.
        is_builtin: whether it is built in and cannot be removed.
        version: 1, 2, ... for the user's models; 0 for built-in models.
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
        """The size of the model on disk, including its backbone.

        Raises:
            ModelError: a file has disappeared since the library was read.
        """
        return self.backbone.size_bytes + file_size(self.folder / self.card.head.file)

    @property
    def has_training_data(self) -> bool:
        """Whether the training data seems to be available; `load_examples` validates it."""
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
        number: 1, 2, ... for the user's models; 0 for built-in ones.
        is_active: whether this is the active version.
        entry: the installed model, or why it cannot be used.
        installed_at: when it was installed; None for built-in models, or if unknown.
    """

    number: int
    is_active: bool
    entry: Entry
    installed_at: datetime | None


def load_backbone(backbone: InstalledBackbone) -> bytes:
    """Read a backbone's file, and check its hash and that it is safe to open.

    Raises:
        ModelError: it is missing, changed, unsupported or malicious.
    """
    data = read_checked(backbone.folder / backbone.card.file, backbone.card.sha256)
    graph.check_backbone(data, backbone.card, is_installed=True)
    return data


def load_head(model: InstalledModel) -> Head:
    """Read a model's head, and check that it fits the card and the backbone.

    Raises:
        ModelError: it is missing, changed, or does not match the classes of the card.
    """
    head = read_head(read_checked(model.folder / model.card.head.file, model.card.head.sha256))
    check_head(head, model.card, model.backbone.card)
    return head


def load_training_hashes(model: InstalledModel) -> TrainingHashes | None:
    """The hashes of the images the model was trained on; None if unknown."""
    return read_hashes(model.folder)


def load_examples(model: InstalledModel) -> tuple[TrainingExample, ...] | None:
    """The model's training data; None if it was not saved."""
    return read_examples(model.folder, model.card.training)


def check_head(head: Head, card: ModelCard, backbone: BackboneCard) -> None:
    """Refuse a head that does not fit its backbone or the classes of its card.

    Raises:
        ModelError: the number of classes or of features differs.
    """
    if head.class_count != len(card.classes):
        what = tr(
            "The model {name!r} is damaged: its card has {classes:,} classes, its head {outputs:,}.",
            name=card.name,
            classes=len(card.classes),
            outputs=head.class_count,
        )
        raise ModelError(what, hint=tr(REINSTALL))
    if head.feature_width != backbone.feature_width:
        what = tr(
            "The model {name!r} is damaged: its head expects {expected:,} features, its backbone gives {found:,}.",
            name=card.name,
            expected=head.feature_width,
            found=backbone.feature_width,
        )
        raise ModelError(what, hint=tr(REINSTALL))
