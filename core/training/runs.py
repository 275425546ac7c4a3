"""Unfinished runs: what a training that was interrupted needs to go on, kept until its model is in the library.

A run's folder is `<runs>/<name of the model>`. It holds the trainer's job with its checkpoint, and `run.json`: what was
asked for, from where, and which images were learnt from. The same request goes on where it stopped; another one, or
other images, are refused with the reason, because what was learnt so far would be lost or wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from core.base import paths
from core.base.errors import DamagedError, DatasetError, FoveaError, LaterVersionError, StorageError, UsageError
from core.base.salvage import recovery_lock
from core.base.storage import reading_errors, storage_errors, write_atomically
from core.datasets.problems import pluralize
from core.training.protocol import CHECKPOINT
from core.training.request import TrainRequest, request_from_json, request_to_json

_FORMAT: Final = 2
_READABLE: Final = (1, 2)
"""Format 1 does not hold the request: only the command it was begun with goes on with it."""
_RUN: Final = "run.json"
_TIMEOUT_S: Final = 0.3
"""Longer than another process needs to see whether a run is under way, which takes the lock for a moment."""
_RESTART: Final = "Run the command it was begun with to go on, or add --restart to begin anew."


@dataclass(frozen=True, slots=True)
class Run:
    """A training that is under way.

    Attributes:
        folder: what belongs to it; exclusively ours until `open_run` ends.
        is_resumed: whether an earlier process began it.
    """

    folder: Path
    is_resumed: bool

    def finish(self) -> None:
        """Forget the run: its model is in the library."""
        _delete_files(self.folder)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run on disk.

    Attributes:
        name: of the model.
        request: what was asked for; None where that is damaged, or an earlier or a later Fovea wrote it.
        recipe: how it is trained; empty where that cannot be read.
        epochs: how many are wanted; None where that cannot be read.
        started: when it was.
        saved: when what was learnt so far was kept last; None where nothing was yet.
        is_running: whether a process works on it now.
        error: why it cannot be read; empty where it can.
    """

    name: str
    request: TrainRequest | None
    recipe: str
    epochs: int | None
    started: datetime
    saved: datetime | None
    is_running: bool
    error: str = ""


def list_runs() -> tuple[RunSummary, ...]:
    """The runs on disk, the latest begun first; of one that cannot be understood hardly more is known than its name."""
    try:
        folders = [folder for folder in paths.unfinished_runs().iterdir() if folder.is_dir()]
    except OSError:
        return ()
    found = (run for folder in folders if (run := _summary(folder)) is not None)
    return tuple(sorted(found, key=lambda run: run.started, reverse=True))


def discard(name: str) -> None:
    """Delete the run of a name and what was learnt in it; nothing happens where there is none.

    Raises:
        UsageError: another process trains that name now.
        StorageError: the folder cannot be used.
    """
    folder = paths.unfinished_runs() / name
    if folder.is_dir():
        with contextlib.closing(_locked(_lock_of(folder), name)):
            _delete_files(folder)


@contextlib.contextmanager
def open_run(request: TrainRequest, plan: Mapping[str, Any], images: Sequence[str], *, restart: bool) -> Iterator[Run]:
    """The run of a model's name: the interrupted one where there is one, else a new one.

    Args:
        request: what was asked for, as it is to be asked again; its name is the model's.
        plan: everything that was asked for and decides what is learnt, as plain JSON.
        images: one text for each image, from its content, label and part; their order does not matter.
        restart: whether an interrupted run is to be thrown away.

    Raises:
        UsageError: another process trains that name now, or the interrupted run was asked for something else.
        DatasetError: the interrupted run learnt from other images.
        StorageError: the folder cannot be written, or the interrupted run cannot be read; it is kept.
    """
    name = request.name
    folder = paths.unfinished_runs() / name
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(_locked(_lock_of(folder), name)):
        kept = None if restart else _read(folder)
        if kept is None:
            _begin(folder, request, plan, images)
        else:
            _check_same_plan(name, kept["plan"], plan)
            _check_same_images(name, kept["images"], images)
        yield Run(folder, is_resumed=kept is not None)


def _summary(folder: Path) -> RunSummary | None:
    trouble = ""
    try:
        content = _read(folder)
    except StorageError as error:
        content, trouble = {"plan": {}}, str(error)
    if content is None:
        return None
    plan, request = content["plan"], request_from_json(content.get("request"))
    recipe, epochs = plan.get("recipe"), plan.get("epochs")
    started, saved = _moment(folder / _RUN), _moment(folder / CHECKPOINT)
    if started is None or (request is not None and request.name != folder.name):
        return None
    return RunSummary(
        name=folder.name,
        request=request,
        recipe=recipe if isinstance(recipe, str) else "",
        epochs=epochs if isinstance(epochs, int) else None,
        started=started,
        saved=saved,
        is_running=_is_locked(folder),
        error=trouble,
    )


def _is_locked(folder: Path) -> bool:
    try:
        _locked(_lock_of(folder), folder.name, patience_s=0).close()
    except FoveaError:
        return True
    return False


def _moment(file: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _lock_of(folder: Path) -> Path:
    return folder.with_suffix(folder.suffix + ".lock")


def _locked(file: Path, name: str, *, patience_s: float = _TIMEOUT_S) -> sqlite3.Connection:
    """A lock that holds until it is closed, which the system itself does when this process ends, however it ends."""
    recovery_lock(file)
    try:
        lock = sqlite3.connect(file, timeout=patience_s, isolation_level=None)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except BaseException:
            lock.close()
            raise
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", -1) & 0xFF != sqlite3.SQLITE_BUSY:
            raise StorageError(f"{str(file)!r} cannot be used: {error}.", hint="Check its disk and folder.") from error
        what = f"{name!r} is being trained by another program just now."
        raise UsageError(what, hint="Wait for it, or choose another name with --name.") from error
    return lock


def _read(folder: Path) -> dict[str, Any] | None:
    """What the interrupted run was; None where there is none.

    Raises:
        DamagedError: that cannot be understood.
        LaterVersionError: a later version of Fovea wrote it.
        StorageError: it cannot be read just now.
    """
    file = folder / _RUN
    with reading_errors(file):
        data = file.read_bytes() if file.exists() else None
    if data is None:
        return None
    try:
        content = json.loads(data)
        format_, is_whole = content["format"], {"plan", "images"} <= content.keys()
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(file) from error
    if isinstance(format_, int) and format_ > _FORMAT:
        raise LaterVersionError(file)
    if format_ not in _READABLE or not is_whole or not _are_relative(content["plan"], content["images"]):
        raise _damaged(file)
    return {**content}


def _are_relative(plan: object, images: object) -> bool:
    return isinstance(plan, dict) and isinstance(images, list) and all(isinstance(image, str) for image in images)


def _damaged(file: Path) -> DamagedError:
    what = f"The interrupted training of {file.parent.name!r} cannot go on: {str(file)!r} is damaged. Nothing was lost."
    return DamagedError(what, hint="Restore that file from a backup, or add --restart to start over.")


def _begin(folder: Path, request: TrainRequest, plan: Mapping[str, Any], images: Sequence[str]) -> None:
    with storage_errors(folder):
        _delete_files(folder)
        folder.mkdir()
    content = {"format": _FORMAT, "request": request_to_json(request), "plan": dict(plan), "images": _hashes(images)}
    write_atomically(folder / _RUN, json.dumps(content).encode())


def _delete_files(folder: Path) -> None:
    """Delete a run; what says that it is one goes first, so that what a kill leaves is not taken for one."""
    (folder / _RUN).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _hashes(images: Sequence[str]) -> list[str]:
    return sorted(hashlib.sha256(image.encode()).hexdigest()[:32] for image in images)


def _check_same_plan(name: str, kept: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    asked = json.loads(json.dumps(plan))
    differing = [key for key in {**kept, **asked} if kept.get(key) != asked.get(key)]
    if differing:
        changes = "; ".join(f"{key} was {kept.get(key)}, is {asked.get(key)}" for key in differing)
        raise UsageError(
            f"A training of {name!r} was interrupted, and it was asked otherwise: {changes}.", hint=_RESTART
        )


def _check_same_images(name: str, kept: Sequence[str], images: Sequence[str]) -> None:
    before, now = set(kept), set(_hashes(images))
    if before != now:
        came, went = pluralize(len(now - before)), pluralize(len(before - now))
        what = f"A training of {name!r} was interrupted, and the folder changed since: {came} came, {went} went."
        hint = "Put the images back to go on, or add --restart to begin anew with those there are."
        raise DatasetError(what, hint=hint)
