"""Unfinished runs: what a training that was interrupted needs to go on, kept until its model is in the library.

A run's folder is `<runs>/<name of the model>`. It holds the trainer's job with its checkpoint, and `run.json`: what was
asked for and which images were learnt from. The same command goes on where it stopped; another one, or other images,
are refused with the reason, because what was learnt so far would be lost or wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core import paths
from core.dataset.problems import quantity
from core.errors import DatasetError, StorageError, UsageError
from core.storage import storage_errors, write_atomically

_FORMAT: Final = 1
_RUN: Final = "run.json"
_RESTART: Final = "Run the command it was begun with to go on, or add --restart to begin anew."


@dataclass(frozen=True, slots=True)
class Run:
    """A training that is under way.

    Attributes:
        folder: what belongs to it; exclusively ours until `unfinished_run` ends.
        goes_on: whether an earlier process began it.
    """

    folder: Path
    goes_on: bool

    def finish(self) -> None:
        """Forget the run: its model is in the library."""
        _forget(self.folder)


@contextlib.contextmanager
def unfinished_run(name: str, plan: Mapping[str, Any], images: Sequence[str], *, restart: bool) -> Iterator[Run]:
    """The run of a model's name: the interrupted one where there is one, else a new one.

    Args:
        name: of the model.
        plan: everything that was asked for and decides what is learnt, as plain JSON.
        images: one text for each image, from its content, label and part; their order does not matter.
        restart: whether an interrupted run is to be thrown away.

    Raises:
        UsageError: another process trains that name now, or the interrupted run was asked for something else.
        DatasetError: the interrupted run learnt from other images.
        StorageError: the folder cannot be written.
    """
    folder = paths.unfinished_runs() / name
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(_locked(folder.with_suffix(folder.suffix + ".lock"), name)):
        kept = None if restart else _read(folder)
        if kept is None:
            _begin(folder, plan, images)
        else:
            _refuse_other_plans(name, kept["plan"], plan)
            _refuse_other_images(name, kept["images"], images)
        yield Run(folder, goes_on=kept is not None)


def _locked(file: Path, name: str) -> sqlite3.Connection:
    """A lock that holds until it is closed, which the system itself does when this process ends, however it ends."""
    try:
        lock = sqlite3.connect(file, timeout=0, isolation_level=None)
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
    """What the interrupted run was; None where there is none that could be understood."""
    try:
        content = json.loads((folder / _RUN).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    whole = isinstance(content, dict) and content.get("format") == _FORMAT and {"plan", "images"} <= content.keys()
    return content if whole else None


def _begin(folder: Path, plan: Mapping[str, Any], images: Sequence[str]) -> None:
    with storage_errors(folder):
        _forget(folder)
        folder.mkdir()
    content = {"format": _FORMAT, "plan": dict(plan), "images": _sums(images)}
    write_atomically(folder / _RUN, json.dumps(content).encode())


def _forget(folder: Path) -> None:
    """Delete a run; what says that it is one goes first, so that what a kill leaves is not taken for one."""
    (folder / _RUN).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _sums(images: Sequence[str]) -> list[str]:
    return sorted(hashlib.sha256(image.encode()).hexdigest()[:32] for image in images)


def _refuse_other_plans(name: str, kept: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    asked = json.loads(json.dumps(plan))
    differing = [key for key in {**kept, **asked} if kept.get(key) != asked.get(key)]
    if differing:
        told = "; ".join(f"{key} was {kept.get(key)}, is {asked.get(key)}" for key in differing)
        raise UsageError(f"A training of {name!r} was interrupted, and it was asked otherwise: {told}.", hint=_RESTART)


def _refuse_other_images(name: str, kept: Sequence[str], images: Sequence[str]) -> None:
    before, now = set(kept), set(_sums(images))
    if before != now:
        came, went = quantity(len(now - before)), quantity(len(before - now))
        what = f"A training of {name!r} was interrupted, and the folder changed since: {came} came, {went} went."
        hint = "Put the images back to go on, or add --restart to begin anew with those there are."
        raise DatasetError(what, hint=hint)
