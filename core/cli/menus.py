"""`fovea --install` and `fovea --uninstall`: add Fovea to the desktop's menus and remove it."""

from __future__ import annotations

from pathlib import Path

from core.app import desktop
from core.base.errors import FoveaError
from core.base.i18n import tr, tr_n
from core.cli.streams import print_message


def run(action: str, package: Path) -> int:
    """Run `--install` or `--uninstall`, and return the exit code; `package` is the folder of `gui`, with the icons."""
    try:
        if action == "--install":
            _install(package)
        else:
            _uninstall()
    except FoveaError as error:
        print_message(error.what, hint=error.hint)
        return 2
    return 0


def _install(package: Path) -> None:
    done = desktop.install(desktop.LaunchCommand.for_this_program(package), package / "icons" / "fovea")
    print_message(
        tr("Added Fovea to your menus and to “Open with” for images: {file!r}.", file=str(done.entry)),
        hint=tr(
            "Your default programs were not changed. Run `fovea --uninstall` to remove it. If you move Fovea, run "
            "`fovea --install` again."
        ),
    )
    if done.skipped:
        print_message(
            tr(
                "Not added to “Open with” for {types}: Fovea would have become the default program.",
                types=", ".join(done.skipped),
            ),
            hint=tr("Choose a default program for these types, then run `fovea --install` again."),
        )


def _uninstall() -> None:
    removed = desktop.uninstall()
    if removed:
        print_message(
            tr_n(
                "Removed Fovea from your menus ({count} file). Nothing else was changed.",
                "Removed Fovea from your menus ({count} files). Nothing else was changed.",
                len(removed),
            )
        )
    else:
        print_message(tr("Fovea is not in your menus."))
