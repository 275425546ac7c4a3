"""`fovea models versions`, `activate` and `rollback`: which versions of a model there are, and which one it means."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rich.text import Text

from core.base.errors import UsageError
from core.cli import tables
from core.cli.streams import print_message, results_to
from core.evaluation.plots import percent
from core.models.library import BrokenEntry, InstalledBackbone, InstalledModel, Library, Version, split_reference


def run(library: Library, arguments: argparse.Namespace) -> None:
    """Do what was asked.

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
    """The name that was given; a name with a version is refused where all versions are meant."""
    name, number = split_reference(reference)
    if number is not None:
        hint = f"Name {name!r} alone; `fovea models activate {reference}` has it mean that version."
        raise UsageError(f"{reference!r} is one version of a model, not a model.", hint=hint)
    return name


def _list(library: Library, reference: str, *, as_json: bool) -> None:
    name = plain_name(reference)
    found = library.versions(name)
    if not found:
        library.find(name)  # tells what there is instead
    with results_to(None) as stream:
        if as_json:
            stream.write(json.dumps([_as_json(version) for version in found], indent=2) + "\n")
            return
        result = tables.table(("version", "installed", "accuracy", "about"), numbers=("accuracy",))
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
            about = tables.cell(f"{card.architecture}, a backbone for models to stand on")
        case BrokenEntry(error=error):
            about = tables.cell(f"broken: {error}", "red")
    number = f"{version.number} (active)" if version.is_active else f"{version.number}"
    since = "with Fovea" if version.number == 0 else ""
    if version.installed_at:
        since = f"{version.installed_at.astimezone():%Y-%m-%d %H:%M}"
    evaluation = percent(accuracy) if isinstance(accuracy, float | int) else ""
    return (tables.cell(number, "bold"), tables.cell(since), tables.cell(evaluation), about)


def _activate(library: Library, reference: str) -> None:
    name, number = split_reference(reference)
    if number is None:
        hint = f"`fovea models versions {name}` lists them; name one as in {name}@2."
        raise UsageError(f"{reference!r} does not say which version.", hint=hint)
    library.activate(name, number)
    print_message(f"{name!r} now means its version {number}.")


def _roll_back(library: Library, reference: str) -> None:
    name = plain_name(reference)
    before, model = library.active(name), library.roll_back(name)
    hint = f"`fovea models activate {name}@{before}` takes that back."
    print_message(f"{name!r} means its version {model.version} again.", hint=hint)
