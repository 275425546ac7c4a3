"""Recording: frames become photos in a class of a dataset while the user holds a button; takes can be undone."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QBuffer, QIODevice, QObject, Signal
from PySide6.QtGui import QImage, QUndoStack

from core.base.errors import FoveaError, StorageError
from core.base.i18n import tr, tr_n
from core.base.storage import reading_errors
from core.datasets import custom_datasets
from core.datasets.custom_datasets import FileMoves, MovePhotos
from gui.session.undo import Change, Step
from gui.tasks.main_thread import Dispatcher

_INTERVAL_S: Final = 0.2
"""The time between two photos: frames that follow each other closely show nothing new."""
_QUALITY: Final = 92


@dataclass(slots=True, eq=False)
class _Take:
    """What is recorded between pressing and releasing.

    Attributes:
        folder: the dataset.
        label: the class.
        files: the photos, as they are written.
        removed: the moves that took them out; empty while they are in their class.
    """

    folder: Path
    label: str
    files: list[Path] = field(default_factory=list)
    removed: FileMoves = ()


class Recorder(QObject):
    """Writes photos in its own thread, at most one at a time; a frame that comes while one is written is left out.

    Attributes:
        recorded: the number of photos in the take so far.
        counted: the number of photos of each class of the dataset, by label.
        failed: why photos were not written or moved; the take has ended.
        folder: the dataset; it is created by the first photo.
        undo_stack: the takes.
    """

    recorded = Signal(int)
    counted = Signal(object)
    failed = Signal(FoveaError)

    def __init__(self, folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self.folder = folder
        self.undo_stack = QUndoStack(self)
        self._dispatcher = Dispatcher(self)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        self._take: _Take | None = None
        self._is_writing, self._due = False, 0.0
        self._undone: set[Path] = set()
        self._is_closed = False

    def open(self, folder: Path) -> None:
        """Record into this dataset from now on, and count its photos."""
        self.end()
        self.folder = folder
        self._submit(self._count, folder)

    def begin(self, label: str) -> None:
        """Begin a take in a class."""
        self.end()
        self._take, self._due = _Take(self.folder, label), 0.0

    def add(self, photo: QImage) -> None:
        """Record a frame, if one is due."""
        now = time.monotonic()
        if self._take is not None and now >= self._due and not self._is_writing:
            self._due, self._is_writing = now + _INTERVAL_S, True
            self._submit(self._write, self._take, photo, datetime.now())

    def end(self) -> None:
        """End the take, which can then be undone."""
        take, self._take = self._take, None
        if take is not None:
            self._submit(self._finish, take)

    def close(self) -> None:
        """Wait until everything is written, and delete takes for good that were undone.

        Those in datasets of the user's data are deleted when these are listed next, as other removed photos are.
        """
        self.end()
        self.undo_stack.blockSignals(True)  # it would signal while it is deleted
        while self._undone:
            folder = self._undone.pop()
            if not custom_datasets.is_custom(folder):
                self._submit(custom_datasets.remove_stale_files, folder)
        self._is_closed = True
        self._executor.shutdown(wait=True)

    # ---- in the thread

    def _submit(self, work: Callable[..., None], *arguments: object) -> None:
        if not self._is_closed:
            self._executor.submit(self._work, partial(work, *arguments))

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except FoveaError as error:
            self._dispatcher.post(self._on_failed, error)

    def _write(self, take: _Take, photo: QImage, taken_at: datetime) -> None:
        take.files.append(custom_datasets.save_photo(take.folder, take.label, _jpeg(photo), taken_at))
        self._dispatcher.post(self._on_written, take)

    def _finish(self, take: _Take) -> None:
        if take.files:
            self._dispatcher.post(self._push, take)
            self._count(take.folder)

    def _remove(self, take: _Take) -> None:
        there = tuple(file for file in take.files if file.is_file())  # the wizard may have moved some
        take.removed = custom_datasets.apply_edit(take.folder, MovePhotos(there, None))
        for folder in {file.parent for file in there}:
            with contextlib.suppress(OSError):
                folder.rmdir()  # if the class has no other photos
        self._count(take.folder)

    def _restore(self, take: _Take) -> None:
        if take.removed:  # not when the take has just been recorded
            custom_datasets.undo(take.removed)
            take.removed = ()
            self._count(take.folder)

    def _count(self, folder: Path) -> None:
        with reading_errors(folder):
            classes = custom_datasets.list_classes(folder) if folder.is_dir() else ()
        self._dispatcher.post(self._on_counted, (folder, {one.label: len(one.photos) for one in classes}))

    # ---- on the main thread

    def _on_written(self, take: _Take) -> None:
        self._is_writing = False
        if take is self._take:
            self.recorded.emit(len(take.files))

    def _on_counted(self, counted: tuple[Path, dict[str, int]]) -> None:
        folder, counts = counted
        if folder == self.folder:
            self.counted.emit(Counter(counts))

    def _on_failed(self, error: FoveaError) -> None:
        self._is_writing = False
        self.end()
        self.failed.emit(error)

    def _push(self, take: _Take) -> None:
        text = tr_n(
            "recording {count:,} photo of “{label}”",
            "recording {count:,} photos of “{label}”",
            len(take.files),
            label=take.label,
        )
        self.undo_stack.push(Step(text, partial(self._keep, take)))

    def _keep(self, take: _Take) -> Change:
        self._submit(self._restore, take)
        return partial(self._undo, take)

    def _undo(self, take: _Take) -> None:
        self._undone.add(take.folder)
        self._submit(self._remove, take)


def _jpeg(photo: QImage) -> bytes:
    """A photo as a JPEG without metadata.

    Raises:
        StorageError: there is no memory for it.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not photo.save(buffer, "JPEG", _QUALITY):  # type: ignore[call-overload]
        raise StorageError(tr("Couldn't save the photo."), hint=tr("Free some memory and try again."))
    return bytes(buffer.data().data())
