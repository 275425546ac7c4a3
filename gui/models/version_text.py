"""Texts about a model's versions."""

from __future__ import annotations

from datetime import datetime

from core.base.i18n import tr
from core.card import ModelCard
from core.models.values import InstalledModel, ModelName, Version
from gui.widgets.formats import NO_VALUE, percent


def format_time(moment: datetime | None) -> str:
    """A moment in local time, to the minute."""
    return NO_VALUE if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


def model_title(model: InstalledModel) -> str:
    """The title of a model, with its version unless it is built in."""
    if model.is_builtin:
        return model.card.title
    return tr("{title} · v{number}", title=model.card.title, number=model.version)


def version_number(version: Version, *, used: bool) -> str:
    """The number of a version, and whether it is the one in use, or the active one of a model that is not in use."""
    number = tr("Built in") if version.number == 0 else f"{version.number}"
    if used:
        return tr("{number} (in use)", number=number)
    return tr("{number} (active)", number=number) if version.is_active else number


def cells(version: Version, *, used: bool) -> tuple[str, str, str, str, str]:
    """A version in a table: its number, when it was installed, its recipe, accuracy, and number of training images."""
    card = version.model.card if version.model else None
    return (
        version_number(version, used=used),
        format_time(version.installed_at),
        recipe(card) if card else NO_VALUE,
        accuracy(card) if card else tr("Damaged"),
        training_images_text(version),
    )


def recipe(card: ModelCard) -> str:
    """The recipe a model was trained with, as one word; cards are not checked for it."""
    name = card.training.get("recipe")
    return name.partition(":")[0].strip()[:40] if isinstance(name, str) and name.strip() else NO_VALUE


def accuracy(card: ModelCard) -> str:
    """The accuracy on the card, with its 95% confidence interval if it has one."""
    match card.evaluation:
        case {"accuracy": float() | int() as fraction, "accuracy_interval_95": [low, high]} if _are_fractions(
            low, high
        ):
            return tr("{accuracy} ({low:.0%} to {high:.0%})", accuracy=percent(fraction, 1), low=low, high=high)
        case {"accuracy": float() | int() as fraction}:
            return percent(fraction, 1)
        case _:
            return NO_VALUE


def _are_fractions(*values: object) -> bool:
    return all(isinstance(value, float | int) for value in values)


def training_images_text(version: Version) -> str:
    """The number of images a version was trained on."""
    model = version.model
    fitted = model.card.training.get("fitted_to") if model else None
    count = model.training_images if model and model.training_images is not None else fitted
    return f"{count:,}" if isinstance(count, int) else NO_VALUE


def reference(one: ModelName, version: int) -> str:
    """The reference to a version, `name@version`, or just `name` for a built-in model without other versions."""
    return one.name if version == 0 and len(one.versions) == 1 else f"{one.name}@{version}"


def version_title(one: ModelName, version: Version) -> str:
    """A version as a line in a list of all versions of all models."""
    title = version.model.card.title if version.model else one.name
    if version.number == 0:
        return title
    if version.is_active:
        return tr("{title} · v{number} (active)", title=title, number=version.number)
    return tr("{title} · v{number}", title=title, number=version.number)
