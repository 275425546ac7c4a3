"""Walk through the wizard with real photos and take a picture of every page.

    xvfb-run -a -s "-screen 0 2600x1800x24" uv run --extra intel --extra train python packaging/wizard_pictures.py \
        PHOTOS FOLDER [--recipe dense] [--theme dark] [--size 900x600] [--home HOME]

QT_SCALE_FACTOR=2 before it shows what the pages are at 200 %. A home that is kept holds the features of the photos, so
that the next walk is short.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pictures import Walk

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from gui.training.wizard.window import TrainingWizard

_MEASURING: Final = "Measuring"
_EPOCHS: Final = 40
"""After which a training is worth a picture."""


class WizardWalk(Walk):
    """A walk through the wizard."""

    def __init__(self, application: QApplication, wizard: TrainingWizard, folder: Path) -> None:
        super().__init__(application, wizard, folder)
        self._wizard = wizard

    def run(self, photos: Path, recipe: str) -> None:
        """Go from a folder to a result."""
        from core.training.request import Recipe
        from gui.training.wizard.window import WizardStep

        wizard = self._wizard
        self.take("1-empty")
        wizard.open_folder(photos)
        self.wait(lambda: wizard.photos.read is not None)
        self.take("1-photos", 3.0)
        wizard.next.click()
        self.wait(lambda: all(_MEASURING not in card.time.text() for card in wizard.method.step.cards.values()))
        wizard.method.step.cards[Recipe(recipe)].choice.setChecked(True)
        self.take("2-how")
        wizard.method.step.options.toggle.setChecked(True)
        self.wait(lambda: bool(wizard.method.step.options.fields.preview.samples.pictures))
        self.take("2-options")
        wizard.method.step.options.toggle.setChecked(False)
        wizard.next.click()
        self.wait(lambda: wizard.step is WizardStep.RESULT or wizard.training.step.epochs >= _EPOCHS)
        if wizard.step is WizardStep.TRAINING:
            self.take("3-training", 0)
            wizard.close()
            self.take("3-closing", 0.2)
            wizard.training.step.keep_open()
        self.wait(lambda: wizard.step is WizardStep.RESULT)
        self.wait(lambda: wizard.result.step.view.matrix is not None)
        self.take("4-result")
        assert wizard.result.step.view.matrix is not None
        wizard.result.step.view.show_whole(wizard.result.step.view.matrix)
        self.take("4-plots")
        classes = {one.name: one.samples for one in wizard.photos.read.classes[:3]} if wizard.photos.read else {}
        wizard.build("Garden", classes)
        self.wait(lambda: wizard.photos.read is not None and wizard.photos.read.is_custom)
        self.take("1-built")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description="Pictures of the wizard.")
    parser.add_argument("photos", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--theme", default="light")
    parser.add_argument("--size", default="1120x760")
    parser.add_argument("--home", type=Path)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["FOVEA_HOME"] = str((asked.home or Path(home)).resolve())
        from core.base.settings import Theme
        from gui.app.application import open_window

        application, window = open_window([])
        window.session.settings.change(theme=Theme(asked.theme))
        window.wizard_controller.open()
        wizard = window.wizard_controller.wizard
        assert wizard is not None
        wizard.resize(*map(int, asked.size.split("x")))
        walk = WizardWalk(application, wizard, asked.folder)
        walk.wait(lambda: window.session.models.in_use is not None)
        walk.run(asked.photos.resolve(), asked.recipe)
        window.close()


if __name__ == "__main__":
    main()
