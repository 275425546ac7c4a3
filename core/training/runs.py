"""Unfinished runs: the state from which an interrupted training resumes, kept until its model is in the library.

A run's folder is `<runs>/<name of the model>`. It contains the trainer's job with its checkpoint, and `run.json`: the
request and the hashes of the images. The same request resumes the training; a request with other settings or other
images is rejected with the reason, because the progress so far would be lost or wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from core.base import paths
from core.base.errors import DamagedError, DatasetError, FoveaError, LaterVersionError, StorageError, UsageError
from core.base.i18n import mark, tr, tr_n
from core.base.lock_files import is_locked, locked
from core.base.storage import reading_errors, storage_errors, write_atomically
from core.base.text import display_path
from core.training.protocol import CHECKPOINT
from core.training.request import TrainRequest, request_from_json, request_to_json

_FORMAT: Final = 2
_READABLE: Final = (1, 2)
"""Format 1 does not contain the request, so it can only be resumed by the original command."""
_RUN: Final = "run.json"
_TIMEOUT_S: Final = 0.3
"""Longer than another process holds the lock to check whether a run is in progress."""
_RESTART: Final = mark("To resume it, run the original command. To start over, add --restart.")


@dataclass(frozen=True, slots=True)
class Run:
    """A training in progress.

    Attributes:
        folder: its files; locked until `open_run` ends.
        is_resumed: whether an earlier process started it.
    """

    folder: Path
    is_resumed: bool

    def finish(self) -> None:
        """Delete the run once its model is in the library."""
        _delete_files(self.folder)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run on disk.

    Attributes:
        name: of the model.
        request: the request; None if it is damaged, or was written by an earlier or later version of Fovea.
        recipe: the recipe; empty if it cannot be read.
        epochs: the number of epochs requested; None if it cannot be read.
        started: when it was started.
        saved: when the last checkpoint was saved; None if there is none.
        is_running: whether a process is working on it.
        error: why it cannot be read; empty if it can.
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
    """The runs on disk, most recently started first; a damaged one has hardly more than its name."""
    try:
        folders = [folder for folder in paths.unfinished_runs().iterdir() if folder.is_dir()]
    except OSError:
        return ()
    found = (run for folder in folders if (run := _summary(folder)) is not None)
    return tuple(sorted(found, key=lambda run: run.started, reverse=True))


def discard(name: str) -> None:
    """Delete the run of a name and its progress, if there is one.

    Raises:
        UsageError: another process is training that name.
        StorageError: the folder cannot be used.
    """
    folder = paths.unfinished_runs() / name
    if folder.is_dir():
        with _locked(folder):
            _delete_files(folder)


def settle(name: str, *, keep: bool) -> bool:
    """Keep or discard the progress of a cancelled training, and return whether it can be resumed."""
    if keep and (paths.unfinished_runs() / name / CHECKPOINT).exists():
        return True
    with contextlib.suppress(FoveaError):
        discard(name)
    return False


@contextlib.contextmanager
def open_run(request: TrainRequest, plan: Mapping[str, Any], images: Sequence[str], *, restart: bool) -> Iterator[Run]:
    """Resume the interrupted run of a model's name, or start a new one.

    Args:
        request: the request to repeat; its name is the model's.
        plan: all settings that determine the result, as plain JSON.
        images: one text for each image, from its content, label and subset; their order does not matter.
        restart: whether to discard an interrupted run.

    Raises:
        UsageError: another process is training that name, or the interrupted run has other settings.
        DatasetError: the interrupted run has other images.
        StorageError: the folder cannot be written, or the interrupted run cannot be read; it is kept.
    """
    name = request.name
    folder = paths.unfinished_runs() / name
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        kept = None if restart else _read(folder)
        if kept is None:
            _begin(folder, request, plan, images)
        else:
            _check_same_plan(name, kept["plan"], plan)
            _check_same_images(name, kept["images"], images)
        yield Run(folder, is_resumed=kept is not None)


def _summary(folder: Path) -> RunSummary | None:
    message = ""
    try:
        content = _read(folder)
    except StorageError as error:
        content, message = {"plan": {}}, str(error)
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
        is_running=is_locked(_lock_of(folder)),
        error=message,
    )


def _moment(file: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _lock_of(folder: Path) -> Path:
    return folder.with_suffix(folder.suffix + ".lock")


def _locked(folder: Path) -> contextlib.AbstractContextManager[None]:
    return locked(_lock_of(folder), lambda: _taken_error(folder.name), patience_s=_TIMEOUT_S)


def _taken_error(name: str) -> UsageError:
    hint = tr("Wait for it to finish, or choose another name with --name.")
    return UsageError(tr("Another program is training “{name}”.", name=name), hint=hint)


def _read(folder: Path) -> dict[str, Any] | None:
    """The content of an interrupted run's `run.json`; None if there is none.

    Raises:
        DamagedError: it is damaged.
        LaterVersionError: a later version of Fovea wrote it.
        StorageError: it cannot be read at the moment.
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
    what = tr(
        "Couldn't resume the training of “{name}”: “{file}” is damaged. Nothing was deleted.",
        name=file.parent.name,
        file=display_path(file),
    )
    return DamagedError(what, hint=tr("Restore the file from a backup, or add --restart to start over."))


def _begin(folder: Path, request: TrainRequest, plan: Mapping[str, Any], images: Sequence[str]) -> None:
    with storage_errors(folder):
        _delete_files(folder)
        folder.mkdir()
    content = {"format": _FORMAT, "request": request_to_json(request), "plan": dict(plan), "images": _hashes(images)}
    write_atomically(folder / _RUN, json.dumps(content).encode())


def _delete_files(folder: Path) -> None:
    """Delete a run, its `run.json` first, so that a kill in between does not leave something that looks like a run."""
    (folder / _RUN).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _hashes(images: Sequence[str]) -> list[str]:
    return sorted(hashlib.sha256(image.encode()).hexdigest()[:32] for image in images)


def _check_same_plan(name: str, kept: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    requested = json.loads(json.dumps(plan))
    differing = [key for key in {**kept, **requested} if kept.get(key) != requested.get(key)]
    if differing:
        changes = "; ".join(
            tr("{setting} was {before}, now {now}", setting=key, before=kept.get(key), now=requested.get(key))
            for key in differing
        )
        what = tr("An interrupted training of “{name}” has other settings: {changes}.", name=name, changes=changes)
        raise UsageError(what, hint=tr(_RESTART))


def _check_same_images(name: str, kept: Sequence[str], images: Sequence[str]) -> None:
    before, now = set(kept), set(_hashes(images))
    if before != now:
        what = tr(
            "The folder has changed since the training of “{name}” was interrupted: {added}, {removed}.",
            name=name,
            added=tr_n("{count:,} image added", "{count:,} images added", len(now - before)),
            removed=tr_n("{count:,} image removed", "{count:,} images removed", len(before - now)),
        )
        hint = tr("To resume, restore the images. To start over with the current ones, add --restart.")
        raise DatasetError(what, hint=hint)
