"""Writing the new model as a file for other programs: which kind, where, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from core.services.library_messages import Exported, ExportForm
from core.services.training_messages import Stage, Stopped
from gui.library_client import LibraryClient
from gui.widgets import ProgressBar, label

_TITLES: Final[Mapping[ExportForm, str]] = {
    ExportForm.ONNX: "ONNX, as it is",
    ExportForm.ONNX_FLOAT16: "ONNX, weights in half the space (float16)",
    ExportForm.ONNX_FLOAT32: "ONNX, weights in full (float32)",
    ExportForm.ONNX_INT8: "ONNX, computing in 8 bits (int8)",
    ExportForm.LITERT: "LiteRT for phones",
    ExportForm.LITERT_FLOAT16: "LiteRT, weights in half the space (float16)",
    ExportForm.LITERT_INT8: "LiteRT, computing in 8 bits (int8)",
}


@dataclass(frozen=True, slots=True)
class Exportable:
    """A version that can be written, and the folder it was trained on."""

    name: str
    version: int
    folder: Path


class Exporting(QWidget):
    """Shows an export under way; hidden while there is none.

    Attributes:
        told: what came of it, and the file where it was written, else None.
    """

    told = Signal(str, object)

    def __init__(self, library: LibraryClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        library.stage.connect(self._on_stage)
        library.exported.connect(self._on_exported)
        library.stopped.connect(self._on_stopped)
        self._ticket = 0
        self._stage, self._bar = label(kind="muted"), ProgressBar()
        self._bar.setAccessibleName("Progress of the export")
        stop = QPushButton("Cancel")
        stop.setAccessibleName("Cancel the export")
        stop.clicked.connect(lambda: library.stop(self._ticket))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._stage)
        row.addWidget(self._bar, 1)
        row.addWidget(stop)
        self.hide()

    def choose(self, model: Exportable) -> QFileDialog:
        """Ask for a file, beside the event loop."""
        dialog = QFileDialog(self, f"Export “{model.name}”", str(Path.home() / model.name))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        filters = {f"{text} (*{form.suffix})": form for form, text in _TITLES.items()}
        dialog.setNameFilters(list(filters))
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(filters[chosen].suffix[1:]))
        dialog.setDefaultSuffix("onnx")
        dialog.filesSelected.connect(
            lambda names: self.write(model, Path(names[0]), filters[dialog.selectedNameFilter()])
        )
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def write(self, model: Exportable, file: Path, form: ExportForm) -> None:
        """Write a file, whose name gets the ending of its kind."""
        named = file if file.suffix.lower() == form.suffix else file.with_name(file.name + form.suffix)
        self._stage.setText(f"Exporting {named.name} …")
        self._bar.setRange(0, 0)
        self.show()
        images = model.folder if form.needs_images else None
        self._library.stop(self._ticket)
        self._ticket = self._library.export(f"{model.name}@{model.version}", named, form, images)

    def end(self) -> None:
        """Call off what is being written; a file that is not whole is never left."""
        self._library.stop(self._ticket)

    def _on_stage(self, stage: Stage) -> None:
        if stage.ticket != self._ticket:
            return
        progress = stage.progress
        self._stage.setText(f"Exporting: {progress.stage}")
        self._bar.setRange(0, max(1, progress.total))
        self._bar.setValue(progress.step)

    def _on_stopped(self, stopped: Stopped) -> None:
        if stopped.ticket == self._ticket:
            self.hide()

    def _on_exported(self, exported: Exported) -> None:
        if exported.ticket != self._ticket:
            return
        self.hide()
        if exported.error is not None:
            self.told.emit(str(exported.error), None)
            return
        size = f"{exported.size_bytes / 1e6:,.1f} MB"
        notes = "".join(f" {note}" for note in exported.notes)
        self.told.emit(f"“{exported.file.name}” is written ({size}).{notes}", exported.file)
