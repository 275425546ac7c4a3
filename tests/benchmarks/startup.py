"""From the start of the process to the first paint that a person sees, on a real screen (Xvfb), warm disk, new home.

    uv run --extra intel python tests/benchmarks/startup.py [BUNDLE/fovea]

With a bundle's program, the sources and the bundle take turns. What is heavy must not be loaded by the first paint: the
last column names what the sources' process had of it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtGui import QGuiApplication
from rich.console import Console
from rich.table import Table

ROUNDS: Final = 7
_AT: Final = (12, 300)
"""A point of the window's rail, where the empty screen is black."""
_PATIENCE_S: Final = 30.0

_HEAVY = """
import sys
from gui.app import application
made, window = application.open_window([])
window.grab()
print(*[name for name in ("numpy", "PIL", "onnx", "onnxruntime") if name in sys.modules])
"""


def is_painted() -> bool:
    """Whether anything is drawn where the window will be."""
    pixel = QGuiApplication.primaryScreen().grabWindow(0, *_AT, 1, 1).toImage().pixelColor(0, 0)
    return max(pixel.red(), pixel.green(), pixel.blue()) > 0


def first_paint(command: Sequence[str]) -> float:
    """Seconds from starting a program until its window is painted."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        while is_painted():
            time.sleep(0.05)
        started = time.perf_counter()
        environment = {**os.environ, "FOVEA_HOME": home}
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # helpers complain of the kill
        while not is_painted():
            assert process.poll() is None, f"it ended with {process.returncode}"
            assert time.perf_counter() - started < _PATIENCE_S, "nothing was painted"
            time.sleep(0.002)
        taken = time.perf_counter() - started
        process.terminate()
        process.wait()
    return taken


def heavy_modules() -> str:
    """What the process of the window has loaded of what takes long, once it is painted."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", _HEAVY]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip() or "nothing"


def taking_turns(ways: Mapping[str, Sequence[str]]) -> dict[str, list[float]]:
    """The seconds of each way's rounds."""
    application = QGuiApplication([])
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):
        for name, command in ways.items():
            taken = first_paint(command)
            times[name] += [taken] if turn else []  # the first warms the disk
    del application
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description="Start to first paint.")
    parser.add_argument("bundle", type=Path, nargs="?", help="the program `fovea` of a bundle")
    asked = parser.parse_args()
    ways = {"sources": [sys.executable, "-m", "gui"]}
    if asked.bundle:
        ways["bundle"] = [str(asked.bundle.resolve())]
    reader, writer = os.pipe()
    screen = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1200x800x24", "-nolisten", "tcp"]
    with subprocess.Popen(screen, pass_fds=[writer], stderr=subprocess.DEVNULL) as server, os.fdopen(reader) as said:
        os.environ |= {"DISPLAY": f":{said.readline().strip()}", "QT_QPA_PLATFORM": "xcb"}
        try:
            times = taking_turns(ways)
        finally:
            server.terminate()
    table = Table("way", "median s", "best s", "worst s", title=f"Start to first paint, {ROUNDS} rounds in turns")
    for name, taken in times.items():
        table.add_row(name, *(f"{value:.2f}" for value in (statistics.median(taken), min(taken), max(taken))))
    console = Console(width=100)
    console.print(table)
    console.print(f"loaded by then of numpy, PIL, onnx and onnxruntime: {heavy_modules()}")


if __name__ == "__main__":
    main()
