"""Output of results and messages: standard output, a file that is replaced atomically, and standard error."""

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
from core.base.i18n import mark, tr
from core.base.storage import as_text, replacing, writing_reason
from core.base.text import display_path

_READER_GONE: Final = (errno.EPIPE, errno.EINVAL)  # EINVAL: a pipe without a reader on Windows
_HINT: Final = mark("Choose a file in a folder you can write to, on a disk with free space.")


class BrokenPipeOutputError(Exception):
    """The reader of standard output has stopped, as `| head` does; the command ends silently."""


def print_message(text: str, hint: str = "") -> None:
    """Print a message to standard error: one line for the text, one for the hint."""
    lines = [f"fovea: {display_path(text)}", *([f"       {display_path(hint)}"] if hint else [])]
    if sys.stderr is None:
        return
    try:
        print("\n".join(lines), file=sys.stderr, flush=True)
    except (OSError, ValueError):  # full, closed or without a reader; the work continues
        _discard(sys.stderr)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal."""
    return stream is not None and stream.isatty()


def results_to(file: Path | None) -> contextlib.AbstractContextManager[TextIO]:
    """Open a UTF-8 text stream for results, standard output if `file` is None; line endings are written as given.

    A file is replaced only once the block ends without an error, so it is either complete or unchanged. Raises
    StorageError if the file cannot be written, or standard output is closed; BrokenPipeOutputError if the reader of
    standard output has gone.
    """
    return _standard_output() if file is None else _replaced_file(file)


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    if sys.stdout is None:
        raise StorageError(tr("Couldn't write the results: standard output is closed."), hint=tr(_HINT))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A console keeps its encoding; characters it lacks are escaped. Pipes and files get UTF-8 on every system.
        encoding = None if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace", newline="")
    try:
        yield sys.stdout
        sys.stdout.flush()
    except OSError as error:
        _discard(sys.stdout)
        if error.errno in _READER_GONE:
            raise BrokenPipeOutputError from error
        what = tr("Couldn't write the results: {reason}.", reason=error.strerror)
        raise StorageError(what, hint=tr(_HINT)) from error


def flush() -> None:
    """Flush standard output, so that nothing can fail when the process ends.

    Raises StorageError if it cannot be written; BrokenPipeOutputError if its reader has gone.
    """
    if sys.stdout is not None:
        with _standard_output():
            pass


def _discard(stream: TextIO) -> None:
    """Discard what is still buffered; otherwise Python would report an error on exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def _replaced_file(file: Path) -> Iterator[TextIO]:
    with replaced_file(file) as stream, as_text(stream) as text:
        yield text


@contextmanager
def replaced_file(file: Path) -> Iterator[BinaryIO]:
    """Open a file that is replaced only once the block ends without an error: it is either complete or unchanged.

    The target of a symbolic link is replaced, not the link; a device or a pipe is written to directly. Raises
    StorageError if the file cannot be written.
    """
    try:
        target = Path(os.path.realpath(file))
        is_device = target.exists() and not target.is_file() and not target.is_dir()
        with target.open("wb") if is_device else replacing(target) as stream:
            yield stream
    except OSError as error:
        what = tr("Couldn't write {file!r}: {reason}.", file=str(file), reason=writing_reason(file, error))
        raise StorageError(what, hint=tr(_HINT)) from error
    except KeyboardInterrupt:
        print_message(tr("{file!r} was not changed.", file=str(file)))
        raise
