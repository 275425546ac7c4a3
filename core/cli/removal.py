"""`fovea models remove` and `restore`."""

from __future__ import annotations

import argparse
from dataclasses import replace

from core.base import paths, settings
from core.base.i18n import tr, tr_n
from core.cli import tables
from core.cli.streams import print_message, results_to
from core.models.library import Library, split_reference
from core.models.trash import list_removed, restore
from core.models.versions import KEPT_DAYS


def run(library: Library, arguments: argparse.Namespace) -> None:
    """Remove or restore a model or version, or list what can be restored.

    Raises:
        FoveaError: it could not be done.
    """
    if arguments.action == "remove":
        _remove(library, arguments.name)
    elif arguments.name is None:
        _list(library)
    else:
        restore(library.user, *split_reference(arguments.name))
        print_message(tr("Restored {name!r}.", name=arguments.name))


def _remove(library: Library, reference: str) -> None:
    name, number = split_reference(reference)
    if number is not None:
        library.remove_version(name, number)
        print_message(
            tr("Removed version {number} of {name!r}.", number=number, name=name), hint=_restore_hint(reference)
        )
        return
    library.remove(name)
    print_message(tr("Removed {name!r}.", name=name), hint=_restore_hint(reference))
    chosen = settings.load(paths.settings_file())
    if chosen.model == name and name not in {model.name for model in library.models()}:
        default = settings.Settings().model
        settings.save(replace(chosen, model=default), paths.settings_file())
        print_message(tr("It was the model in use. Now {name!r} is in use again.", name=default))


def _restore_hint(reference: str) -> str:
    return tr_n(
        "To undo this within {count} day, run `fovea models restore {name}`.",
        "To undo this within {count} days, run `fovea models restore {name}`.",
        KEPT_DAYS,
        name=reference,
    )


def _list(library: Library) -> None:
    result = tables.table((tr("name"), tr("removed")))
    for one in list_removed(library.user):
        result.add_row(tables.cell(one.reference, "bold"), tables.cell(f"{one.removed_at.astimezone():%Y-%m-%d %H:%M}"))
    with results_to(None) as stream:
        tables.show(stream, result)
