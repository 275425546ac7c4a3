"""From the start of the process to the window's first paint, offscreen, warm disk, in a home of its own.

uv run --extra intel python tests/benchmarks/startup.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from rich.console import Console
from rich.table import Table

ROUNDS = 5

# Runs in the process that is measured: the program's own way to its window, ended by the first paint.
_FIRST_PAINT = """
import sys, time
from PySide6.QtCore import QEvent, QObject, QTimer
from gui import application

class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() is QEvent.Type.Paint:
            QTimer.singleShot(0, self.tell)
        return False
    def tell(self):
        heavy = [name for name in ("numpy", "PIL", "onnx", "onnxruntime") if name in sys.modules]
        print(time.time(), *heavy, flush=True)
        import os
        os._exit(0)

made, window = application.open_window([])
watch = Watch()
window.centralWidget().installEventFilter(watch)
made.exec()
"""


def first_paint() -> tuple[float, list[str]]:
    """Seconds until the first paint, and which heavy modules were loaded by then."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "FOVEA_HOME": home}
        started = time.time()
        arguments = [sys.executable, "-c", _FIRST_PAINT]
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True, timeout=60)
    said = done.stdout.split()
    return float(said[0]) - started, said[1:]


def main() -> None:
    first_paint()  # warms the disk
    runs = [first_paint() for _ in range(ROUNDS)]
    seconds = [taken for taken, _ in runs]
    table = Table("rounds", "median s", "best s", "worst s", "heavy modules loaded", title="Start to first paint")
    heavy = ", ".join(sorted({name for _, names in runs for name in names})) or "none"
    row = (f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}", f"{max(seconds):.2f}", heavy)
    table.add_row(str(ROUNDS), *row)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
