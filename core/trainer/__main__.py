"""The trainer process: `python -m core.trainer`, then a command and its folder, see `_work`, or `self-check`.

It writes only events to standard output, see `core.training.protocol`. It runs as long as its standard input is open:
the parent closes it to cancel, as does the death of the parent; `PAUSE` and `RESUME` on standard input pause and resume
it. Exit codes: 0 done, 1 unexpected error (on standard error), 2 failed, 3 cancelled.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core.base import shutdown
from core.base.errors import Cancelled, FoveaError, UsageError
from core.base.i18n import tr
from core.base.paths import cache_folder
from core.base.progress import CancelToken, Progress, StageKind
from core.training.protocol import TrainerDone, TrainerEvent, TrainerFailed, read_job, write_event
from core.training.trainer_process import PAUSE, RESUME

EXIT_FAILED: Final = 2
EXIT_CANCELLED: Final = 3

_GRACE_S: Final = 1.0
"""How long the work may take to notice that it was cancelled; imports and exports never check the token."""
_NICENESS: Final = 5
"""The window has priority if there are few cores."""

if sys.platform == "win32":
    import _winapi
    import msvcrt

    _POLL_S: Final = 0.2

    def _next_command(pipe: int) -> bytes:
        """Wait for the next byte; empty once the other end is closed.

        It polls, because NumPy cannot be imported while another thread blocks in a read.
        """
        try:
            while not _winapi.PeekNamedPipe(msvcrt.get_osfhandle(pipe), 0)[0]:
                time.sleep(_POLL_S)
        except OSError:
            return b""
        return os.read(pipe, 1)
else:

    def _next_command(pipe: int) -> bytes:
        """Wait for the next byte; empty once the other end is closed."""
        return os.read(pipe, 1)


def main(arguments: Sequence[str]) -> int:
    """Run a command, and return the exit code.

    Args:
        arguments: the command and its folder.
    """
    logging.basicConfig(format="%(message)s")
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    token = CancelToken()
    # Ctrl+C is handled by the parent, which then closes our standard input.
    shutdown.end_on_signals(token.cancel, grace_s=_GRACE_S, ignore_interrupts=True)
    commands = _claim_descriptor(0, os.open(os.devnull, os.O_RDONLY))
    threading.Thread(target=_follow_commands, args=(commands, token), name="commands", daemon=True).start()
    events = _claim_descriptor(1, 2)

    def emit(event: TrainerEvent) -> None:
        line = f"{write_event(event)}\n".encode()
        try:
            while line:
                line = line[os.write(events, line) :]
        except OSError:  # the parent no longer reads
            raise Cancelled from None

    try:
        return _run(arguments, emit, token)
    except Cancelled:
        return EXIT_CANCELLED


def _claim_descriptor(descriptor: int, instead: int) -> int:
    """Duplicate a standard stream for our own use, and redirect the standard one to another descriptor."""
    kept = os.dup(descriptor)
    os.dup2(instead, descriptor)
    return kept


def _follow_commands(commands: int, token: CancelToken) -> None:
    """Pause and resume the work on command, and cancel it when standard input is closed.

    Ending the process at any moment is safe, because all files are written atomically.
    """
    while command := _next_command(commands):
        if command == PAUSE:
            token.pause()
        elif command == RESUME:
            token.resume()
    token.cancel()
    time.sleep(_GRACE_S)
    shutdown.end(EXIT_CANCELLED)


def _run(arguments: Sequence[str], emit: Callable[[TrainerEvent], None], token: CancelToken) -> int:
    emit(Progress(tr("starting"), 0, 1, None, StageKind.STARTING))
    try:
        facts = _work(arguments, emit, token)
    except FoveaError as error:
        emit(TrainerFailed(error.kind, error.what, error.hint))
        return EXIT_FAILED
    emit(TrainerDone(facts))
    return 0


def _work(arguments: Sequence[str], emit: Callable[[TrainerEvent], None], token: CancelToken) -> Mapping[str, Any]:
    match arguments:
        case ["train", folder]:
            return _train(Path(folder), emit, token)
        case ["litert", folder]:
            from core.trainer import litert

            return litert.run(Path(folder), emit, token)
        case ["litert-benchmark", folder]:
            from core.trainer import litert_benchmark

            return litert_benchmark.run(Path(folder), emit, token)
        case ["backbone", folder]:
            keras_home = cache_folder() / "keras"
            keras_home.mkdir(parents=True, exist_ok=True)
            os.environ.setdefault("KERAS_HOME", str(keras_home))  # read by Keras when it is imported
            from core.trainer import published

            return published.run(Path(folder), emit, token)
        case ["self-check"]:
            from core.trainer import self_check

            return self_check.run(token)
    what = tr("The trainer doesn't support the command “{command}”.", command=" ".join(arguments))
    raise UsageError(what, hint=tr("Reinstall Fovea."))


def _train(folder: Path, emit: Callable[[TrainerEvent], None], token: CancelToken) -> Mapping[str, Any]:
    job = read_job(folder)
    for partial_file in folder.glob(".*.part"):  # left by a kill
        partial_file.unlink(missing_ok=True)
    from core.trainer.framework import keras, tf

    token.check()
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(job.seed % 2**32)
    match job.recipe:
        case "dense":
            from core.trainer import dense

            return dense.run(job, folder, emit, token)
        case "fine-tune":
            from core.trainer import fine_tune

            return fine_tune.run(job, folder, emit, token)
    raise UsageError(tr("Unknown recipe “{name}”.", name=job.recipe), hint=tr("Use dense or fine-tune."))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
