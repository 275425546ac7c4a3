"""Installed models as light values that cross the pipe to the window."""

from __future__ import annotations

from core.base.errors import ModelError
from core.models.heads import head_arrays
from core.models.library import BrokenEntry, InstalledModel, Library, Version, load_head, load_learnt
from core.services.library_values import NameFacts, VersionFacts
from core.services.messages import ModelFacts
from core.worker import portable


def model_facts(model: InstalledModel) -> ModelFacts:
    """An installed model.

    Raises:
        ModelError: its head is damaged, or a file is gone since the library was read.
    """
    backbone = model.backbone.card
    weights = backbone.weights + sum(array.size for array in head_arrays(load_head(model)).values())
    return ModelFacts(
        card=model.card,
        backbone=backbone,
        weights=weights,
        shipped=model.shipped,
        version=model.version,
        size_bytes=model.size_bytes,
        remembers=model.remembers,
    )


def name_facts(library: Library) -> tuple[NameFacts, ...]:
    """Every name in the library that stands for models, with all its versions; backbones are none."""
    names = dict.fromkeys([*(entry.name for entry in library.entries()), *library.inactive()])
    found = (NameFacts(name, tuple(map(_version_facts, _models(library, name)))) for name in names)
    return tuple(one for one in found if one.versions)


def _models(library: Library, name: str) -> list[Version]:
    return [one for one in library.versions(name) if isinstance(one.entry, (InstalledModel, BrokenEntry))]


def _version_facts(version: Version) -> VersionFacts:
    facts, learnt, error = None, None, None
    try:
        if isinstance(version.entry, InstalledModel):
            facts, known = model_facts(version.entry), load_learnt(version.entry)
            learnt = None if known is None else len(known)
        elif isinstance(version.entry, BrokenEntry):
            error = portable(version.entry.error)
    except ModelError as damage:
        error = portable(damage)
    return VersionFacts(version.number, version.is_active, version.installed, facts, learnt, error)
