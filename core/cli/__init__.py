"""The command line: `fovea classify`, `sort`, `train` and the other commands.

Each command or action is a module whose `run` takes the arguments. It returns the exit code (None: 0), or raises
FoveaError if nothing could start, or the work failed while running.

Results go to standard output, messages to standard error. Exit codes: 0 all done, 1 some images failed and the
others are done, 2 nothing could start, 130 stopped by Ctrl+C, 141 the reader of standard output has gone, 143
stopped by SIGTERM.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Final

from core.base import shutdown
from core.base.errors import FoveaError
from core.base.home import check_home
from core.base.i18n import tr
from core.cli.arguments import parse
from core.cli.streams import BrokenPipeOutputError, flush, print_message

EXIT_FAILED = 2
EXIT_READER_GONE = 141
_CHANGING: Final = ("import", "remove", "restore", "use", "activate", "rollback")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; expected errors become two lines on standard error."""
    try:
        with _log_to_standard_error():
            arguments = parse(sys.argv[1:] if argv is None else argv)
            check_home(writes=_writes(arguments))
            code = _run(arguments)
        flush()
    except FoveaError as error:
        print_message(error.what, hint=error.hint)
        return EXIT_FAILED
    except OSError as error:  # a failing disk, or a name that no file can have
        _print_os_error(error)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print_message(tr("Stopped."))
        return shutdown.exit_code()
    except BrokenPipeOutputError:
        return EXIT_READER_GONE
    except SystemExit as end:  # --help and --version
        return end.code if isinstance(end.code, int) else 0
    return code


def _print_os_error(error: OSError) -> None:
    reason = error.strerror or str(error)
    if error.filename is None:
        print_message(tr("Couldn't access a file: {reason}.", reason=reason), hint=tr("Check the disk."))
    else:
        what = tr("Couldn't access {file!r}: {reason}.", file=str(error.filename), reason=reason)
        print_message(what, hint=tr("Check the name and the disk."))


def _writes(arguments: argparse.Namespace) -> bool:
    """Whether Fovea's folders must be writable.

    They must be if FOVEA_HOME is set, except for `doctor`, which reports what is wrong; otherwise only for commands
    that store their results there, so that users without a home folder can classify photos.
    """
    if arguments.command == "doctor":
        return False
    changes = arguments.command in ("train", "sort", "keywords", "watch") or (
        arguments.command in ("models", "jobs") and arguments.action in _CHANGING
    )
    return changes or bool(os.environ.get("FOVEA_HOME"))


def _run(arguments: argparse.Namespace) -> int:
    """Run a command; its module is imported only when it is used, so that `--help` is fast."""
    code: int = import_module(f"core.cli.{arguments.command}").run(arguments)
    return code


class _WarningHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print_message(record.getMessage())


@contextmanager
def _log_to_standard_error() -> Iterator[None]:
    """Print the core's warnings, such as a provider that stopped working, to standard error."""
    log, handler = logging.getLogger("core"), _WarningHandler(logging.WARNING)
    log.addHandler(handler)
    propagate, log.propagate = log.propagate, False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagate
