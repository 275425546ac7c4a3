"""Where the frozen `fovea-trainer` begins."""

from __future__ import annotations

import multiprocessing
import sys

from core.trainer.__main__ import main

if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main(sys.argv[1:]))
