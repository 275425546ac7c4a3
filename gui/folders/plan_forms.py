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

from core.base.text import printable
from core.jobs.values import THRESHOLD
from core.outputs.keywords.values import Place
from core.outputs.sorting.values import By, SortRequest
from core.services.batch_values import KeywordWish
from gui.widgets import theme
from gui.widgets.basic import Choice, label

_WHOLE: Final = 100
_WAYS: Final[Mapping[By, str]] = {
    By.COPY: "Copy them (the photos stay where they are)",
    By.HARDLINK: "Hard links (no space; the photos stay where they are)",
    By.SYMLINK: "Symbolic links (shortcuts to the photos)",
    By.MOVE: "Move them (can be undone)",
}
_PLACES: Final[Mapping[Place, str]] = {
    Place.SIDECAR: "Into .xmp files beside the photos (the photos stay as they are)",
    Place.PHOTO: "Into the photos’ own metadata (the photo files change)",
}


class PlanForm(QWidget):
    """What a plan is made from.

    Attributes:
        changed: the person chose otherwise.
    """

    changed = Signal()
    title = ""
    promise = ""
    deed = ""
    under_way = ""

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

    def wish(self, folder: Path) -> SortRequest | KeywordWish | None:
        """What was chosen for the photos of a folder; None while something is missing."""
        raise NotImplementedError

    def lack(self, reasons: Mapping[str, str]) -> None:
        """Some of it cannot be had on this machine, for these reasons."""

    def _add(self, name: str, *widgets: QWidget) -> None:
        row = QHBoxLayout()
        row.setSpacing(16)
        told = label(name, "muted")
        told.setFixedWidth(120)
        told.setBuddy(widgets[0])
        row.addWidget(told)
        for widget in widgets:
            row.addWidget(widget)
        row.addStretch(1)
        self._column.addLayout(row)


class SortForm(PlanForm):
    """Where to, how, and from which confidence on."""

    title = "Sort into folders"
    promise = "Each class gets a folder. Photos the model is less sure of go to “unsure”, those it does not know too."
    deed = "Sort"
    under_way = "photos are being sorted"

    def __init__(self) -> None:
        super().__init__()
        self.destination: Path | None = None
        self._place = label("Choose where the class folders are to be.", "muted")
        self.choose = QPushButton("Choose…")
        self.choose.setAccessibleName("Choose the destination")
        self.choose.clicked.connect(self._ask_where)
        self.way, self.tree = _choices("How photos get there", _WAYS), QCheckBox("Keep the folders inside each class")
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
        self._place.setText(printable(destination))
        self.changed.emit()

    def wish(self, folder: Path) -> SortRequest | None:
        if self.destination is None:
            return None
        by, share = list(_WAYS)[self.way.currentIndex()], self.threshold.value() / _WHOLE
        return SortRequest(folder, self.destination, by, share, flat=not self.tree.isChecked())

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, "Where the class folders are to be", str(self.destination or Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.filesSelected.connect(lambda names: self.sort_to(Path(names[0])))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


class KeywordForm(PlanForm):
    """Where to, and from which confidence on."""

    title = "Write keywords"
    promise = (
        "Photo managers then find the photos by class. Only Fovea's own keywords are ever changed: yours stay, and the "
        "picture itself is not touched."
    )
    deed = "Write"
    under_way = "keywords are being written"

    def __init__(self) -> None:
        super().__init__()
        self.place = _choices("Where keywords are written", _PLACES)
        self.threshold.setAccessibleName("Least confidence; photos below it get no keyword")
        self._reason = label(kind="warning", wrap=True)
        self._reason.hide()
        self._add("Where", self.place)
        self._add("Not below", self.threshold)
        self._column.addWidget(self._reason)
        self.place.activated.connect(self.changed)

    def wish(self, folder: Path) -> KeywordWish:
        place = list(_PLACES)[self.place.currentIndex()]
        return KeywordWish(place, self.threshold.value() / _WHOLE)

    def lack(self, reasons: Mapping[str, str]) -> None:
        told = [reason for place in Place if (reason := reasons.get(place.value))]
        self._reason.setText(" ".join(dict.fromkeys(told)))
        self._reason.setVisible(bool(told))


def _choices(name: str, texts: Mapping[By, str] | Mapping[Place, str]) -> Choice:
    box = Choice()
    box.addItems(list(texts.values()))
    box.setAccessibleName(name)
    return box
