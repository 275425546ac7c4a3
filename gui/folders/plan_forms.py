"""The forms with the options for sorting photos and for writing keywords."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.base.i18n import mark, tr
from core.base.text import display_path
from core.jobs.values import THRESHOLD
from core.outputs.keywords.values import KeywordTarget
from core.outputs.sorting.values import SortRequest, TransferMode
from core.services.job_values import KeywordOptions
from gui.widgets import theme
from gui.widgets.basic import CheckBox, Choice, PercentBox, button, caption, label, restyle, show_text
from gui.widgets.files import ask_for_folder
from gui.widgets.layouts import SPACE, hbox, vbox

_MODES: Final[Mapping[TransferMode, str]] = {
    TransferMode.COPY: mark("Copy (originals stay in place)"),
    TransferMode.HARDLINK: mark("Hard link (uses no disk space; originals stay in place)"),
    TransferMode.SYMLINK: mark("Symbolic link (shortcuts to the originals)"),
    TransferMode.MOVE: mark("Move (can be undone)"),
}
_TARGETS: Final[Mapping[KeywordTarget | None, str]] = {
    KeywordTarget.SIDECAR: mark(".xmp files next to the photos (photos are not changed)"),
    KeywordTarget.PHOTO: mark("Metadata of the photos (changes the photo files)"),
    None: mark("Nowhere: remove the keywords that Fovea wrote"),
}


class PlanForm(QWidget):
    """The options of a plan. Its texts are marked for translation.

    Attributes:
        changed: the user changed an option.
        title: the title of the page.
        introduction: what the task does.
        action: the button that starts the task.
        running_text: what is happening while the task runs.
    """

    changed = Signal()
    title = ""
    introduction = ""
    action = ""
    running_text = ""

    def __init__(self) -> None:
        super().__init__()
        self._column = vbox(parent=self, spacing=theme.GRID)
        self.threshold = PercentBox(THRESHOLD)
        self.threshold.setMinimumWidth(96)
        self.threshold.valueChanged.connect(self.changed)
        self._applies = True

    def request(self, folder: Path) -> SortRequest | KeywordOptions | None:
        """The request for the photos of a folder; None while a required option is missing."""
        raise NotImplementedError

    def allow_threshold(self, *, applies: bool) -> None:
        """Enable the minimum confidence, unless the model has a threshold for each class."""
        self._applies = applies
        self.threshold.setToolTip("" if applies else tr("The model has a threshold for each class instead."))
        self._show_threshold()

    def offer_groups(self, *, has_groups: bool) -> None:
        """Offer what needs a model whose classes are in groups, or not."""

    def _show_threshold(self) -> None:
        self.threshold.setEnabled(self._applies)

    def made_in(self, folder: Path) -> Path:
        """The folder in which the photos of a folder, or what is written about them, are in the end."""
        return folder

    def show_missing(self, reasons: Mapping[str, str]) -> None:
        """Show which options are not available on this computer, and why."""

    def _add(self, name: str, *widgets: QWidget) -> None:
        title = caption(name, widgets[0])
        title.setFixedWidth(144)
        self._column.addLayout(hbox(title, *widgets, SPACE, spacing=16))


class SortForm(PlanForm):
    """Destination, transfer mode and minimum confidence for sorting."""

    title = mark("Sort into folders")
    introduction = mark(
        "Each class gets a folder. Photos below the minimum confidence, and unknown photos, go to “unsure”."
    )
    action = mark("Sort")
    running_text = mark("Sorting photos")

    def __init__(self) -> None:
        super().__init__()
        self.destination: Path | None = None
        self._place = label(tr("No folder selected"), "muted")
        self.choose = button(tr("Choose…"), self._choose_destination, name=tr("Choose destination"))
        self.way, self.tree = Choice(tr("Transfer mode"), _MODES), CheckBox(tr("Keep subfolders within each class"))
        self.tree.setChecked(True)
        self.groups = CheckBox(tr("A folder for each group of classes, with those of its classes inside"))
        self.threshold.setAccessibleName(tr("Minimum confidence; photos below it go to “unsure”"))
        self._add(tr("Destination"), self.choose, self._place)
        self._add(tr("Method"), self.way)
        self._add(tr("Minimum confidence"), self.threshold)
        self._add("", self.tree)
        self._add("", self.groups)
        self.way.activated.connect(self.changed)
        self.tree.toggled.connect(self.changed)
        self.groups.toggled.connect(self.changed)

    def sort_to(self, destination: Path) -> None:
        """Sort into this folder."""
        self.destination = destination
        self._place.setText(display_path(destination))
        restyle(self._place, "kind", "plain")
        self.changed.emit()

    def request(self, folder: Path) -> SortRequest | None:
        if self.destination is None:
            return None
        mode = TransferMode(self.way.currentData())
        flat, groups = not self.tree.isChecked(), self.groups.isChecked() and not self.groups.isHidden()
        return SortRequest(folder, self.destination, mode, self.threshold.fraction(), flat, groups)

    def offer_groups(self, *, has_groups: bool) -> None:
        self.groups.setVisible(has_groups)

    def made_in(self, folder: Path) -> Path:
        return self.destination or folder

    def _choose_destination(self) -> None:
        ask_for_folder(self, tr("Choose destination for the class folders"), self.sort_to, self.destination)


class KeywordForm(PlanForm):
    """Target and minimum confidence for keywords."""

    title = mark("Write keywords")
    introduction = mark(
        "Photo managers can then find the photos by class. Fovea changes only its own keywords: yours are kept, and "
        "the picture itself is not changed."
    )
    action = mark("Write")
    running_text = mark("Writing keywords")

    def __init__(self) -> None:
        super().__init__()
        self.place = Choice(tr("Where to write keywords"), _TARGETS)
        self.threshold.setAccessibleName(tr("Minimum confidence; photos below it get no keyword"))
        self._reason = label(kind="warning", wrap=True)
        self._reason.hide()
        self._add(tr("Write to"), self.place)
        self._add(tr("Minimum confidence"), self.threshold)
        self._column.addWidget(self._reason)
        self.place.activated.connect(self._on_place)

    def request(self, folder: Path) -> KeywordOptions:
        return KeywordOptions(list(_TARGETS)[self.place.currentIndex()], self.threshold.fraction())

    def _on_place(self) -> None:
        removes = self.request(Path()).place is None
        self.action, self.running_text = (
            (mark("Remove"), mark("Removing keywords")) if removes else (KeywordForm.action, KeywordForm.running_text)
        )
        self._show_threshold()
        self.changed.emit()

    def _show_threshold(self) -> None:
        self.threshold.setEnabled(self._applies and self.request(Path()).place is not None)

    def show_missing(self, reasons: Mapping[str, str]) -> None:
        lines = [reason for place in KeywordTarget if (reason := reasons.get(place.value))]
        show_text(self._reason, " ".join(dict.fromkeys(lines)))
