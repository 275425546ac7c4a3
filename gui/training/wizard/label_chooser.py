"""Asks which class photos of the training folder belong to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QWidget

from core.base.i18n import tr_n
from core.datasets.label_overrides import LabelOverride
from gui.training.wizard.photos_controller import PhotosController
from gui.widgets.class_chooser import ClassChooser


class LabelChooser(ClassChooser):
    """A class chooser whose answer becomes the label of photos."""

    def __init__(self, photos: PhotosController, window: QWidget) -> None:
        super().__init__(window)
        self._photos = photos
        self._asked: tuple[Path, ...] = ()
        self.chosen.connect(self._on_chosen)

    def ask(self, paths: Sequence[Path], likely: Sequence[str]) -> None:
        """Let the user choose the class of these photos."""
        self._asked = tuple(paths)
        classes = [one.name for one in self._photos.read.classes] if self._photos.read else []
        title = tr_n("What is in this photo?", "What is in these {count:,} photos?", len(paths))
        self.open([*classes, *(one for one in likely if one not in classes)], title=title, likely=likely)

    def _on_chosen(self, name: str) -> None:
        self._photos.override_labels({path: LabelOverride(name) for path in self._asked})
