"""Where results and remarks go: standard output, a file that is replaced whole, and standard error."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from core.base.errors import StorageError
from core.base.storage import as_text, replacing
from core.base.text import display_path

_READER_GONE: Final = (errno.EPIPE, errno.EINVAL)  # EINVAL: what Windows says of a pipe nobody reads
_HINT: Final = "Name a file in a folder that you may write to, on a disk with free space."


class BrokenPipeOutputError(Exception):
    """Whoever read standard output has stopped, as `| head` does; no more is to be said."""


def print_message(text: str, *, hint: str = "") -> None:
    """Say something to the person on standard error, one line for what and one for the hint."""
    lines = [f"fovea: {display_path(text)}", *([f"       {display_path(hint)}"] if hint else [])]
    if sys.stderr is None:
        return
    try:
        print("\n".join(lines), file=sys.stderr, flush=True)
    except (OSError, ValueError):  # it is full, closed or nobody reads it; the work goes on
        _discard(sys.stderr)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at it."""
    return stream is not None and stream.isatty()


def results_to(file: Path | None) -> contextlib.AbstractContextManager[TextIO]:
    """Open a stream of UTF-8 text for results, on standard output if `file` is None; line ends are written as given.

    A file is written beside and replaced only when the block ends well, so it holds everything or is as it was.

    Raises:
        StorageError: the file cannot be written, or standard output is closed.
        ReaderGoneError: nobody reads standard output any more.
    """
    return _standard_output() if file is None else _replaced_file(file)


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    if sys.stdout is None:
        raise StorageError("Standard output is closed, so there is nowhere to write results.", hint=_HINT)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A console keeps its own encoding; what it lacks is escaped. A pipe or a file gets UTF-8 on every system.
        encoding = None if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace", newline="")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except OSError as error:
        _discard(sys.stdout)
        if error.errno in _READER_GONE:
            raise BrokenPipeOutputError from error
        raise StorageError(f"The results could not be written: {error.strerror}.", hint=_HINT) from error


def flush() -> None:
    """Write what is buffered for standard output, so that the end of the process finds nothing that may fail.

    Raises:
        StorageError: it cannot be written.
        ReaderGoneError: nobody reads it any more.
    """
    if sys.stdout is not None:
        with _standard_output():
            pass


def _discard(stream: TextIO) -> None:
    """What is still buffered goes nowhere; otherwise Python would complain about it when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def _replaced_file(file: Path) -> Iterator[TextIO]:
    with replaced_file(file) as stream, as_text(stream) as text:
        yield text


@contextmanager
def replaced_file(file: Path) -> Iterator[BinaryIO]:
    """Open a file that is replaced only when the block ends well, so it holds everything or is as it was.

    A link stays a link to the new content; a device or a pipe cannot be replaced and is written to as it is.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        target = Path(os.path.realpath(file))
        is_device = target.exists() and not target.is_file() and not target.is_dir()
        with target.open("wb") if is_device else replacing(target) as stream:
            yield stream
    except OSError as error:
        raise StorageError(f"{str(file)!r} could not be written: {error.strerror}.", hint=_HINT) from error
    except KeyboardInterrupt:
        print_message(f"{str(file)!r} is as it was.")
        raise
