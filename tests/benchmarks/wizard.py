"""How long the window's event loop stalls while a person walks through the wizard, and while it trains.

uv run --extra intel --extra train python tests/benchmarks/wizard.py PHOTOS [--recipe dense]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parent))

from rich.console import Console
from rich.table import Table
from window import COLUMNS, StallWatch, rest, spin

from core.training.request import Recipe
from gui.app.application import open_window
from gui.shell.main_window import MainWindow
from gui.training.wizard.window import TrainingWizard, WizardStep

PATIENCE_S = 1200


def wizard_of(window: MainWindow) -> TrainingWizard:
    assert window.wizard_controller.wizard is not None
    return window.wizard_controller.wizard


def scenes(window: MainWindow, photos: Path, recipe: Recipe) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "the model is opened", lambda: spin(lambda: window.session.models.in_use is not None)
    yield "the wizard opens", lambda: (window.wizard_controller.open(), rest(2))
    wizard = wizard_of(window)

    def read() -> None:
        wizard.open_folder(photos)
        spin(lambda: wizard.photos.read is not None)
        rest(2)

    def train() -> None:
        wizard.method.step.cards[recipe].choice.setChecked(True)
        wizard.next.click()
        spin(lambda: wizard.step is not WizardStep.TRAINING, PATIENCE_S)

    yield "the folder is read and shown", read
    yield "the recipes are shown and measured", lambda: (wizard.next.click(), rest(10))
    yield f"it trains: {recipe}", train
    yield "the result is shown", lambda: rest(2)
    yield "the model is put to use", lambda: (wizard.result.step.use.click(), rest(2))


def main() -> None:
    parser = argparse.ArgumentParser(description="Stalls of the event loop in the wizard.")
    parser.add_argument("photos", type=Path)
    parser.add_argument("--recipe", choices=list(Recipe), default=Recipe.QUICK, type=Recipe)
    asked = parser.parse_args()
    table = Table(*COLUMNS, title="The window's event loop")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["FOVEA_HOME"] = home
        _, window = open_window([])
        rest(0.5)
        watch = StallWatch()
        rest(0.1)
        watch.report()
        for name, act in scenes(window, asked.photos.resolve(), asked.recipe):
            started = time.perf_counter()
            act()
            table.add_row(name, f"{time.perf_counter() - started:.1f}", *watch.report())
        window.close()
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
