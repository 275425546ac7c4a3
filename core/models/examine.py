"""Models as a library lists them for users: each is read, so that a damaged one is known before it is used."""

from __future__ import annotations

from dataclasses import replace

from core.base import paths
from core.base.errors import ModelError
from core.models.detector_card import CARD, read_detector_card
from core.models.files import read_file
from core.models.heads import head_arrays
from core.models.installed import load_head, load_training_hashes
from core.models.library import Library
from core.models.values import (
    BrokenEntry,
    Entry,
    InstalledBackbone,
    InstalledDetector,
    InstalledModel,
    ModelName,
    Version,
)
from core.worker import portable


def examine(model: InstalledModel) -> InstalledModel:
    """Read a model's head, and return the model with its number of parameters and of training images.

    Raises:
        ModelError: its head is damaged, or a file was deleted since the library was read.
    """
    weights = sum(array.size for array in head_arrays(load_head(model)).values())
    hashes = load_training_hashes(model)
    images = None if hashes is None else len(hashes)
    return replace(model, parameters=model.backbone.card.weights + weights, training_images=images)


def list_models(library: Library) -> tuple[InstalledModel | BrokenEntry, ...]:
    """What each name in the library means now, without backbones."""
    found = map(_examined, library.entries())
    return tuple(entry for entry in found if isinstance(entry, (InstalledModel, BrokenEntry)))


def list_backbones(library: Library) -> tuple[InstalledBackbone, ...]:
    """The backbones that heads can be trained on."""
    return tuple(entry for entry in library.entries() if isinstance(entry, InstalledBackbone))


def all_backbones(library: Library) -> tuple[InstalledBackbone, ...]:
    """The shared backbones, and those that models have of their own, each once; shared ones with their own fit."""
    found: dict[str, InstalledBackbone] = {}
    for one in (*list_backbones(library), *(model.backbone for model in library.models())):
        found.setdefault(one.card.sha256, one)
    return tuple(found.values())


def list_names(library: Library) -> tuple[ModelName, ...]:
    """Every model in the library with all its versions, without backbones."""
    names = dict.fromkeys([*(entry.name for entry in library.entries()), *library.inactive()])
    found = (ModelName(name, tuple(_versions(library, name)), library.previous(name)) for name in names)
    return tuple(one for one in found if one.versions)


def _versions(library: Library, name: str) -> list[Version]:
    found = (replace(version, entry=_examined(version.entry)) for version in library.versions(name))
    return [one for one in found if isinstance(one.entry, (InstalledModel, BrokenEntry))]


def _examined(entry: Entry) -> Entry:
    """The entry as it can be sent to any process; a model whose files are damaged is a broken entry."""
    try:
        if isinstance(entry, InstalledModel):
            return examine(entry)
    except ModelError as error:
        return BrokenEntry(entry.name, entry.folder, portable(error))
    return replace(entry, error=portable(entry.error)) if isinstance(entry, BrokenEntry) else entry


def installed_detector() -> InstalledDetector | None:
    """What the built-in detector is; None if it is missing or its card is damaged."""
    folder = paths.builtin_detector()
    try:
        card = read_detector_card(read_file(folder / CARD))
        file = folder / card.file
        return InstalledDetector(card.architecture, len(card.classes), file.stat().st_size, card.origin.licence, file)
    except (ModelError, OSError):
        return None
