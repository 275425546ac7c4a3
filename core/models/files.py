"""Reading of model files: each must be a regular file, not too large, with the hash in its card."""

from __future__ import annotations

import contextlib
import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.base.errors import ModelError, os_reason
from core.base.i18n import mark, tr
from core.base.text import display_path
from core.engine import graph

REINSTALL: Final = mark("Install the model again, or use another one.")


def read_checked(path: Path, sha256: str) -> bytes:
    """Read a file and check its hash.

    Raises:
        ModelError: as `read_file`, or the hash differs.
    """
    data = read_file(path)
    check_hash(data, sha256, path)
    return data


def check_hash(data: bytes, sha256: str, path: Path) -> None:
    """Check the hash of a file's content.

    Raises:
        ModelError: the hash differs.
    """
    if hashlib.sha256(data).hexdigest() != sha256:
        what = tr("The model file “{file}” is damaged or was changed.", file=_display_name(path))
        raise ModelError(what, hint=tr(REINSTALL))


def read_file(path: Path) -> bytes:
    """Read a file.

    Raises:
        ModelError: it is missing, cannot be read, is not a regular file, or is too large for a model.
    """
    with _reading(path):
        if file_size(path) > graph.MAX_BYTES:
            raise ModelError(tr("The model file “{file}” is too large.", file=_display_name(path)), hint=tr(REINSTALL))
        return path.read_bytes()


def file_size(path: Path) -> int:
    """The size of a regular file in bytes; others are refused, because a pipe, for example, would block the reader.

    Raises:
        ModelError: it is missing, cannot be accessed, or is not a regular file.
    """
    with _reading(path):
        status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(tr("“{file}” is not a file.", file=_display_name(path)), hint=tr(REINSTALL))
    return status.st_size


def _display_name(path: Path) -> str:
    """The file with its last two folders: `models/general/head.npz`, or `birds/3/head.npz`."""
    return display_path(Path(*path.parts[-3:]))


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        what = tr("The model file “{file}” is missing.", file=_display_name(path))
        raise ModelError(what, hint=tr(REINSTALL)) from error
    except OSError as error:
        reason = os_reason(error)
        what = tr("Couldn't read the model file “{file}”: {reason}.", file=_display_name(path), reason=reason)
        raise ModelError(what, hint=tr(REINSTALL)) from error
