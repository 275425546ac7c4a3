"""A real drag from another program into Fovea, on a virtual screen with a real pointer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="Xvfb and xdotool are not installed"
)


class Program:
    """A running program whose lines of JSON are read as they arrive."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(arguments, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, key: str, value: object = None) -> dict[str, object]:
        """The next line with this key and, if given, this value."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                line = json.loads(self._lines.get(timeout=1))
            except Empty:
                assert self.process.poll() is None, f"the program ended with {self.process.returncode}"
                continue
            if key in line and value in (None, line[key]):
                return line
        raise AssertionError(f"no line with {key}={value}")

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)


@pytest.fixture
def screen() -> Iterator[dict[str, str]]:
    """An environment with its own virtual screen."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1200x800x24", "-nolisten", "tcp"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as output:  # stays open: the server writes in parts, and a closed pipe would kill it
        number = output.readline().strip()
        yield {**os.environ, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
        server.terminate()
        server.wait(PATIENCE_S)


def test_a_photo_dragged_from_another_program_is_classified(
    screen: dict[str, str], tiny_model: str, solids: dict[str, Path]
) -> None:
    command = [sys.executable, "-m", "tests.gui.programs"]
    target = Program([*command, "target"], screen)
    source = Program([*command, "source", str(solids["blue"])], screen)
    try:
        target.wait_for("ready", True)
        source.wait_for("ready")
        drop(source, screen, start=(1000, 100), end=(430, 400))
        answer = target.wait_for("answer")
        assert str(answer["answer"]).startswith("blue")
        assert answer["page"] is True
    finally:
        source.end()
        target.end()


def drop(source: Program, screen: dict[str, str], start: tuple[int, int], end: tuple[int, int]) -> None:
    """Drag until it is taken: a busy program may not have answered yet when the button is released."""
    for seconds in (0.5, 2, 8):
        drag(screen, start, end, seconds)
        if source.wait_for("dropped")["dropped"]:
            return
    raise AssertionError("nothing was dropped")


def drag(environment: dict[str, str], start: tuple[int, int], end: tuple[int, int], seconds: float) -> None:
    """Press at `start`, move in steps like a hand, stay for a while, and release at `end`."""

    def xdotool(*words: object) -> None:
        subprocess.run(["xdotool", *map(str, words)], env=environment, check=True)
        time.sleep(0.05)

    xdotool("mousemove", *start)
    xdotool("mousedown", 1)
    for step in range(1, 21):
        xdotool("mousemove", *(a + (b - a) * step // 20 for a, b in zip(start, end, strict=True)))
    time.sleep(seconds)
    xdotool("mouseup", 1)
