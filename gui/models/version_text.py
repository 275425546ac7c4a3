"""What a person reads about a model's versions."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from core.card import ModelCard
from core.services.library_values import NameSummary, VersionSummary

BUILTIN: Final = "with Fovea"
NO_VALUE: Final = "–"


def format_time(moment: datetime | None) -> str:
    """A moment by the clock on the wall."""
    return NO_VALUE if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


def installed_text(version: VersionSummary) -> str:
    """Since when a version is there."""
    return BUILTIN if version.number == 0 else format_time(version.installed_at)


def recipe(card: ModelCard) -> str:
    """By which recipe a model was made, in one word; a card may hold anything."""
    name = card.training.get("recipe")
    return name.partition(":")[0].strip()[:40] if isinstance(name, str) and name.strip() else NO_VALUE


def accuracy(card: ModelCard) -> str:
    """How good the card says it is, with the interval where it has one."""
    match card.evaluation:
        case {"accuracy": float() | int() as fraction, "accuracy_interval_95": [low, high]} if _are_fractions(
            low, high
        ):
            return f"{fraction:.1%} ({low:.0%} to {high:.0%})"
        case {"accuracy": float() | int() as fraction}:
            return f"{fraction:.1%}"
        case _:
            return NO_VALUE


def _are_fractions(*values: object) -> bool:
    return all(isinstance(value, float | int) for value in values)


def training_images_text(version: VersionSummary) -> str:
    """From how many images a version learnt."""
    fitted = version.model.card.training.get("fitted_to") if version.model else None
    count = version.training_images if version.training_images is not None else fitted
    return f"{count:,}" if isinstance(count, int) else NO_VALUE


def reference(one: NameSummary, version: int) -> str:
    """What a version is called wherever one is named; one that has no other needs no number."""
    return one.name if version == 0 and len(one.versions) == 1 else f"{one.name}@{version}"


def version_title(one: NameSummary, version: VersionSummary) -> str:
    """A version as a line in a list of all."""
    title = version.model.card.title if version.model else one.name
    if version.number == 0:
        return title
    return f"{title}, version {version.number}{' (active)' if version.is_active else ''}"
