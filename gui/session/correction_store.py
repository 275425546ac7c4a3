"""The labels of predictions in memory: changes apply immediately and are written in the background."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from PySide6.QtCore import QObject, QTimer, Signal

from core.base.errors import StorageError
from core.base.label_sets import classes_of
from core.base.text import natural_sort_key
from core.datasets.labels import Label, Scope
from gui.session.undo import Change
from gui.tasks.main_thread import Dispatcher

if TYPE_CHECKING:
    from core.datasets.label_store import LabelsByPath, LabelStore

Changes: TypeAlias = Mapping[Path, Label | None]
"""The label of each photo; None where there is none."""
MAX_AT_ONCE: Final = 2000
"""The photos whose labels `CorrectionStore.update` changes; more of them would hold up the window."""
_State: TypeAlias = tuple[Label | None, Label | None]
"""The label of a photo as given for a model's prediction, and the one that is shown."""
_MAX_REFRESHED: Final = 2000
"""The photos that are looked up again after a change; others when they are shown."""
_ASKED_AT_ONCE: Final = 2000
_HASHED_AT_ONCE: Final = 10
"""Few, because changes wait in the meantime."""


@dataclass(slots=True, eq=False)
class _ModelLabels:
    """What is known of the labels of a model.

    Attributes:
        own: the labels given for its predictions, oldest first; replaced at each change.
        shown: the labels of photos, wherever they were given, as far as looked up.
        asked: the photos that were looked up, the latest last.
        requests: the number of reads and changes so far.
    """

    own: Mapping[Path, Label] = field(default_factory=dict)
    shown: dict[Path, Label | None] = field(default_factory=dict)
    asked: dict[Path, None] = field(default_factory=dict)
    requests: int = 0

    def known(self) -> dict[Path, Label]:
        """The labels to show, as far as known."""
        looked_up = {path: label for path, label in self.shown.items() if label is not None or path in self.own}
        found = {**self.own, **looked_up}
        return {path: label for path, label in found.items() if label is not None}


@dataclass(slots=True, eq=False)
class _StoredChange:
    """A change of what is stored for a model's predictions; writing it again undoes it. Used by the thread only.

    Attributes:
        replaced: the labels that it has replaced; None before it is first written.
    """

    scope: Scope
    labels: Changes
    replaced: LabelsByPath | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """A request to the thread: what to read, and which photos to look up."""

    scope: Scope
    number: int
    known: Mapping[Path, Label]
    files: tuple[Path, ...]
    reads: bool


class CorrectionStore(QObject):
    """Holds the labels of each model that was requested, by the model's name.

    Labels given in another window appear at the next read or write.

    Attributes:
        changed: the labels of this model changed.
        failed: they could not be read or written; they remain available in this window.
        _unwritten: changes that could not be written; retried at the next request. Used by the thread only.
    """

    changed = Signal(str)
    failed = Signal(StorageError)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._classes: Mapping[str, Collection[str]] = {}
        self._models: dict[str, _ModelLabels] = {}
        self._wanted: dict[str, list[Path]] = {}
        self._coming: Iterator[tuple[Path, str]] | None = None
        self._unwritten: list[_StoredChange] = []
        self._dispatcher = Dispatcher(self)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="labels")
        self._is_closed = False

    def close(self) -> None:
        """Wait until everything is written."""
        self._is_closed = True
        self._executor.shutdown(wait=True)

    def set_classes(self, classes: Mapping[str, Collection[str]]) -> None:
        """Set the classes of each model, which decide what labels given elsewhere it shows."""
        before, self._classes = self._classes, classes
        for model in self._models:
            if before.get(model) != classes.get(model):
                self.read(model)

    def read(self, model: str) -> None:
        """Read the stored labels of a model again; `changed` is emitted if they differ."""
        labels = self._models.setdefault(model, _ModelLabels())
        labels.requests += 1
        labels.asked = dict.fromkeys(list(labels.asked)[-_MAX_REFRESHED:])
        self._submit(self._read, self._request(model, labels.asked, reads=True))

    def refresh(self) -> None:
        """Read the stored labels of every model again, because some were given elsewhere."""
        for model in self._models:
            self.read(model)

    def all(self, model: str) -> Mapping[Path, Label]:
        """The known labels for predictions of a model, in the order in which they were given."""
        if model not in self._models:
            self.read(model)
        return self._models[model].own

    def classes_of(self, model: str, known: Sequence[str]) -> tuple[str, ...]:
        """The classes to choose from: those that a model knows, then the user's other labels in natural order."""
        labels = {name for one in self.all(model).values() for name in classes_of(one.label)}
        return (*known, *sorted(labels.difference(known), key=natural_sort_key))

    def of(self, path: Path, model: str) -> Label | None:
        """The label of a photo as predicted by a model; None if there is none, or none is known yet."""
        own, labels = self.all(model), self._models[model]
        if path not in labels.asked:
            labels.asked[path] = None
            if not self._wanted:
                QTimer.singleShot(0, self, self._look_up)
            self._wanted.setdefault(model, []).append(path)
        return labels.shown[path] if path in labels.shown else own.get(path)

    def known(self) -> Mapping[str, Mapping[Path, Label]]:
        """The labels known so far, by model: those of few photos, even if many were looked up."""
        return {model: labels.known() for model, labels in self._models.items()}

    def look_up(self, predictions: Iterator[tuple[Path, str]]) -> None:
        """Look up the labels of many photos as predicted by models, a few in each turn; replaces an earlier request."""
        is_running, self._coming = self._coming is not None, predictions
        if not is_running:
            QTimer.singleShot(0, self, self._look_up_next)

    def _look_up_next(self) -> None:
        asked = list(islice(self._coming or (), _ASKED_AT_ONCE))
        for path, model in asked:
            self.of(path, model)
        if len(asked) == _ASKED_AT_ONCE:
            QTimer.singleShot(0, self, self._look_up_next)
        else:
            self._coming = None

    def update(self, changes: Mapping[str, Changes]) -> Change:
        """Label at most `MAX_AT_ONCE` photos as predicted by models, or remove their labels.

        Args:
            changes: the labels of photos, by the name of the model.

        Returns:
            What undoes it, and then makes it again with the labels as they were, and so on.
        """
        states = {model: {path: (one, one) for path, one in own.items()} for model, own in changes.items()}
        stored = [_StoredChange(self._scope(model), own) for model, own in changes.items()]

        def exchange() -> Change:
            for model, state in states.items():
                states[model] = self._show(model, state)
            self._submit(self._write, lambda: stored, self.read)
            return exchange

        return exchange()

    def update_many(self, make: Callable[[], Mapping[str, Changes]]) -> Change:
        """Change any number of labels as `update` does; they are shown once they are written.

        Args:
            make: called in the thread, as even making 100,000 labels takes long.
        """
        stored = cache(lambda: [_StoredChange(self._scope(model), own) for model, own in make().items()])

        def exchange() -> Change:
            self._submit(self._write, stored, self._read_all)
            return exchange

        return exchange()

    def _show(self, model: str, state: Mapping[Path, _State]) -> dict[Path, _State]:
        """Show labels without waiting until they are stored, and return those that were shown before."""
        known, labels = self.all(model), self._models[model]
        before = {path: (known.get(path), self.of(path, model)) for path in state}
        kept = {path: one for path, one in known.items() if path not in state}
        labels.own = kept | {path: own for path, (own, _) in state.items() if own is not None}
        labels.shown |= {path: shown for path, (_, shown) in state.items()}
        labels.requests += 1  # what was read before is outdated
        self.changed.emit(model)
        return before

    def _read_all(self, model: str) -> None:
        """Read labels of which so many have changed that all photos have to be looked up again."""
        self._models.setdefault(model, _ModelLabels()).shown = {}
        self.read(model)

    def _look_up(self) -> None:
        wanted, self._wanted = self._wanted, {}
        for model, files in wanted.items():
            self._submit(self._read, self._request(model, files, reads=False))

    def _request(self, model: str, files: Iterable[Path], *, reads: bool) -> _Request:
        labels = self._models[model]
        return _Request(self._scope(model), labels.requests, labels.own, tuple(files), reads)

    def _submit(self, work: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401 - those of the work
        if not self._is_closed:
            self._executor.submit(work, *arguments)

    def _scope(self, model: str) -> Scope:
        return Scope(model, "", frozenset(self._classes.get(model, ())))

    # ---- in its own thread

    def _write(self, make: Callable[[], Sequence[_StoredChange]], then: Callable[[str], None]) -> None:
        from core.datasets.label_file import open_labels

        changes = make()
        self._unwritten += changes
        try:
            with open_labels() as store:
                self._write_waiting(store)
        except StorageError as error:
            self._dispatcher.post(self.failed.emit, error)
            return
        for one in changes:
            self._dispatcher.post(then, one.scope.model)

    def _write_waiting(self, store: LabelStore) -> None:
        while self._unwritten:
            one = self._unwritten[0]
            one.replaced = store.change(one.labels, one.scope) if one.replaced is None else store.restore(one.replaced)
            del self._unwritten[0]

    def _read(self, request: _Request) -> None:
        from core.datasets.label_file import open_labels

        scope, own = request.scope, request.known
        try:
            with open_labels() as store:
                self._write_waiting(store)
                if request.reads:
                    own = store.of_model(scope.model, scope.classes)
                found = store.find(request.files)
                shown = {path: scope.choose(found.get(path, ())) for path in request.files}
                own = request.known if own == request.known else own  # compared here: there may be thousands
                self._dispatcher.post(self._on_read, (request, own, shown))
                if request.reads and not self._is_closed:
                    store.resolve(_HASHED_AT_ONCE)
        except StorageError as error:
            if request.reads:  # a look-up is not reported: there is one whenever the user scrolls
                self._dispatcher.post(self.failed.emit, error)

    # ---- what it answers

    def _on_read(self, answer: tuple[_Request, Mapping[Path, Label], Changes]) -> None:
        request, own, shown = answer
        model, labels = request.scope.model, self._models[request.scope.model]
        if request.number != labels.requests:  # a later one includes all earlier changes, and looks up the same photos
            return
        before = {path: self.of(path, model) for path in shown}
        labels.shown |= shown
        if request.reads and own is not request.known:
            labels.own = own
            self.changed.emit(model)
        elif before != shown:
            self.changed.emit(model)
