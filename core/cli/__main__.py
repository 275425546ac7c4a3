"""`python -m core.cli`: the command line without the window."""

from __future__ import annotations

import sys

from core.base import shutdown
from core.cli import main

if __name__ == "__main__":
    sys.exit(shutdown.run(main))
