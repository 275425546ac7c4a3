"""The command line: `fovea classify`, `sort`, `train` and all others; the window is opened elsewhere.

Results go to standard output, everything said about them to standard error. Exit codes: 0 all done, 1 some images
failed and the others are done, 2 nothing could start, 130 stopped by Ctrl+C, 141 nobody reads the output any more.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core.cli.arguments import parse
from core.cli.classify_arguments import ClassifyRequest
from core.cli.streams import ReaderGoneError, tell
from core.errors import FoveaError

EXIT_FAILED = 2
EXIT_STOPPED = 130
EXIT_READER_GONE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; expected failures become two lines on standard error.

    Args:
        argv: the arguments after the program's name; those of this process if None.
    """
    try:
        with _log_to_standard_error():
            return _run(parse(sys.argv[1:] if argv is None else argv))
    except FoveaError as error:
        tell(error.what, hint=error.hint)
        return EXIT_FAILED
    except KeyboardInterrupt:
        tell("Stopped.")
        return EXIT_STOPPED
    except ReaderGoneError:
        return EXIT_READER_GONE
    except SystemExit as end:  # --help and --version
        return end.code if isinstance(end.code, int) else 0


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


class _Remarks(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tell(record.getMessage())


@contextmanager
def _log_to_standard_error() -> Iterator[None]:
    """Warnings of the core, such as a provider that stopped working, reach the person."""
    log, handler = logging.getLogger("core"), _Remarks(logging.WARNING)
    log.addHandler(handler)
    propagate, log.propagate = log.propagate, False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagate
