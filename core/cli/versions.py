"""`fovea models versions`, `activate` and `rollback`: list the versions of a model and choose the active one."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.text import Text

from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.text import percent
from core.cli import tables
from core.cli.streams import print_message, results_to
from core.models.library import BrokenEntry, InstalledBackbone, InstalledModel, Library, Version, split_reference


def run(library: Library, arguments: argparse.Namespace) -> None:
    """Run an action.

    Raises:
        FoveaError: it could not be done.
    """
    match arguments.action:
        case "versions":
            _list(library, arguments.name, as_json=arguments.format == "json")
        case "activate":
            _activate(library, arguments.name)
        case _:
            _roll_back(library, arguments.name)


def plain_name(reference: str) -> str:
    """Return the name of a model.

    Raises:
        UsageError: the reference names one version.
    """
    name, number = split_reference(reference)
    if number is not None:
        hint = tr(
            "Use {name!r} without a version. To make this version active, run `fovea models activate {reference}`.",
            name=name,
            reference=reference,
        )
        raise UsageError(tr("{name!r} is a version of a model, not a model.", name=reference), hint=hint)
    return name


def _list(library: Library, reference: str, *, as_json: bool) -> None:
    name = plain_name(reference)
    found = library.versions(name)
    if not found:
        library.find(name)  # raises an error that names the models there are
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps([_as_json(version) for version in found], indent=2) + "\n")
            return
        columns = (tr("version"), tr("installed"), tr("accuracy"), tr("description"))
        result = tables.table(columns, numbers=(tr("accuracy"),))
        for version in found:
            result.add_row(*_cells(version))
        tables.show(stream, result)


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


def _cells(version: Version) -> tuple[Text, ...]:
    accuracy: object = None
    match version.entry:
        case InstalledModel(card=card):
            accuracy, about = card.evaluation.get("accuracy"), tables.cell(card.summary)
        case InstalledBackbone(card=card):
            about = tables.cell(tr("{architecture}, shared backbone", architecture=card.architecture))
        case BrokenEntry(error=error):
            about = tables.cell(tr("damaged: {reason}", reason=error), "red")
    number = tr("{number} (active)", number=version.number) if version.is_active else f"{version.number}"
    since = tr("built in") if version.number == 0 else ""
    if version.installed_at:
        since = f"{version.installed_at.astimezone():%Y-%m-%d %H:%M}"
    evaluation = percent(accuracy) if isinstance(accuracy, float | int) else ""
    return (tables.cell(number, "bold"), tables.cell(since), tables.cell(evaluation), about)


def _activate(library: Library, reference: str) -> None:
    name, number = split_reference(reference)
    if number is None:
        hint = tr("Add one, as in {name}@2. Run `fovea models versions {name}` to list all versions.", name=name)
        raise UsageError(tr("The version of {name!r} is missing.", name=reference), hint=hint)
    library.activate(name, number)
    print_message(tr("{name!r} now uses version {number}.", name=name, number=number))


def _roll_back(library: Library, reference: str) -> None:
    name = plain_name(reference)
    before, model = library.active(name), library.roll_back(name)
    hint = tr("To undo this, run `fovea models activate {name}@{version}`.", name=name, version=before)
    print_message(tr("{name!r} now uses version {number} again.", name=name, number=model.version), hint=hint)
