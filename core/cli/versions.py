"""`fovea models use`, `versions`, `activate`, `rollback`, `remove` and `restore`: which version a name means."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from core import api
from core.api import scripts
from core.base.errors import FoveaError, UsageError
from core.base.i18n import tr, tr_n
from core.base.text import percent
from core.card import BackboneCard
from core.cli import tables
from core.cli.streams import print_message
from core.models.values import BrokenEntry, InstalledBackbone, InstalledModel, Version
from core.models.versions import KEPT_DAYS, split_reference


def run(arguments: argparse.Namespace) -> None:
    """Run an action."""
    reference: str | None = arguments.name
    if reference is None:
        rows = [(tables.cell(one.reference, "bold"), tables.minute(one.removed_at)) for one in scripts.list_removed()]
        tables.print_result("table", lambda: None, lambda: [tables.table((tr("name"), tr("removed")), rows)])
        return
    match arguments.action:
        case "use":
            print_message(tr("{name!r} is now the model in use.", name=scripts.use(_plain_name(reference))))
        case "versions":
            found = scripts.list_versions(_plain_name(reference))
            tables.print_result(arguments.format, lambda: list(map(_as_json, found)), lambda: [_table(found)])
        case "activate":
            _activate(reference)
        case "rollback":
            _roll_back(_plain_name(reference))
        case "remove":
            _remove(reference)
        case _:
            api.restore(*split_reference(reference))
            print_message(tr("Restored {name!r}.", name=reference))


def _plain_name(reference: str) -> str:
    """The name of a model; a UsageError if the reference names one version."""
    name, number = split_reference(reference)
    if number is not None:
        hint = tr(
            "Use {name!r} without a version. To make this version active, run `fovea models activate {reference}`.",
            name=name,
            reference=reference,
        )
        raise UsageError(tr("{name!r} is a version of a model, not a model.", name=reference), hint=hint)
    return name


def _activate(reference: str) -> None:
    name, number = split_reference(reference)
    if number is None:
        hint = tr("Add one, as in {name}@2. Run `fovea models versions {name}` to list all versions.", name=name)
        raise UsageError(tr("The version of {name!r} is missing.", name=reference), hint=hint)
    api.activate(name, number)
    print_message(tr("{name!r} now uses version {number}.", name=name, number=number))


def _roll_back(name: str) -> None:
    done = api.roll_back(name)
    hint = tr("To undo this, run `fovea models activate {name}@{version}`.", name=name, version=done.before)
    print_message(tr("{name!r} now uses version {number} again.", name=name, number=done.version), hint=hint)


def _remove(reference: str) -> None:
    name, number = split_reference(reference)
    api.remove(name, number)
    hint = tr_n(
        "To undo this within {count} day, run `fovea models restore {name}`.",
        "To undo this within {count} days, run `fovea models restore {name}`.",
        KEPT_DAYS,
        name=reference,
    )
    if number is not None:
        print_message(tr("Removed version {number} of {name!r}.", number=number, name=name), hint=hint)
        return
    print_message(tr("Removed {name!r}.", name=name), hint=hint)
    default = scripts.use_default_if_gone(name)
    if default is not None:
        print_message(tr("It was the model in use. Now {name!r} is in use again.", name=default))


def _as_json(version: Version) -> dict[str, Any]:
    installed = version.installed_at and version.installed_at.isoformat(timespec="seconds")
    row: dict[str, Any] = {"version": version.number, "active": version.is_active, "installed": installed}
    match version.entry:
        case InstalledModel(card=card):
            evaluation = {key: card.evaluation.get(key) for key in ("accuracy", "images")}
            return row | {"kind": "model", "title": card.title, "summary": card.summary, **evaluation}
        case InstalledBackbone(card=card):
            return row | {"kind": "backbone", "architecture": card.architecture}
        case BrokenEntry(error=error):
            return row | {"kind": "broken", "message": error.what, "hint": error.hint}


def _table(versions: Iterable[Version]) -> Table:
    columns = tr("version"), tr("installed"), tr("accuracy"), tr("description")
    return tables.table(columns, map(_cells, versions), numbers=(tr("accuracy"),))


def _cells(version: Version) -> tuple[str | Text, ...]:
    accuracy: object = None
    about: str | Text
    match version.entry:
        case InstalledModel(card=card):
            accuracy, about = card.evaluation.get("accuracy"), card.summary
        case InstalledBackbone(card=card):
            about = backbone_text(card)
        case BrokenEntry(error=error):
            about = damage(error)
    number = tr("{number} (active)", number=version.number) if version.is_active else f"{version.number}"
    since = tr("built in") if version.number == 0 else ""
    if version.installed_at:
        since = tables.minute(version.installed_at)
    evaluation = percent(accuracy) if isinstance(accuracy, float | int) else ""
    return (tables.cell(number, "bold"), since, evaluation, about)


def backbone_text(card: BackboneCard) -> str:
    """The description of a backbone in a table."""
    return tr("{architecture}, shared backbone", architecture=card.architecture)


def damage(error: FoveaError) -> Text:
    """Why an entry of the library cannot be used, in a table."""
    return tables.cell(tr("damaged: {reason}", reason=error), "red")
