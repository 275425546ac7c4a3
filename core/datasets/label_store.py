"""The one store of labels: an SQLite file that the window, the helper processes and the command line use at once.

Giving a label is instant: it is stored for the file at its path, size and time, and the content is hashed afterwards,
when another file of the same size has to be compared or in the background (`LabelStore.resolve`). Only files whose size
is that of a labelled photo are ever hashed, each once until it changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from core.base import recovery
from core.base.database import CHUNK, chunks, erase, transaction
from core.base.errors import StorageError
from core.base.file_state import FileState
from core.base.hashing import file_sha256
from core.base.i18n import tr
from core.datasets.labels import Label, Scope, Source

COLUMNS: Final = "photo, model, folder, label, source, created, path, size, predicted, confidence, unknown, trained"
_MAX_STATED: Final = 1000
"""Files that one call of `LabelStore.resolve` looks at: of 100,000, some may be on a disk that is not connected."""

_State: TypeAlias = tuple[int, int]
"""Size in bytes and time of the last modification in nanoseconds."""
_Key: TypeAlias = bytes | str
"""What identifies a photo, see `core.datasets.label_file`."""
LabelsByPath: TypeAlias = Mapping[Path, tuple[Label, ...]]
"""All labels of photos, in whatever view they were given."""


class LabelStore:
    """The open store. Not thread-safe; every method raises StorageError if the file cannot be used."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._database = connection

    # ---- reading

    def of_model(self, model: str, classes: Collection[str] = ()) -> dict[Path, Label]:
        """The labels given for predictions of a model, oldest first, each as its most recent label says.

        Args:
            model: the name of the model.
            classes: the classes that the model knows; empty to disregard labels given elsewhere.
        """
        mine = "o.model = ? AND o.folder = ''"
        columns = ", ".join(f"f.{name}" for name in COLUMNS.split(", "))
        joined = f"labels o JOIN labels f ON f.photo = o.photo AND (f.model <> o.model OR f.folder <> '') WHERE {mine}"
        with label_errors():
            rows = self._database.execute(f"SELECT {COLUMNS} FROM labels o WHERE {mine} ORDER BY rowid", (model,))
            own = list(_labels(rows.fetchall()))
            others = list(_labels(self._database.execute(f"SELECT {columns} FROM {joined}", (model,)).fetchall()))
        scope, newest = Scope(model, "", classes), dict[_Key, Label]()
        for photo, other in filter(lambda pair: scope.applies(pair[1]), others):
            if photo not in newest or newest[photo].created_at < other.created_at:
                newest[photo] = other
        return {label.path: _updated(label, newest.get(photo)) for photo, label in own}

    def sizes(self) -> set[int | None]:
        """The sizes in bytes of all labelled photos; None stands for those that were never seen."""
        with label_errors():
            return {size for (size,) in self._database.execute("SELECT DISTINCT size FROM labels").fetchall()}

    def find(self, files: Iterable[Path], check: Callable[[], None] = lambda: None) -> dict[Path, tuple[Label, ...]]:
        """All labels of photos, by path; a file without labels is left out.

        Args:
            files: the photos.
            check: called between them, as some may have to be hashed; what it raises ends the search.
        """
        with label_errors():
            sizes = self.sizes()
            found: dict[Path, tuple[Label, ...]] = {}
            for some in chunks(list(files)) if sizes else ():
                photos = self._identify(some, sizes, check)
                labels = self._of_photos(set(photos.values()))
                for path, photo in photos.items():
                    if photo in labels:
                        found[path] = tuple(replace(label, path=path) for label in labels[photo])
        return found

    # ---- writing

    def change(self, changes: Mapping[Path, Label | None], scope: Scope) -> LabelsByPath:
        """Label photos, or remove their labels, all or nothing.

        Args:
            changes: the label of each photo, given in this view; None removes every label that the view can show.
            scope: the view.

        Returns:
            The labels that the photos had before, for `restore`.
        """
        states = {path: _state(path) for path in changes}
        removed, given = list[tuple[_Key, Label]](), list[tuple[_Key, Label]]()
        with self._writing():
            before = self._before(states)
            for path, label in changes.items():
                photo, known = before[path]
                if label is None:
                    removed += [(photo, one) for one in known if scope.applies(one)]
                else:
                    sizes = [state[0] if (state := states[path]) else None, *(one.size for one in known)]
                    size = next((size for size in sizes if size is not None), None)
                    given.append((photo, replace(label, size=size)))
            self._remove(removed)
            self._put(given)
        return {path: tuple(replace(one, path=path) for one in known) for path, (_, known) in before.items()}

    def restore(self, before: LabelsByPath) -> LabelsByPath:
        """Undo a change: give photos exactly the labels that they had before it, and return those they have now."""
        with self._writing():
            replaced = self._before({path: _state(path) for path in before})
            self._remove((photo, one) for photo, known in replaced.values() for one in known)
            self._put((one.sha256 or replaced[path][0], one) for path, labels in before.items() for one in labels)
        return {path: known for path, (_, known) in replaced.items()}

    def _before(self, states: Mapping[Path, _State | None]) -> dict[Path, tuple[_Key, tuple[Label, ...]]]:
        """The keys of photos that are being labelled, and the labels that they have."""
        photos = self._keys(states)
        known = self._of_photos(set(photos.values()))
        return {path: (photo, known.get(photo, ())) for path, photo in photos.items()}

    def take_over(self, labels: Iterable[Label]) -> None:
        """Store labels as they are, within a transaction of the caller."""
        for label in labels:
            state = None if label.sha256 else _state(label.path)
            photo = label.sha256 or self._keys({label.path: state})[label.path]
            self._put([(photo, replace(label, size=state[0]) if state else label)])

    def mark_trained(self, trained: Iterable[Label], fingerprint: str) -> None:
        """Record that a version with this fingerprint was trained on labels, except on those changed meanwhile."""
        query = (
            "UPDATE labels SET label = ?1, created = ?2, trained = ?3 WHERE model = ?4 AND folder = '' AND path = ?5"
            " AND (created < ?2 OR created = ?2 AND label = ?1)"
        )
        with self._writing():
            for label in trained:
                known = json.dumps(tuple(dict.fromkeys((*label.trained_in, fingerprint))))
                created, path = label.created_at.timestamp(), os.fsencode(label.path)
                self._database.execute(query, (label.label, created, known, label.model, path))

    def note_written(self, files: Iterable[Path]) -> None:
        """Let labels follow files that Fovea itself has written, for example their keywords: the photo is the same."""
        query = "SELECT coalesce(sha256, path) FROM files WHERE path = ?"
        with self._writing():
            for path in files:
                row, state = self._database.execute(query, (os.fsencode(path),)).fetchone(), _state(path)
                labels = self._of_photos([row[0]]).get(row[0], ()) if row else ()
                if state is not None and labels:
                    photo = self._keys({path: state})[path]
                    self._put((photo, replace(one, path=path, size=state[0], sha256="")) for one in labels)

    def follow(self, moved: Mapping[Path, Path]) -> None:
        """Let labels follow photos that Fovea has moved, given as a mapping from old to new paths."""
        places = [(os.fsencode(source), os.fsencode(target)) for source, target in moved.items()]
        with self._writing():
            self._database.executemany("UPDATE OR REPLACE files SET path = ?2 WHERE path = ?1", places)
            self._database.executemany("UPDATE OR REPLACE labels SET photo = ?2 WHERE photo = ?1", places)
            self._database.executemany("UPDATE labels SET path = ?2 WHERE path = ?1", places)

    def erase(self, images: Collection[str], files: Iterable[Path]) -> None:
        """Delete every label of photos, and what is known of their files, so that nothing of them is left.

        Args:
            images: SHA-256 of the photos.
            files: their files.
        """
        keys: list[tuple[object, ...]] = [(key,) for key in (*images, *map(os.fsencode, files))]
        with label_errors():
            erase(self._database, "DELETE FROM labels WHERE ?1 IN (photo, path)", keys)
            erase(self._database, "DELETE FROM files WHERE ?1 IN (sha256, path)", keys)

    def resolve(self, limit: int, sizes: Collection[int] = ()) -> None:
        """Hash labelled files that were not hashed yet and are as they were, the most recent ones first.

        Args:
            limit: how many at most.
            sizes: only files of these sizes; empty: of any size.
        """
        chosen = f"AND (size IS NULL OR size IN ({', '.join('?' * len(sizes))}))" if sizes else ""
        query = f"SELECT path, size, mtime_ns FROM files WHERE sha256 IS NULL {chosen} ORDER BY rowid DESC LIMIT ?"
        with label_errors():
            rows = self._database.execute(query, (*sizes, max(limit, _MAX_STATED))).fetchall()
        hashed: list[tuple[bytes, _State, str]] = []
        for path, *before in rows:
            state = _state(recovery.as_path(path))
            if len(hashed) < limit and state is not None and before in ([*state], [None, None]):
                with contextlib.suppress(OSError):
                    hashed.append((path, state, file_sha256(recovery.as_path(path))))
        if hashed:
            with self._writing():
                for path, state, sha256 in hashed:
                    self._settle(path, state, sha256)

    # ---- photos

    def _identify(
        self, some: Sequence[Path], sizes: Collection[int | None], check: Callable[[], None]
    ) -> dict[Path, _Key]:
        """The key of each photo that may have labels, hashing what has to be compared."""
        states = {path: _state(path) for path in some}
        known, to_hash = self._known(states, sizes)
        hashed = {}
        with contextlib.suppress(StorageError):  # where nothing can be written, each search hashes them again
            if to_hash:
                self.resolve(len(to_hash) + CHUNK, {size for size, _ in to_hash.values()})
                known, to_hash = self._known(states, sizes)
            for path, state in to_hash.items():
                check()
                with contextlib.suppress(OSError):
                    hashed[path] = (os.fsencode(path), *state, file_sha256(path))
            if hashed:
                with self._writing():
                    self._database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", hashed.values())
        return known | {path: row[3] for path, row in hashed.items()}

    def _known(
        self, states: Mapping[Path, _State | None], sizes: Collection[int | None]
    ) -> tuple[dict[Path, _Key], dict[Path, _State]]:
        """The keys of photos, as far as they are known; and those to hash, as their size is that of a labelled one."""
        names = {os.fsencode(path): path for path in states}
        query = f"SELECT path, size, mtime_ns, sha256 FROM files WHERE path IN ({', '.join('?' * len(names))})"
        known: dict[Path, _Key] = {}
        for name, size, mtime_ns, sha256 in self._database.execute(query, tuple(names)).fetchall():
            if size is None or states[names[name]] in (None, (size, mtime_ns)):  # one that is gone keeps its labels
                known[names[name]] = sha256 or name
        to_hash = {path: state for path, state in states.items() if path not in known and state and state[0] in sizes}
        return known, to_hash

    def _keys(self, states: Mapping[Path, _State | None]) -> dict[Path, _Key]:
        """The keys of photos that are labelled: the hash if it is known, otherwise the path."""
        keys: dict[Path, _Key] = {}
        for some in chunks(list(states)):
            names = {path: os.fsencode(path) for path in some}
            query = f"SELECT path, size, mtime_ns, sha256 FROM files WHERE path IN ({', '.join('?' * len(some))})"
            rows = {name: row for name, *row in self._database.execute(query, tuple(names.values())).fetchall()}
            seen: list[tuple[object, ...]] = []
            for path, name in names.items():
                size, mtime_ns, sha256 = rows.get(name, (None, None, None))
                state = states[path]
                keys[path] = sha256 if sha256 and state in (None, (size, mtime_ns)) else name
                if keys[path] is name and (name not in rows or state is not None):
                    seen.append((name, *(state or (None, None))))
            self._database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, NULL)", seen)
        return keys

    def _settle(self, path: bytes, state: _State, sha256: str) -> None:
        """Key the labels of a file by its hash from now on; of two in one view, the most recent one counts."""
        self._database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", (path, *state, sha256))
        known = self._of_photos([path, sha256])
        rivals = {(one.model, one.folder): one.created_at for one in known.get(sha256, ())}
        labels = known.get(path, ())
        latest = [one for one in labels if rivals.get((one.model, one.folder), one.created_at) <= one.created_at]
        self._remove((path, one) for one in labels)
        self._put((sha256, replace(one, size=state[0])) for one in latest)

    # ---- rows

    def _of_photos(self, photos: Collection[_Key]) -> dict[_Key, tuple[Label, ...]]:
        found: dict[_Key, tuple[Label, ...]] = {}
        for some in chunks(list(photos)):
            query = f"SELECT {COLUMNS} FROM labels WHERE photo IN ({', '.join('?' * len(some))})"
            for photo, label in _labels(self._database.execute(query, tuple(some)).fetchall()):
                found[photo] = (*found.get(photo, ()), label)
        return found

    def _put(self, labels: Iterable[tuple[_Key, Label]]) -> None:
        rows = (
            (
                photo, one.model, one.folder, one.label, one.source.value, one.created_at.timestamp(),
                os.fsencode(one.path), one.size, one.predicted, one.confidence, one.unknown, json.dumps(one.trained_in),
            )
            for photo, one in labels
        )  # fmt: skip
        marks = ", ".join("?" * len(COLUMNS.split(", ")))
        self._database.executemany(f"INSERT OR REPLACE INTO labels VALUES ({marks})", rows)

    def _remove(self, labels: Iterable[tuple[_Key, Label]]) -> None:
        keys = ((photo, one.model, one.folder) for photo, one in labels)
        self._database.executemany("DELETE FROM labels WHERE photo = ? AND model = ? AND folder = ?", keys)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with label_errors(), transaction(self._database):
            yield


@contextmanager
def label_errors() -> Iterator[None]:
    """Translate errors of using the file.

    Raises:
        StorageError: for every error of SQLite or of the file system.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StorageError(
            tr("Couldn't use the file of your labels: {error}.", error=error),
            hint=tr("Check the free space and permissions of Fovea's folder (FOVEA_HOME). Photos are not affected."),
        ) from error


def _labels(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[_Key, Label]]:
    """Rows of `COLUMNS` as labels with their keys; an invalid one, of a damaged file, is skipped."""
    for photo, model, folder, label, source, created, path, size, predicted, confidence, unknown, trained in rows:
        with contextlib.suppress(ValueError, TypeError, LookupError, OverflowError, OSError):
            yield photo, Label(
                recovery.as_path(path or b""), label, Source(source), model, folder, predicted, confidence,
                None if unknown is None else bool(unknown), datetime.fromtimestamp(created, UTC),
                () if trained == "[]" else tuple(map(str, json.loads(trained))),
                photo if isinstance(photo, str) else "", size,
            )  # fmt: skip


def _updated(own: Label, other: Label | None) -> Label:
    """A label for a prediction, as a more recent one that was given elsewhere says."""
    if other is None or other.created_at <= own.created_at:
        return own
    return replace(own, label=other.label, source=other.source, created_at=other.created_at, trained_in=())


def _state(path: Path) -> _State | None:
    state = FileState.of(path)
    return None if state is None else (state.size, state.mtime_ns)
