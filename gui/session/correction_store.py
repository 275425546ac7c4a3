"""The answers that the person put right, as the window knows them: changed at once, written in the background."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.base.errors import StorageError
from core.datasets import corrections
from core.datasets.corrections import Correction, Corrections
from core.prediction import Prediction
from gui.tasks.main_thread import Relay

_News = tuple[str, int, Corrections | StorageError, bool]
"""A model, the number of the request, what there is, and whether that was known."""
_Said = Mapping[Path, Correction | None]
"""What is to be noted of each image; None: what was is taken back."""


class CorrectionBook(QObject):
    """Holds the corrections of every model that was asked about.

    A model is given by its name. What another window corrects is learnt of whenever something is read or written.

    Attributes:
        changed: there are other corrections of this model.
        failed: they could not be read or written, and why; in this window they are there all the same.
        _kept: what is known by now, by model.
        _asked: how many times the thread was asked, by model.
        _unwritten: what could not be written, by model: tried again with whatever is asked next; the thread's alone.
    """

    changed = Signal(str)
    failed = Signal(StorageError)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._kept: dict[str, dict[Path, Correction]] = {}
        self._asked: dict[str, int] = {}
        self._unwritten: dict[str, dict[Path, Correction | None]] = {}
        self._relay = Relay(self)
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="corrections")
        self._is_closed = False

    def close(self) -> None:
        """Wait until everything is written."""
        self._is_closed = True
        self._keeper.shutdown(wait=True)

    def read(self, model: str) -> None:
        """Read what is kept of a model, anew where it was read before; `changed` tells when."""
        self._do(model, {})

    def all(self, model: str) -> Mapping[Path, Correction]:
        """The corrections of a model that are known by now, in the order in which they were made."""
        if model not in self._asked:
            self.read(model)
        return self._kept.get(model, {})

    def of(self, path: Path, model: str) -> Correction | None:
        """What the person said of an image instead of a model; None where they said nothing."""
        return self.all(model).get(path)

    def correct(self, path: Path, prediction: Prediction, label: str) -> Correction:
        """Note what the person says an image is, instead of the model that made the prediction."""
        made = replace(Correction.of(prediction, label), path=path)
        self.put_all(prediction.model, [made])
        return made

    def withdraw(self, path: Path, model: str) -> None:
        """Take back what the person said of an image."""
        self.put_all(model, [], withdraw=[path])

    def put_all(self, model: str, made: Iterable[Correction], *, withdraw: Iterable[Path] = ()) -> None:
        """Note several corrections of a model, and take back others, at once."""
        said: _Said = {**dict.fromkeys(withdraw), **{correction.path: correction for correction in made}}
        kept = {path: one for path, one in self.all(model).items() if path not in said}
        self._kept[model] = kept | {path: one for path, one in said.items() if one is not None}
        self._do(model, said)
        self.changed.emit(model)

    def _do(self, model: str, said: _Said) -> None:
        if not self._is_closed:
            number = self._asked[model] = self._asked.get(model, 0) + 1
            self._keeper.submit(self._work, model, number, said, self._kept.get(model, {}))

    def _work(self, model: str, number: int, said: _Said, known: Corrections) -> None:  # a thread of its own
        unwritten = self._unwritten.setdefault(model, {})
        unwritten |= said
        found: Corrections | StorageError
        try:
            found = _written(model, unwritten) if unwritten else corrections.load(model)
            unwritten.clear()
        except StorageError as error:
            found = error
        self._relay.post(self._on_done, (model, number, found, found == known))

    def _on_done(self, news: _News) -> None:
        model, number, found, is_known = news
        if isinstance(found, StorageError):
            self.failed.emit(found)
        elif number == self._asked[model] and not is_known:
            self._kept[model] = dict(found)  # the last that was asked for: it holds whatever was changed before
            self.changed.emit(model)


def _written(model: str, said: _Said) -> Corrections:
    gone = [path for path, correction in said.items() if correction is None]
    return corrections.change(model, add=[one for one in said.values() if one is not None], withdraw=gone)
