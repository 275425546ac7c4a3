"""`fovea --install` and `fovea --uninstall`: into the desktop's menus and out of them."""

from __future__ import annotations

from pathlib import Path

from core.app import desktop
from core.base.errors import FoveaError
from core.cli.streams import print_message


def run(action: str, package: Path) -> int:
    """Do it, say what was done, and return the exit code: 0, or 2 if it could not be done.

    Args:
        action: `--install` or `--uninstall`.
        package: the window's folder, with the icons in it.
    """
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
        f"Fovea is in your menus, and images have it in “Open with”: {str(done.entry)!r}.",
        hint="No default program is changed. `fovea --uninstall` takes it out again; if you move Fovea, ask again.",
    )
    if done.skipped:
        print_message(
            f"Not in “Open with” of {', '.join(done.skipped)}: your desktop would have used Fovea for every one.",
            hint="Choose a program that opens these by itself, then ask again.",
        )


def _uninstall() -> None:
    removed = desktop.uninstall()
    if removed:
        print_message(
            f"Fovea is out of your menus: {len(removed)} files removed, its entry and icons. All else is as it was."
        )
    else:
        print_message("Fovea was not in your menus.")
