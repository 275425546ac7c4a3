"""Test photos of the new model, those it gets wrong first; a label that is wrong is put right here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from core.datasets.label_overrides import LabelOverride, OverriddenImage
from core.services.training_values import TestedImage
from gui.tasks.picture_client import PictureClient
from gui.widgets.basic import Panel, label
from gui.widgets.thumbnails import PhotoWall


class ResultPhotos(Panel):
    """Shows photos with what they are and what they were named.

    Attributes:
        overridden: something is decided about photos: a mapping from path to amendment.
        class_wanted: these photos belong in a class that is to be chosen; the likely ones.
    """

    overridden = Signal(object)
    class_wanted = Signal(object, object)

    def __init__(self, pictures: PictureClient, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._shown: tuple[TestedImage, ...] = ()
        self._overrides: dict[Path, str | None] = {}
        self.wall = PhotoWall(pictures, "Test photos")
        self.wall.setSelectionMode(PhotoWall.SelectionMode.ExtendedSelection)
        self.wall.opened.connect(_open)
        self.wall.naming_asked.connect(self._ask_class)
        self.wall.removal_asked.connect(self._leave_out)
        self.wall.itemSelectionChanged.connect(self._show_actions)
        self._about = label("Is a label wrong? Mark the photo and put it right; then train again.", "muted", wrap=True)
        self.accept = _link(
            "The model is right", self._accept_predictions, "The marked photos are what the model named them (A)"
        )
        self.relabel = _link("It is something else…", self._ask_class, "Choose the class of the marked photos (F2)")
        self.leave_out = _link("Leave out", self._leave_out, "Do not learn from the marked photos (Del)")
        self.accept.setShortcut("A")
        row = QHBoxLayout()
        row.addWidget(self._about, 1)
        for button in (self.accept, self.relabel, self.leave_out):
            row.addWidget(button)
        self.body.addLayout(row)
        self.body.addWidget(self.wall)
        self._show_actions()

    def show_photos(self, title: str, photos: Sequence[TestedImage]) -> None:
        """Show these photos."""
        self.heading.setText(title)
        self._shown = tuple(photos)
        self.wall.show_photos([(one.path, self._photo_text(one)) for one in photos])
        self._show_actions()

    def show_overrides(self, overridden: Sequence[OverriddenImage]) -> None:
        """Show which labels were put right."""
        self._overrides = {one.path: one.label for one in overridden}
        self.wall.show_texts([self._photo_text(one) for one in self._shown])

    def _photo_text(self, one: TestedImage) -> str:
        if one.path in self._overrides:
            now = self._overrides[one.path]
            return f"{'left out' if now is None else f'now {now}'}\nwas {one.label}"
        predicted = one.predicted if one.predicted == one.label else f"{one.label}, named {one.predicted}"
        return f"{predicted}\n{one.confidence:.0%}"

    def _marked(self) -> list[TestedImage]:
        chosen = set(self.wall.chosen())
        return [one for one in self._shown if one.path in chosen]

    def _show_actions(self) -> None:
        marked = self._marked()
        self.accept.setEnabled(any(one.label != one.predicted for one in marked))
        self.relabel.setEnabled(bool(marked))
        self.leave_out.setEnabled(bool(marked))

    def _accept_predictions(self) -> None:
        wrong = {one.path: LabelOverride(one.predicted) for one in self._marked() if one.label != one.predicted}
        if wrong:
            self.overridden.emit(wrong)

    def _leave_out(self) -> None:
        if marked := self._marked():
            self.overridden.emit({one.path: LabelOverride(None) for one in marked})

    def _ask_class(self) -> None:
        if marked := self._marked():
            likely = list(dict.fromkeys(name for one in marked for name in (one.predicted, one.label)))
            self.class_wanted.emit([one.path for one in marked], likely)


def _link(text: str, action: Callable[[], object], tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("kind", "link")
    button.setToolTip(tip)
    button.clicked.connect(action)
    return button


def _open(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
