"""Label overrides: labels that the user changed for photos of a labelled folder, which itself is never modified.

An override moves a photo to another class or leaves it out. Overrides are stored in the user's data, one file per
folder, keyed by content hash, so that they survive moving and renaming photos inside the folder. Training, evaluation
and the wizard apply them.
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
from core.base.i18n import tr, tr_n
from core.base.locks import try_lock
from core.base.salvage import members, set_aside
from core.base.storage import reading_errors, storage_errors, write_atomically
from core.base.text import display_path

_FORMAT: Final = 1
_log = logging.getLogger(__name__)
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class LabelOverride:
    """The user's label for a photo.

    Attributes:
        label: its class; None: leave it out.
    """

    label: str | None


@dataclass(frozen=True, slots=True)
class OverriddenImage:
    """A file whose label was overridden.

    Attributes:
        path: the file.
        original: its class by the folder layout; empty if it has none.
        label: its class; None if it is left out.
    """

    path: Path
    original: str
    label: str | None


@dataclass(frozen=True, slots=True)
class LabelOverrides:
    """All label overrides of a folder.

    Attributes:
        by_hash: overrides by the SHA-256 of a photo's content, in hexadecimal.
        sizes: sizes of the overridden files, in bytes: a file of any other size need not be hashed.
    """

    by_hash: Mapping[str, LabelOverride] = field(default_factory=lambda: MappingProxyType({}))
    sizes: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.by_hash)

    def of_file(self, path: Path) -> LabelOverride | None:
        """The override of a file, or None; the file is only read if its size matches one."""
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode) or status.st_size not in self.sizes:
                return None
            return self.by_hash.get(_sha256(path))
        except OSError:
            return None


def read_overrides(folder: Path) -> LabelOverrides:
    """Read the overrides of a folder.

    A damaged file is set aside and its intact entries are kept; a file of a later version is ignored. Both are logged
    as warnings.

    Raises:
        StorageError: the file cannot be read at the moment.
    """
    file = _file(folder)
    try:
        content = _content(file)
    except DamagedError:
        with _locked(file):
            content = _repaired(file)
    except LaterVersionError as error:
        _log.warning("Label changes for %s were not applied. %s", display_path(folder), error)
        return LabelOverrides()
    return _overrides(content["photos"])


def override_labels(folder: Path, changes: Mapping[Path, LabelOverride | None]) -> dict[Path, LabelOverride | None]:
    """Override the labels of files in a folder.

    Args:
        folder: of labelled images.
        changes: the override of each file; None removes it.

    Returns:
        The previous override of each file; passing it to this function undoes the change.

    Raises:
        UsageError: a file cannot be read.
        StorageError: the overrides cannot be read or written; nothing was changed.
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
    """Keep other processes from changing the file: two windows must not overwrite each other's changes."""
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.with_suffix(".lock").open("ab") as lock:
            if not try_lock(lock):
                what = tr("Another program is changing the labels of the same photos.")
                raise StorageError(what, hint=tr("Try again in a moment."))
            yield


def _overrides(found: Mapping[str, Any]) -> LabelOverrides:
    by_hash = {key: result for key, value in found.items() if (result := _override(value)) is not None}
    sizes = frozenset(value["size"] for key, value in found.items() if key in by_hash)
    return LabelOverrides(MappingProxyType(by_hash), sizes)


def _content(file: Path) -> dict[str, Any]:
    """The content of a file; empty if it does not exist.

    Raises:
        DamagedError: it is damaged.
        LaterVersionError: a later version of Fovea wrote it.
        StorageError: it cannot be read at the moment.
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
    """The content of a file; a damaged one is set aside and replaced by its intact entries. The lock must be held.

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
        "The label changes in %s were damaged. Recovered %s of them; the damaged file was kept as %s.",
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
    what = tr("The label changes in “{file}” are damaged.", file=display_path(file))
    return DamagedError(what, hint=tr("Restore the file from a backup, or change the labels again."))


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
        reason = error.strerror or tr("unknown error")
        what = tr("Couldn't read “{name}”: {reason}.", name=display_path(path.name), reason=reason)
        raise UsageError(what, hint=tr("Check that the file exists and that you can open it.")) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def summarize(overridden: Iterable[OverriddenImage]) -> str:
    """The number of corrected labels and excluded photos in a sentence; empty if there are none."""
    listed = list(overridden)
    excluded = sum(one.label is None for one in listed)
    corrected = len(listed) - excluded
    if corrected and excluded:
        labels = tr_n("{count:,} label", "{count:,} labels", corrected)
        photos = tr_n("{count:,} photo", "{count:,} photos", excluded)
        return tr("You corrected {labels} and excluded {photos}.", labels=labels, photos=photos)
    if corrected:
        return tr_n("You corrected {count:,} label.", "You corrected {count:,} labels.", corrected)
    return tr_n("You excluded {count:,} photo.", "You excluded {count:,} photos.", excluded) if excluded else ""
