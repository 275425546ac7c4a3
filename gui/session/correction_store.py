"""The answers that the person put right, as the window knows them: changed at once, written in the background."""

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
"""A model, the number of the request, what there is, and whether that was known."""
_Changes = Mapping[Path, Correction | None]
"""What is to be noted of each image; None: what was is taken back."""


class CorrectionStore(QObject):
    """Holds the corrections of every model that was asked about.

    A model is given by its name. What another window corrects is learnt of whenever something is read or written.

    Attributes:
        changed: there are other corrections of this model.
        failed: they could not be read or written, and why; in this window they are there all the same.
        _corrections: what is known by now, by model.
        _requests: how many times the thread was asked, by model.
        _unwritten: what could not be written, by model: tried again with whatever is asked next; the thread's alone.
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
        """Read what is kept of a model, anew where it was read before; `changed` tells when."""
        self._submit(model, {})

    def all(self, model: str) -> Mapping[Path, Correction]:
        """The corrections of a model that are known by now, in the order in which they were made."""
        if model not in self._requests:
            self.read(model)
        return self._corrections.get(model, {})

    def of(self, path: Path, model: str) -> Correction | None:
        """What the person said of an image instead of a model; None where they said nothing."""
        return self.all(model).get(path)

    def update(self, model: str, added: Iterable[Correction], *, removed: Iterable[Path] = ()) -> None:
        """Note several corrections of a model, and take back others, at once."""
        changes: _Changes = {**dict.fromkeys(removed), **{correction.path: correction for correction in added}}
        kept = {path: one for path, one in self.all(model).items() if path not in changes}
        self._corrections[model] = kept | {path: one for path, one in changes.items() if one is not None}
        self._submit(model, changes)
        self.changed.emit(model)

    def _submit(self, model: str, changes: _Changes) -> None:
        if not self._is_closed:
            number = self._requests[model] = self._requests.get(model, 0) + 1
            self._executor.submit(self._work, model, number, changes, self._corrections.get(model, {}))

    def _work(self, model: str, number: int, changes: _Changes, known: Corrections) -> None:  # a thread of its own
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
            self._corrections[model] = dict(found)  # the last that was asked for: it holds whatever was changed before
            self.changed.emit(model)


def _write(model: str, changes: _Changes) -> Corrections:
    removed = [path for path, correction in changes.items() if correction is None]
    return corrections.change(model, add=[one for one in changes.values() if one is not None], remove=removed)
