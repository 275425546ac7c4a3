"""What a person reads about a model's versions."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from core.card import ModelCard
from core.services.library_values import NameFacts, VersionFacts

SHIPPED: Final = "with Fovea"
NO_VALUE: Final = "–"


def when(moment: datetime | None) -> str:
    """A moment by the clock on the wall."""
    return NO_VALUE if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


def since(version: VersionFacts) -> str:
    """Since when a version is there."""
    return SHIPPED if version.number == 0 else when(version.installed)


def recipe(card: ModelCard) -> str:
    """By which recipe a model was made, in one word; a card may hold anything."""
    told = card.training.get("recipe")
    return told.partition(":")[0].strip()[:40] if isinstance(told, str) and told.strip() else NO_VALUE


def accuracy(card: ModelCard) -> str:
    """How good the card says it is, with the interval where it has one."""
    match card.evaluation:
        case {"accuracy": float() | int() as share, "accuracy_interval_95": [low, high]} if _are_shares(low, high):
            return f"{share:.1%} ({low:.0%} to {high:.0%})"
        case {"accuracy": float() | int() as share}:
            return f"{share:.1%}"
        case _:
            return NO_VALUE


def _are_shares(*values: object) -> bool:
    return all(isinstance(value, float | int) for value in values)


def learnt_from(version: VersionFacts) -> str:
    """From how many images a version learnt."""
    fitted = version.facts.card.training.get("fitted_to") if version.facts else None
    count = version.learnt if version.learnt is not None else fitted
    return f"{count:,}" if isinstance(count, int) else NO_VALUE


def reference(one: NameFacts, version: int) -> str:
    """What a version is called wherever one is named; one that has no other needs no number."""
    return one.name if version == 0 and len(one.versions) == 1 else f"{one.name}@{version}"


def told(one: NameFacts, version: VersionFacts) -> str:
    """A version as a line in a list of all."""
    title = version.facts.card.title if version.facts else one.name
    if version.number == 0:
        return title
    return f"{title}, version {version.number}{' (active)' if version.is_active else ''}"
