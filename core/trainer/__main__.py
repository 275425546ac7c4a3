"""The trainer process: `python -m core.trainer train FOLDER`, `litert FOLDER` or `self-check`.

Events, as `core.training.protocol` has them, are all that it says on standard output. It goes on while its standard
input is open: whoever started it closes that to call it off, and a parent that dies does so too; `PAUSE` and
`RESUME`, said there, let it wait and go on. Exit codes: 0 done, 1 something unforeseen, told on standard error,
2 failed, 3 called off.
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
from core.base.progress import CancelToken, Progress
from core.training.protocol import TrainerDone, TrainerEvent, TrainerFailed, read_job, write_event
from core.training.trainer_process import PAUSE, RESUME

EXIT_FAILED: Final = 2
EXIT_CANCELLED: Final = 3

_GRACE_S: Final = 1.0
"""How long the work may take to notice that it was called off; imports and exports never look at the token."""
_NICENESS: Final = 5
"""The window goes first where cores are few."""

if sys.platform == "win32":
    import _winapi
    import msvcrt

    _POLL_S: Final = 0.2

    def _next_order(pipe: int) -> bytes:
        """The next byte said there, waited for; empty once nobody holds the other end.

        It waits outside of the read, because numpy cannot be imported beside a waiting one.
        """
        try:
            while not _winapi.PeekNamedPipe(msvcrt.get_osfhandle(pipe), 0)[0]:
                time.sleep(_POLL_S)
        except OSError:
            return b""
        return os.read(pipe, 1)
else:

    def _next_order(pipe: int) -> bytes:
        """The next byte said there, waited for; empty once nobody holds the other end."""
        return os.read(pipe, 1)


def main(arguments: Sequence[str]) -> int:
    """Do what is asked, and return the exit code.

    Args:
        arguments: what to do, and the folder it is about.
    """
    logging.basicConfig(format="%(message)s")
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    token = CancelToken()
    # Ctrl+C is for the parent, who then closes our standard input.
    shutdown.end_on_signals(token.cancel, grace_s=_GRACE_S, ignore_interrupts=True)
    orders = _claim_descriptor(0, os.open(os.devnull, os.O_RDONLY))
    threading.Thread(target=_follow_orders, args=(orders, token), name="orders", daemon=True).start()
    events = _claim_descriptor(1, 2)

    def emit(event: TrainerEvent) -> None:
        line = f"{write_event(event)}\n".encode()
        try:
            while line:
                line = line[os.write(events, line) :]
        except OSError:  # nobody listens any more
            raise Cancelled from None

    try:
        return _run(arguments, emit, token)
    except Cancelled:
        return EXIT_CANCELLED


def _claim_descriptor(descriptor: int, instead: int) -> int:
    """A standard stream as a descriptor of our own; whatever else uses the standard one gets another stream instead."""
    kept = os.dup(descriptor)
    os.dup2(instead, descriptor)
    return kept


def _follow_orders(orders: int, token: CancelToken) -> None:
    """Pause the work and have it go on as it is said on standard input, and call it off as soon as that is closed.

    Every file is written whole or not at all.
    """
    while order := _next_order(orders):
        if order == PAUSE:
            token.pause()
        elif order == RESUME:
            token.resume()
    token.cancel()
    time.sleep(_GRACE_S)
    shutdown.end(EXIT_CANCELLED)


def _run(arguments: Sequence[str], emit: Callable[[TrainerEvent], None], token: CancelToken) -> int:
    emit(Progress("starting", 0, 1, None))
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
        case ["self-check"]:
            from core.trainer import self_check

            return self_check.run(token)
    raise UsageError(f"The trainer does not understand {' '.join(arguments)!r}.", hint="Install Fovea again.")


def _train(folder: Path, emit: Callable[[TrainerEvent], None], token: CancelToken) -> Mapping[str, Any]:
    job = read_job(folder)
    for half_a_file in folder.glob(".*.part"):  # a kill left them
        half_a_file.unlink(missing_ok=True)
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
    raise UsageError(f"There is no recipe {job.recipe!r}.", hint="Choose dense or fine-tune.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
