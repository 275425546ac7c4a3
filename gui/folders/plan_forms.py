"""How photos are to be sorted, and how keywords are to be written: what the person can choose."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from core.base.text import display_path
from core.jobs.values import THRESHOLD
from core.outputs.keywords.values import KeywordTarget
from core.outputs.sorting.values import SortRequest, TransferMode
from core.services.batch_values import KeywordOptions
from gui.widgets import theme
from gui.widgets.basic import Choice, label

_WHOLE: Final = 100
_MODES: Final[Mapping[TransferMode, str]] = {
    TransferMode.COPY: "Copy them (the photos stay where they are)",
    TransferMode.HARDLINK: "Hard links (no space; the photos stay where they are)",
    TransferMode.SYMLINK: "Symbolic links (shortcuts to the photos)",
    TransferMode.MOVE: "Move them (can be undone)",
}
_TARGETS: Final[Mapping[KeywordTarget, str]] = {
    KeywordTarget.SIDECAR: "Into .xmp files beside the photos (the photos stay as they are)",
    KeywordTarget.PHOTO: "Into the photos’ own metadata (the photo files change)",
}


class PlanForm(QWidget):
    """What a plan is made from.

    Attributes:
        changed: the person chose otherwise.
    """

    changed = Signal()
    title = ""
    introduction = ""
    action = ""
    running_text = ""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        self.threshold = QSpinBox()
        self.threshold.setRange(0, _WHOLE)
        self.threshold.setValue(round(THRESHOLD * _WHOLE))
        self.threshold.setSuffix(" %")
        self.threshold.setSingleStep(5)
        self.threshold.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.threshold.setMinimumWidth(96)
        self.threshold.valueChanged.connect(self.changed)

    def request(self, folder: Path) -> SortRequest | KeywordOptions | None:
        """What was chosen for the photos of a folder; None while something is missing."""
        raise NotImplementedError

    def show_missing(self, reasons: Mapping[str, str]) -> None:
        """Some of it cannot be had on this machine, for these reasons."""

    def _add(self, name: str, *widgets: QWidget) -> None:
        row = QHBoxLayout()
        row.setSpacing(16)
        caption = label(name, "muted")
        caption.setFixedWidth(120)
        caption.setBuddy(widgets[0])
        row.addWidget(caption)
        for widget in widgets:
            row.addWidget(widget)
        row.addStretch(1)
        self._column.addLayout(row)


class SortForm(PlanForm):
    """Where to, how, and from which confidence on."""

    title = "Sort into folders"
    introduction = (
        "Each class gets a folder. Photos the model is less sure of go to “unsure”, those it does not know too."
    )
    action = "Sort"
    running_text = "photos are being sorted"

    def __init__(self) -> None:
        super().__init__()
        self.destination: Path | None = None
        self._place = label("Choose where the class folders are to be.", "muted")
        self.choose = QPushButton("Choose…")
        self.choose.setAccessibleName("Choose the destination")
        self.choose.clicked.connect(self._choose_destination)
        self.way, self.tree = _choices("How photos get there", _MODES), QCheckBox("Keep the folders inside each class")
        self.tree.setChecked(True)
        self.threshold.setAccessibleName("Least confidence; photos below it go to unsure")
        self._add("Destination", self.choose, self._place)
        self._add("How", self.way)
        self._add("Unsure below", self.threshold)
        self._add("", self.tree)
        self.way.activated.connect(self.changed)
        self.tree.toggled.connect(self.changed)

    def sort_to(self, destination: Path) -> None:
        """Sort into this folder."""
        self.destination = destination
        self._place.setText(display_path(destination))
        self.changed.emit()

    def request(self, folder: Path) -> SortRequest | None:
        if self.destination is None:
            return None
        mode, percent = list(_MODES)[self.way.currentIndex()], self.threshold.value() / _WHOLE
        return SortRequest(folder, self.destination, mode, percent, flat=not self.tree.isChecked())

    def _choose_destination(self) -> None:
        dialog = QFileDialog(self, "Where the class folders are to be", str(self.destination or Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.filesSelected.connect(lambda names: self.sort_to(Path(names[0])))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


class KeywordForm(PlanForm):
    """Where to, and from which confidence on."""

    title = "Write keywords"
    introduction = (
        "Photo managers then find the photos by class. Only Fovea's own keywords are ever changed: yours stay, and the "
        "picture itself is not touched."
    )
    action = "Write"
    running_text = "keywords are being written"

    def __init__(self) -> None:
        super().__init__()
        self.place = _choices("Where keywords are written", _TARGETS)
        self.threshold.setAccessibleName("Least confidence; photos below it get no keyword")
        self._reason = label(kind="warning", wrap=True)
        self._reason.hide()
        self._add("Where", self.place)
        self._add("Not below", self.threshold)
        self._column.addWidget(self._reason)
        self.place.activated.connect(self.changed)

    def request(self, folder: Path) -> KeywordOptions:
        place = list(_TARGETS)[self.place.currentIndex()]
        return KeywordOptions(place, self.threshold.value() / _WHOLE)

    def show_missing(self, reasons: Mapping[str, str]) -> None:
        lines = [reason for place in KeywordTarget if (reason := reasons.get(place.value))]
        self._reason.setText(" ".join(dict.fromkeys(lines)))
        self._reason.setVisible(bool(lines))


def _choices(name: str, texts: Mapping[TransferMode, str] | Mapping[KeywordTarget, str]) -> Choice:
    box = Choice()
    box.addItems(list(texts.values()))
    box.setAccessibleName(name)
    return box
