"""The bundle's window on a real screen: a photo is dragged into it from another program, and its answer copied out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.gui.test_between_programs import Program, drop, screen
from tests.gui.test_between_programs import pytestmark as needs_a_screen
from tests.packaging.test_bundle import FOLDER
from tests.packaging.test_bundle import pytestmark as needs_the_bundle
from tests.patience import PATIENCE_S

__all__ = ["screen"]

pytestmark = [needs_a_screen, *needs_the_bundle]

CAT = FOLDER / "_internal/gui/samples/cat.jpg"


def test_a_photo_dragged_into_the_bundle_is_answered(screen: dict[str, str], tmp_path: Path) -> None:
    window = subprocess.Popen([FOLDER / "fovea-window"], env={**screen, "FOVEA_HOME": str(tmp_path)}, cwd=tmp_path)
    source = None
    try:
        number = wait_for_window(screen)
        source = Program([sys.executable, "-m", "tests.gui.programs", "source", str(CAT)], screen)
        source.wait_for("ready")
        drop(source, screen, start=(1000, 100), end=(430, 400))
        picture = os.environ.get("FOVEA_PICTURE") or tmp_path / "screen.png"
        assert named(copied(screen, number, Path(picture)))
        subprocess.run(["xdotool", "key", "ctrl+q"], env=screen, check=True)
        assert window.wait(PATIENCE_S) == 0
    finally:
        if source is not None:
            source.end()
        window.kill()
        window.wait(PATIENCE_S)
    assert not list((tmp_path / "logs").glob("crash*"))


def wait_for_window(environment: dict[str, str]) -> str:
    """The number of the window, once it is there and its model had time to open."""
    search = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "Fovea"]
    done = subprocess.run(search, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    time.sleep(3)
    return done.stdout.split()[0]


def named(text: str) -> bool:
    """Whether the cat was named; until it was, only its file is."""
    return any(label in text for label in ("Egyptian cat", "tabby", "tiger cat"))


def copied(environment: dict[str, str], number: str, picture: Path) -> str:
    """What Ctrl+A and Ctrl+C put into the clipboard, once there is an answer."""
    for _ in range(PATIENCE_S):
        keys = ["xdotool", "windowfocus", "--sync", number, "key", "ctrl+a", "ctrl+c"]
        subprocess.run(keys, env=environment, timeout=PATIENCE_S, check=True)
        looking = Program([sys.executable, "-m", "tests.gui.programs", "look", str(picture)], environment)
        try:
            text = str(looking.wait_for("clipboard")["clipboard"])
        finally:
            looking.end()
        if named(text):
            return text
        time.sleep(1)
    return ""
