"""Summaries of installed models, as light values that any process can hold."""

from __future__ import annotations

from core.base.errors import ModelError
from core.models.heads import head_arrays
from core.models.installed import load_head, load_training_hashes
from core.models.library import Library
from core.models.values import (
    BrokenEntry,
    BrokenModel,
    InstalledModel,
    ModelSummary,
    NameSummary,
    Version,
    VersionSummary,
)
from core.worker import portable


def summarize_model(model: InstalledModel) -> ModelSummary:
    """Summarize an installed model.

    Raises:
        ModelError: its head is damaged, or a file was deleted since the library was read.
    """
    backbone = model.backbone.card
    weights = backbone.weights + sum(array.size for array in head_arrays(load_head(model)).values())
    return ModelSummary(
        card=model.card,
        backbone=backbone,
        parameters=weights,
        is_builtin=model.is_builtin,
        version=model.version,
        size_bytes=model.size_bytes,
        has_training_data=model.has_training_data,
    )


def summarize_models(library: Library) -> tuple[ModelSummary | BrokenModel, ...]:
    """Summarize what each name in the library means now."""
    return tuple(_summarize(entry) for entry in library.entries() if isinstance(entry, (InstalledModel, BrokenEntry)))


def _summarize(entry: InstalledModel | BrokenEntry) -> ModelSummary | BrokenModel:
    if isinstance(entry, BrokenEntry):
        return BrokenModel(entry.name, entry.error)
    try:
        return summarize_model(entry)
    except ModelError as error:  # a file was deleted since the library was read
        return BrokenModel(entry.name, error)


def summarize_names(library: Library) -> tuple[NameSummary, ...]:
    """Summarize every model in the library, without backbones, with all its versions."""
    names = dict.fromkeys([*(entry.name for entry in library.entries()), *library.inactive()])
    found = (NameSummary(name, tuple(map(_summarize_version, _models(library, name)))) for name in names)
    return tuple(one for one in found if one.versions)


def _models(library: Library, name: str) -> list[Version]:
    return [one for one in library.versions(name) if isinstance(one.entry, (InstalledModel, BrokenEntry))]


def _summarize_version(version: Version) -> VersionSummary:
    model, training_images, error = None, None, None
    try:
        if isinstance(version.entry, InstalledModel):
            model, hashes = summarize_model(version.entry), load_training_hashes(version.entry)
            training_images = None if hashes is None else len(hashes)
        elif isinstance(version.entry, BrokenEntry):
            error = portable(version.entry.error)
    except ModelError as damage:
        error = portable(damage)
    return VersionSummary(version.number, version.is_active, version.installed_at, model, training_images, error)
