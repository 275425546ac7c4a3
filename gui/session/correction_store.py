"""The corrections in memory: changes apply immediately and are written in the background."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.base.errors import StorageError
from core.datasets import corrections
from core.datasets.corrections import Correction, Corrections
from gui.tasks.main_thread import Dispatcher

_Result = tuple[str, int, Corrections | StorageError, bool]
"""A model, the number of the request, the corrections or an error, and whether they were already known."""
_Changes = Mapping[Path, Correction | None]
"""The new correction of each image; None removes it."""


class CorrectionStore(QObject):
    """Holds the corrections of each model that was requested, by the model's name.

    Corrections made in another window appear at the next read or write.

    Attributes:
        changed: the corrections of this model changed.
        failed: they could not be read or written; they remain available in this window.
        _corrections: the known corrections, by model.
        _requests: the number of requests to the thread, by model.
        _unwritten: changes that could not be written, by model; retried at the next request. Used by the thread only.
    """

    changed = Signal(str)
    failed = Signal(StorageError)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._corrections: dict[str, dict[Path, Correction]] = {}
        self._requests: dict[str, int] = {}
        self._unwritten: dict[str, dict[Path, Correction | None]] = {}
        self._dispatcher = Dispatcher(self)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="corrections")
        self._is_closed = False

    def close(self) -> None:
        """Wait until everything is written."""
        self._is_closed = True
        self._executor.shutdown(wait=True)

    def read(self, model: str) -> None:
        """Read the stored corrections of a model again; `changed` is emitted if they differ."""
        self._submit(model, {})

    def all(self, model: str) -> Mapping[Path, Correction]:
        """The known corrections of a model, in the order in which they were made."""
        if model not in self._requests:
            self.read(model)
        return self._corrections.get(model, {})

    def of(self, path: Path, model: str) -> Correction | None:
        """The correction of a model's prediction for an image; None if there is none."""
        return self.all(model).get(path)

    def update(self, model: str, added: Iterable[Correction], *, removed: Iterable[Path] = ()) -> None:
        """Add and remove several corrections of a model at once."""
        changes: _Changes = {**dict.fromkeys(removed), **{correction.path: correction for correction in added}}
        kept = {path: one for path, one in self.all(model).items() if path not in changes}
        self._corrections[model] = kept | {path: one for path, one in changes.items() if one is not None}
        self._submit(model, changes)
        self.changed.emit(model)

    def _submit(self, model: str, changes: _Changes) -> None:
        if not self._is_closed:
            number = self._requests[model] = self._requests.get(model, 0) + 1
            self._executor.submit(self._work, model, number, changes, self._corrections.get(model, {}))

    def _work(self, model: str, number: int, changes: _Changes, known: Corrections) -> None:  # in its own thread
        unwritten = self._unwritten.setdefault(model, {})
        unwritten |= changes
        found: Corrections | StorageError
        try:
            found = _write(model, unwritten) if unwritten else corrections.load(model)
            unwritten.clear()
        except StorageError as error:
            found = error
        self._dispatcher.post(self._on_done, (model, number, found, found == known))

    def _on_done(self, result: _Result) -> None:
        model, number, found, is_known = result
        if isinstance(found, StorageError):
            self.failed.emit(found)
        elif number == self._requests[model] and not is_known:
            self._corrections[model] = dict(found)  # the latest request includes all earlier changes
            self.changed.emit(model)


def _write(model: str, changes: _Changes) -> Corrections:
    removed = [path for path, correction in changes.items() if correction is None]
    return corrections.change(model, add=[one for one in changes.values() if one is not None], remove=removed)
