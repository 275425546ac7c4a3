"""The entry point: `fovea` opens the window, `fovea <command>` runs a command without one.

Nothing is imported before the choice is made: a server has no Qt, and helper processes import this module again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program with these arguments and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--self-check"]:
        from gui.app import self_check

        return self_check.run()
    if given in (["--install"], ["--uninstall"]):
        from pathlib import Path

        import gui
        from core.cli import menus

        return menus.run(given[0], Path(gui.__path__[0]))
    if given and not _are_files(given):
        from core.base import shutdown

        return _run_command(given) if arguments is not None else shutdown.run(lambda: _run_command(given))
    from pathlib import Path

    from gui.app.application import run

    return run([Path(name) for name in given])


def _run_command(given: Sequence[str]) -> int:
    from core.cli import main as run_command

    return run_command(given)


def _are_files(given: Sequence[str]) -> bool:
    """Whether these are files to open rather than a command; a command name contains neither a dot nor a slash."""
    return all(("." in name or os.sep in name) and os.path.exists(name) for name in given)  # noqa: PTH110 - pathlib is not imported yet


if __name__ == "__main__":
    sys.exit(main())
