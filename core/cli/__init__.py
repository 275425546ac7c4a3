"""The command line: `fovea classify`, `sort`, `train` and all others; the window is opened elsewhere.

Results go to standard output, everything said about them to standard error. Exit codes: 0 all done, 1 some images
failed and the others are done, 2 nothing could start, 130 stopped by Ctrl+C, 141 nobody reads the output any more, 143
stopped by SIGTERM.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from core.base import shutdown
from core.base.errors import FoveaError
from core.base.home import check_home
from core.cli.arguments import parse
from core.cli.classify_arguments import ClassifyRequest
from core.cli.streams import BrokenPipeOutputError, flush, print_message

EXIT_FAILED = 2
EXIT_READER_GONE = 141
_CHANGING: Final = ("import", "remove", "restore", "use", "activate", "rollback")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; expected failures become two lines on standard error.

    Args:
        argv: the arguments after the program's name; those of this process if None.
    """
    try:
        with _log_to_standard_error():
            arguments = parse(sys.argv[1:] if argv is None else argv)
            check_home(writes=_writes(arguments))
            code = _run(arguments)
        flush()
    except FoveaError as error:
        print_message(error.what, hint=error.hint)
        return EXIT_FAILED
    except OSError as error:  # a disk that fails, or a name that no file can have
        where = "" if error.filename is None else f" {str(error.filename)!r}"
        print_message(
            f"Could not use{where or ' a file'}: {error.strerror or error}.", hint="Check that name and its disk."
        )
        return EXIT_FAILED
    except KeyboardInterrupt:
        print_message("Stopped.")
        return shutdown.exit_code()
    except BrokenPipeOutputError:
        return EXIT_READER_GONE
    except SystemExit as end:  # --help and --version
        return end.code if isinstance(end.code, int) else 0
    return code


def _writes(arguments: argparse.Namespace) -> bool:
    """Whether Fovea's folders must be writable.

    Where FOVEA_HOME names them they must be, but for the doctor, who says what is wrong; else only for commands whose
    result lies there, so that a user without a home can classify photos.
    """
    if arguments.command == "doctor":
        return False
    changes = arguments.command in ("train", "sort", "keywords", "watch") or (
        arguments.command in ("models", "jobs") and arguments.action in _CHANGING
    )
    return changes or bool(os.environ.get("FOVEA_HOME"))


def _run(arguments: argparse.Namespace) -> int:
    """Each command imports what it needs only now, so that `--help` answers at once."""
    match arguments.command:
        case "train":
            from core.cli import train

            return train.run(arguments)
        case "evaluate":
            from core.cli import evaluate

            return evaluate.run(arguments)
        case "models":
            from core.cli import models

            return models.run(arguments)
        case "doctor":
            from core.cli import doctor

            return doctor.run(as_json=arguments.format == "json")
        case "benchmark":
            from core.cli import benchmark

            return benchmark.run(as_json=arguments.format == "json")
        case _:
            return _run_on_photos(arguments)


def _run_on_photos(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "classify":
            from core.cli import classify

            return classify.run(ClassifyRequest.of(arguments))
        case "sort":
            from core.cli import sort

            return sort.run(arguments)
        case "keywords":
            from core.cli import keywords

            return keywords.run(arguments)
        case "watch":
            from core.cli import watch

            return watch.run(arguments)
        case _:
            from core.cli import jobs

            return jobs.run(arguments)


class _WarningHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print_message(record.getMessage())


@contextmanager
def _log_to_standard_error() -> Iterator[None]:
    """Warnings of the core, such as a provider that stopped working, reach the person."""
    log, handler = logging.getLogger("core"), _WarningHandler(logging.WARNING)
    log.addHandler(handler)
    propagate, log.propagate = log.propagate, False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagate
