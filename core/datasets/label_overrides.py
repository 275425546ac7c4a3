"""Amendments: what a person decided about photos of a labelled folder, which itself is never touched.

A photo is put in another class or left out. That is kept for each folder among what is the person's, by the sum of the
photo's content, so that a photo that is moved or renamed inside its folder keeps it. Training, evaluation and the
wizard read a folder as it is amended.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from core.base import paths
from core.base.errors import DamagedError, LaterVersionError, StorageError, UsageError
from core.base.locks import try_lock
from core.base.salvage import members, set_aside
from core.base.storage import reading_errors, storage_errors, write_atomically
from core.base.text import display_path

_FORMAT: Final = 1
_log = logging.getLogger(__name__)
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class LabelOverride:
    """What a person decided about a photo.

    Attributes:
        label: the class it is in; None: it is left out.
    """

    label: str | None


@dataclass(frozen=True, slots=True)
class OverriddenImage:
    """A file of a folder that is not taken as the folder has it.

    Attributes:
        path: the file.
        original: its class by the folder; empty where the folder gives it none.
        label: its class; None where it is left out.
    """

    path: Path
    original: str
    label: str | None


@dataclass(frozen=True, slots=True)
class LabelOverrides:
    """Everything that was decided about a folder.

    Attributes:
        by_hash: by the SHA-256 of a photo's content, in hexadecimal.
        sizes: of the files that were decided about, in bytes: no other file need be read to know that it is none.
    """

    by_hash: Mapping[str, LabelOverride] = field(default_factory=lambda: MappingProxyType({}))
    sizes: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.by_hash)

    def of_file(self, path: Path) -> LabelOverride | None:
        """What was decided about a file, read only where it may have been; None where nothing was."""
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode) or status.st_size not in self.sizes:
                return None
            return self.by_hash.get(_sha256(path))
        except OSError:
            return None


def read_overrides(folder: Path) -> LabelOverrides:
    """What was decided about a folder.

    A damaged file is set aside, and what is whole of it holds; what a later version wrote holds nothing. A warning
    says so.

    Raises:
        StorageError: the file cannot be read just now.
    """
    file = _file(folder)
    try:
        content = _content(file)
    except DamagedError:
        with _locked(file):
            content = _repaired(file)
    except LaterVersionError as error:
        _log.warning("Decisions about the photos in %s are not applied. %s", display_path(folder), error)
        return LabelOverrides()
    return _overrides(content["photos"])


def override_labels(folder: Path, changes: Mapping[Path, LabelOverride | None]) -> dict[Path, LabelOverride | None]:
    """Decide about files of a folder.

    Args:
        folder: of labelled images.
        changes: what is decided of each file; None: as the folder has it.

    Returns:
        What was decided of each before: given to this function again, it undoes the change.

    Raises:
        UsageError: a file cannot be read, so that nobody could know it again.
        StorageError: the decision cannot be kept, or those before cannot be read; they are unharmed.
    """
    hashes = {path: _checked_hash(path) for path in changes}
    file = _file(folder)
    with _locked(file):
        content = _repaired(file)
        stored: dict[str, Any] = content["photos"]
        before = {path: _override(stored.get(found)) for path, (found, _) in hashes.items()}
        for path, change in changes.items():
            found, size = hashes[path]
            if change is None:
                stored.pop(found, None)
            else:
                stored[found] = {"label": change.label, "size": size}
        content["folder"] = os.fsencode(_real_path(folder)).decode(errors="replace")
        _write(file, content)
    return before


def _real_path(folder: Path) -> str:
    return os.path.realpath(folder)


def _file(folder: Path) -> Path:
    name = hashlib.blake2b(os.fsencode(_real_path(folder)), digest_size=16).hexdigest()
    return paths.label_overrides() / f"{name}.json"


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Nobody else decides about the folder meanwhile: two windows must not lose each other's decisions."""
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.with_suffix(".lock").open("ab") as lock:
            if not try_lock(lock):
                what = "Another program decides about the same photos just now."
                raise StorageError(what, hint="Try again in a moment.")
            yield


def _overrides(found: Mapping[str, Any]) -> LabelOverrides:
    by_hash = {key: result for key, value in found.items() if (result := _override(value)) is not None}
    sizes = frozenset(value["size"] for key, value in found.items() if key in by_hash)
    return LabelOverrides(MappingProxyType(by_hash), sizes)


def _content(file: Path) -> dict[str, Any]:
    """What a file holds, nothing where there is none.

    Raises:
        DamagedError: it is damaged.
        LaterVersionError: a later version of Fovea wrote it.
        StorageError: it cannot be read just now.
    """
    with reading_errors(file):
        data = file.read_bytes() if file.exists() else None
    if data is None:
        return {"format": _FORMAT, "photos": {}}
    try:
        content = json.loads(data)
        format_, photos = content["format"], content.get("photos")
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise _damaged(file) from error
    if isinstance(format_, int) and format_ > _FORMAT:
        raise LaterVersionError(file)
    if format_ != _FORMAT or not isinstance(photos, dict) or not all(map(_is_valid, photos, photos.values())):
        raise _damaged(file)
    return {**content}


def _repaired(file: Path) -> dict[str, Any]:
    """What a file holds; a damaged one is set aside and replaced by what is whole of it. The file must be held.

    Raises:
        LaterVersionError: a later version of Fovea wrote it.
        StorageError: it cannot be read or replaced.
    """
    try:
        return _content(file)
    except DamagedError:
        with reading_errors(file):
            data = file.read_bytes()
    aside = set_aside(file)
    whole = dict(_valid_entries(data))
    content = {"format": _FORMAT, "photos": whole}
    _write(file, content)
    _log.warning(
        "Decisions about photos in %s were damaged. %s of them could be recovered; the damaged file was kept as %s.",
        display_path(file), len(whole), display_path(aside),
    )  # fmt: skip
    return content


def _valid_entries(data: bytes) -> Iterator[tuple[str, Any]]:
    for key, value in members(data):
        found = value.items() if key == "photos" and isinstance(value, dict) else [(key, value)]
        yield from ((name, decided) for name, decided in found if _is_valid(name, decided))


def _write(file: Path, content: Mapping[str, Any]) -> None:
    write_atomically(file, json.dumps(content, indent=1, ensure_ascii=False).encode(errors="surrogatepass"))


def _damaged(file: Path) -> DamagedError:
    what = f"The decisions about photos in {display_path(file)} are damaged."
    return DamagedError(what, hint="Decide again, or restore that file from a backup.")


def _is_valid(key: str, value: object) -> bool:
    return (
        len(key) == 64 and _HEX.issuperset(key) and isinstance(value, dict)
        and isinstance(value.get("size"), int) and isinstance(value.get("label"), str | None)
    )  # fmt: skip


def _override(value: Mapping[str, Any] | None) -> LabelOverride | None:
    return None if value is None else LabelOverride(value["label"])


def _checked_hash(path: Path) -> tuple[str, int]:
    try:
        return _sha256(path), path.stat().st_size
    except OSError as error:
        what = f"{path.name!r} cannot be read: {error.strerror or 'no reason given'}."
        raise UsageError(what, hint="See that the file is there and that you may open it.") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def summarize(overridden: Iterable[OverriddenImage]) -> str:
    """How many labels were put right and how many photos left out, in a sentence; empty where none were."""
    listed = list(overridden)
    out = sum(one.label is None for one in listed)
    right = len(listed) - out
    parts = []
    if right:
        parts.append(f"{right:,} label{'' if right == 1 else 's'} {'was' if right == 1 else 'were'} put right")
    if out:
        verb = ("was " if out == 1 else "were ") if not right else ""
        parts.append(f"{out:,} photo{'' if out == 1 else 's'} {verb}left out")
    return f"{', '.join(parts)} by you." if parts else ""
