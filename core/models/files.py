"""Reading a model's files: each must be a plain file of a model's size, and the one its card names."""

from __future__ import annotations

import contextlib
import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.base.errors import ModelError
from core.base.text import display_path
from core.engine import graph

REINSTALL: Final = "Install the model again, or use another one."


def read_checked(path: Path, sha256: str) -> bytes:
    """The file's bytes, proven to have the sum that a card names.

    Raises:
        ModelError: as `read_file`, or the sum is another.
    """
    data = read_file(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelError(
            f"The file {_display_name(path)} is not the one its card names: its sum differs.", hint=REINSTALL
        )
    return data


def read_file(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        ModelError: it is missing, cannot be read, is no plain file, or is larger than any model's.
    """
    with _reading(path):
        if file_size(path) > graph.MAX_BYTES:
            raise ModelError(f"The file {_display_name(path)} is larger than any model's.", hint=REINSTALL)
        return path.read_bytes()


def file_size(path: Path) -> int:
    """Bytes of a plain file; anything else, such as a pipe that would block a reader, is no part of a model.

    Raises:
        ModelError: it is missing, cannot be looked at, or is no plain file.
    """
    with _reading(path):
        status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{_display_name(path)} is not a file.", hint=REINSTALL)
    return status.st_size


def _display_name(path: Path) -> str:
    """The file with the folders that say whose it is: `models/general/head.npz`, or `birds/3/head.npz`."""
    return f"“{display_path(Path(*path.parts[-3:]))}”"


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ModelError(f"The file {_display_name(path)} of the model is missing.", hint=REINSTALL) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelError(
            f"The file {_display_name(path)} of the model cannot be read: {reason}.", hint=REINSTALL
        ) from error
