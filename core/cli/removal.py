"""`fovea models remove` and `restore`: taking a model or a version away, and bringing it back."""

from __future__ import annotations

import argparse
from dataclasses import replace

from core.base import paths, settings
from core.cli import tables
from core.cli.streams import print_message, results_to
from core.models.library import Library, split_reference
from core.models.trash import list_removed, restore
from core.models.versions import KEPT_DAYS


def run(library: Library, arguments: argparse.Namespace) -> None:
    """Do what was asked.

    Raises:
        FoveaError: it could not be done.
    """
    if arguments.action == "remove":
        _remove(library, arguments.name)
    elif arguments.name is None:
        _list(library)
    else:
        restore(library.user, *split_reference(arguments.name))
        print_message(f"{arguments.name!r} is there again.")


def _remove(library: Library, reference: str) -> None:
    name, number = split_reference(reference)
    if number is not None:
        library.remove_version(name, number)
        print_message(f"Version {number} of {name!r} is removed.", hint=_restore_command(reference))
        return
    library.remove(name)
    print_message(f"{name!r} is removed.", hint=_restore_command(reference))
    chosen = settings.load(paths.settings_file())
    if chosen.model == name and name not in {model.name for model in library.models()}:
        default = settings.Settings().model
        settings.save(replace(chosen, model=default), paths.settings_file())
        print_message(f"It was the model in use; now that is {default!r} again.")


def _restore_command(reference: str) -> str:
    return f"`fovea models restore {reference}` takes that back for {KEPT_DAYS} days."


def _list(library: Library) -> None:
    result = tables.table(("name", "removed"))
    for one in list_removed(library.user):
        result.add_row(tables.cell(one.reference, "bold"), tables.cell(f"{one.removed_at.astimezone():%Y-%m-%d %H:%M}"))
    with results_to(None) as stream:
        tables.show(stream, result)
