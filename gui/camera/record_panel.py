"""Recording photos into a class: its name, the button to hold, what was recorded, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QSignalBlocker, Signal
from PySide6.QtGui import QKeyEvent, QUndoStack
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy

from core.base.i18n import tr
from core.base.text import display_path
from core.datasets.class_labels import normalize_label
from gui.widgets.basic import Choice, Panel, PropertyList, button, label, link, show_text
from gui.widgets.counts import photo_count
from gui.widgets.files import ask_for_folder, open_file
from gui.widgets.layouts import SPACE, add, fill, hbox

_MIN_CLASSES = 2


class RecordPanel(Panel):
    """Shows the recording.

    Attributes:
        began: the user holds the button; the class.
        folder_chosen: record into this folder.
        training_wanted: train a model with what was recorded.
        record: the button to hold.
        name: the class; the classes of the folder and of the model are offered.
    """

    began = Signal(str)
    folder_chosen = Signal(Path)
    training_wanted = Signal()

    def __init__(self, undo_stack: QUndoStack) -> None:
        super().__init__(tr("Record photos"))
        self._folder = Path()
        self._can_record = False
        self.name = self._make_name()
        self.record = button(tr("Hold to record"), kind="primary", hint=tr("Hold this button or Space"))
        self.record.pressed.connect(lambda: self.began.emit(self.label))
        self.error, self.classes = label(kind="danger", wrap=True), PropertyList()
        self._place = label(kind="muted", wrap=True)
        self.undo, self.redo = link("", undo_stack.undo), link("", undo_stack.redo)
        self.train = button(tr("Train a model…"), self.training_wanted.emit)
        about = tr("Enter a class, show it to the camera and hold the button or Space. Only then are photos saved.")
        # the button comes before the text, so that it is visible in the lowest window
        add(self.body, self.name, self.record, self.error, label(about, "muted", wrap=True), self.classes)
        add(self.body, hbox(self.undo, self.redo, SPACE), self._make_place(), self.train)
        self._connect(undo_stack)

    def _make_name(self) -> Choice:
        name = Choice(tr("Class"))
        name.setEditable(True)
        name.setInsertPolicy(Choice.InsertPolicy.NoInsert)
        name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        line, completer = name.lineEdit(), name.completer()
        assert line is not None
        assert completer is not None
        completer.setCompletionMode(completer.CompletionMode.PopupCompletion)  # nothing is entered that was not typed
        line.setPlaceholderText(tr("Class, such as “mug”"))
        line.setAccessibleName(tr("Class"))
        return name

    def _make_place(self) -> QHBoxLayout:
        show = link(tr("Show"), lambda: open_file(self._folder), name=tr("Show the folder"))
        change = link(tr("Change…"), self._choose_folder, name=tr("Record into another folder"))
        return hbox(fill(self._place), show, change)

    def _connect(self, undo_stack: QUndoStack) -> None:
        self.name.editTextChanged.connect(self._show_state)
        undo_stack.indexChanged.connect(self._show_undo)
        self._undo_stack = undo_stack
        self._show_undo()
        self._show_state()
        self.show_error("")
        self.show_counts({}, ())

    @property
    def label(self) -> str:
        """The class that the user entered; empty if there is none."""
        return normalize_label(self.name.currentText())

    def show_folder(self, folder: Path) -> None:
        """Show into which folder photos are recorded."""
        self._folder = folder
        self._place.setText(tr("Folder: {folder}", folder=display_path(folder.name)))
        self._place.setToolTip(display_path(folder))

    def show_counts(self, counts: Mapping[str, int], offered: Sequence[str]) -> None:
        """Show how many photos each class has, and offer these classes and others."""
        self.classes.show_properties([(display_path(name), photo_count(count)) for name, count in counts.items()])
        text = self.name.currentText()
        with QSignalBlocker(self.name):
            self.name.clear()
            self.name.addItems(list(dict.fromkeys((*counts, *offered))))
            self.name.setCurrentIndex(-1)
            self.name.setEditText(text)
        has_enough = sum(count > 0 for count in counts.values()) >= _MIN_CLASSES
        self.train.setEnabled(has_enough)
        self.train.setToolTip("" if has_enough else tr("Record photos of at least two classes first."))

    def show_error(self, text: str) -> None:
        """Show why recording failed; an empty text removes the message."""
        show_text(self.error, text)

    def set_available(self, *, available: bool) -> None:
        """Allow recording while there is a picture to record."""
        self._can_record = available
        self._show_state()

    def hold(self, event: QKeyEvent) -> None:
        """Pass a key that was pressed or released elsewhere in the window to the button."""
        pressed = event.type() is QEvent.Type.KeyPress
        if self.record.isEnabled() and not event.isAutoRepeat() and pressed != self.record.isDown():
            self.record.setDown(pressed)
            (self.record.pressed if pressed else self.record.released).emit()

    def release(self) -> None:
        """End what the user holds, because the window lost the keyboard or the picture."""
        if self.record.isDown():
            self.record.setDown(False)
            self.record.released.emit()

    def _show_state(self) -> None:
        self.record.setEnabled(self._can_record and bool(self.label))
        missing = "" if self.label else tr("Enter a class first.")
        self.record.setToolTip(missing or tr("Hold this button or Space"))
        self.record.setAccessibleName(tr("Hold to record photos of {label}", label=self.label) if self.label else "")

    def _show_undo(self) -> None:
        stack = self._undo_stack
        for shown, text, hint in ((self.undo, tr("Undo"), stack.undoText()), (self.redo, tr("Redo"), stack.redoText())):
            shown.setText(text)
            shown.setVisible(bool(hint))
            shown.setToolTip(hint)
            shown.setAccessibleName(f"{text} {hint}")

    def _choose_folder(self) -> None:
        start = self._folder if self._folder.is_dir() else None
        ask_for_folder(self, tr("Record into the class folders of this folder"), self.folder_chosen.emit, start)
