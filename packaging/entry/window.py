"""Where the frozen `fovea` and `fovea-window` begin: helpers go their way, and damaged files are told of first."""

from __future__ import annotations

import multiprocessing
import sys
import zlib
from typing import Final

from damage import tell

from core.base.bundle import describe_damage, missing_files, this_bundle

_DAMAGED: Final = 2
"""Exit code of a program that nothing could start."""


def main() -> int:
    """Run the program; returns its exit code."""
    multiprocessing.freeze_support()  # a helper process ends here
    bundle = this_bundle()
    missing = missing_files(bundle) if bundle else ()
    if missing and sys.argv[1:] != ["--self-check"]:
        tell(describe_damage(missing))
        return _DAMAGED
    try:
        from gui.__main__ import main as run

        return run()
    except (ImportError, zlib.error) as error:
        tell(f"Fovea's own files are damaged: {error}. Unpack the archive again, into an empty folder.")
        return _DAMAGED


if __name__ == "__main__":
    sys.exit(main())
