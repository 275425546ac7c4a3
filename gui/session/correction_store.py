"""The labels of predictions in memory: changes apply immediately and are written in the background."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from PySide6.QtCore import QObject, QTimer, Signal

from core.base.errors import StorageError
from core.base.label_sets import classes_of
from core.base.text import natural_sort_key
from core.datasets.labels import Label, Scope
from gui.session.undo import Change
from gui.tasks.idle_steps import run_when_idle
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
_ASKED_AT_ONCE: Final = 10_000
"""The photos that are looked up before the thread turns to something else."""
_ANSWERED_AT_ONCE: Final = 1000
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

    def label(self, path: Path) -> Label | None:
        """The label to show, as far as known."""
        return self.shown[path] if path in self.shown else self.own.get(path)


@dataclass(slots=True, eq=False)
class _StoredChange:
    """A change of what is stored for a model's predictions; writing it again undoes it. Used by the thread only.

    Attributes:
        replaced: the labels that it has replaced; None before it is first written.
    """

    scope: Scope
    labels: Changes
    replaced: LabelsByPath | None = None

    def states(self) -> dict[Path, _State]:
        """What its photos have once it is written."""
        if self.replaced is None:
            return {path: (label, label) for path, label in self.labels.items()}
        is_own, choose = self.scope.is_own, self.scope.choose
        return {path: (next(filter(is_own, known), None), choose(known)) for path, known in self.replaced.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """A request to the thread: what to read, and which photos to look up."""

    scope: Scope
    number: int
    known: Mapping[Path, Label]
    files: tuple[Path, ...]
    reads: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """Labels of many photos that are about to be written.

    Attributes:
        known: those that were given for the model's predictions before, and `own` then.
        shown: those to show.
    """

    model: str
    known: Mapping[Path, Label]
    own: Mapping[Path, Label]
    shown: Changes

    @classmethod
    def of(cls, change: _StoredChange, known: Mapping[Path, Label]) -> _Made:
        states = change.states()
        kept = {path: label for path, label in known.items() if path not in states}
        given = {path: own for path, (own, _) in states.items() if own is not None}
        return cls(change.scope.model, known, kept | given, {path: shown for path, (_, shown) in states.items()})


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
        texts = {one.label for one in self.all(model).values()}  # a few, even of 100,000 labels
        labels = set(chain.from_iterable(map(classes_of, texts)))
        return (*known, *sorted(labels.difference(known), key=natural_sort_key))

    def of(self, path: Path, model: str) -> Label | None:
        """The label of a photo as predicted by a model; None if there is none, or none is known yet."""
        if model not in self._models:
            self.read(model)
        labels = self._models[model]
        if path not in labels.asked:
            labels.asked[path] = None
            if not self._wanted and self._coming is None:
                QTimer.singleShot(0, self, self._look_up)
            self._wanted.setdefault(model, []).append(path)
        return labels.label(path)

    def known(self, path: Path, model: str) -> Label | None:
        """The label of a photo as `of` returns it; it is not looked up."""
        return self._models[model].label(path) if model in self._models else None

    def look_up(self, predictions: Iterator[tuple[Path, str]]) -> None:
        """Look up the labels of many photos as predicted by models, a few in each turn; replaces an earlier request."""
        is_running, self._coming = self._coming is not None, predictions
        if not is_running:
            run_when_idle(self, self._ask())

    def _ask(self) -> Iterator[None]:
        """Want them all; the thread gets many at once, as it opens the store for each request."""
        asked = 0
        while self._coming is not None and (one := next(self._coming, None)):
            self.of(*one)
            asked += 1
            if asked % _ASKED_AT_ONCE == 0:
                self._look_up()
            yield
        self._coming = None
        self._look_up()

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
            self._submit(self._write, stored)
            return exchange

        return exchange()

    def update_many(self, make: Callable[[], Mapping[str, Changes]]) -> Change:
        """Change any number of labels as `update` does; they are shown as soon as they are made.

        Args:
            make: called in the thread, as even making 100,000 labels takes long.
        """
        stored = cache(lambda: [_StoredChange(self._scope(model), own) for model, own in make().items()])

        def exchange() -> Change:
            self._submit(self._show_and_write, stored)
            return exchange

        return exchange()

    def _show(self, model: str, state: Mapping[Path, _State]) -> dict[Path, _State]:
        """Show labels without waiting until they are stored, and return those that were shown before."""
        known, labels = self.all(model), self._models[model]
        before = {path: (known.get(path), self.of(path, model)) for path in state}
        own = dict(known)
        for path, (label, _) in state.items():
            own.pop(path, None)  # those of others stay in their order
            if label is not None:
                own[path] = label
        labels.own = own
        labels.shown |= {path: shown for path, (_, shown) in state.items()}
        labels.requests += 1  # what was read before is outdated
        self.changed.emit(model)
        return before

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

    def _show_and_write(self, make: Callable[[], Sequence[_StoredChange]]) -> None:
        for one in make():
            labels = self._models.get(one.scope.model)
            self._dispatcher.post(self._on_made, _Made.of(one, labels.own if labels is not None else {}))
        self._write(make())

    def _write(self, changes: Sequence[_StoredChange]) -> None:
        from core.datasets.label_file import open_labels

        self._unwritten += changes
        try:
            with open_labels() as store:
                self._write_waiting(store)
        except StorageError as error:
            self._dispatcher.post(self.failed.emit, error)
            return
        for one in changes:
            self._dispatcher.post(self.read, one.scope.model)

    def _write_waiting(self, store: LabelStore) -> None:
        while self._unwritten:
            one = self._unwritten[0]
            one.replaced = store.change(one.labels, one.scope) if one.replaced is None else store.restore(one.replaced)
            del self._unwritten[0]

    def _read(self, request: _Request) -> None:
        from core.datasets.label_file import open_labels

        scope, own, files = request.scope, request.known, request.files
        try:
            with open_labels() as store:
                self._write_waiting(store)
                if request.reads:
                    stored = store.of_model(scope.model, scope.classes)
                    own = own if stored == own else stored  # compared here: there may be thousands
                for start in range(0, len(files) or 1, _ANSWERED_AT_ONCE):
                    some = files[start : start + _ANSWERED_AT_ONCE]
                    found = store.find(some)
                    shown = {path: scope.choose(found.get(path, ())) for path in some}
                    self._dispatcher.post(self._on_read, (request, own, shown))
                if request.reads and not self._is_closed:
                    store.resolve(_HASHED_AT_ONCE)
        except StorageError as error:
            if request.reads:  # a look-up is not reported: there is one whenever the user scrolls
                self._dispatcher.post(self.failed.emit, error)

    # ---- what it answers

    def _on_made(self, made: _Made) -> None:
        labels = self._models.setdefault(made.model, _ModelLabels())
        labels.shown |= made.shown
        if labels.own is made.known:  # otherwise they are read once these are written
            labels.own = made.own
        labels.requests += 1
        self.changed.emit(made.model)

    def _on_read(self, answer: tuple[_Request, Mapping[Path, Label], Changes]) -> None:
        request, own, shown = answer
        model, labels = request.scope.model, self._models[request.scope.model]
        if request.number != labels.requests:  # a later one includes all earlier changes, and looks up the same photos
            return
        is_new = any(labels.label(path) != label for path, label in shown.items())
        labels.shown |= shown
        if request.reads and own is not labels.own:
            labels.own = own
            is_new = True
        if is_new:
            self.changed.emit(model)
