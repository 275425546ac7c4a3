"""The client of the trainer process: starts it, passes on its events, and reports why it ended."""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any, Final, Self

from core.base.errors import (
    DatasetError,
    DivergedError,
    FoveaError,
    ModelError,
    ProviderError,
    StorageError,
    TrainerDiedError,
    TrainerError,
    UsageError,
)
from core.base.i18n import mark, tr
from core.base.progress import CancelToken, Progress, ProgressCallback
from core.training.protocol import Epoch, TrainerDone, TrainerEvent, TrainerFailed, read_event
from core.training.trainer_program import find_program

_PAUSE_S: Final = 0.1
"""How often the token is checked."""
_TERMINATE_AFTER_S: Final = (5.0, 2.0)
"""How long the trainer may take to end after its standard input was closed, and after it was terminated."""
_DRAIN_S: Final = 1.0
_MAX_EVENT_BYTES: Final = 1024**2
"""The facts of a training with a thousand epochs are a tenth of that."""
_MAX_LINE_BYTES: Final = 2000
_LAST_LINES: Final = 50
_MAX_STDERR: Final = 300
"""The most characters of the last line that a message quotes."""
PAUSE: Final = b"p"
"""The command on the trainer's standard input to pause."""
RESUME: Final = b"r"
"""The command on the trainer's standard input to resume."""
_RESUME_AFTER: Final = mark(
    "Resume the training, or run the same command again. If memory ran out, close other programs first."
)
_FLAGS: Final = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
"""On Windows, no console window is opened, and the main window has priority."""

_log = logging.getLogger(__name__)
_ERRORS: Final[Mapping[str, type[FoveaError]]] = {
    family.kind: family for family in (ModelError, ProviderError, UsageError, StorageError, DatasetError, DivergedError)
}


def run_trainer(
    arguments: Sequence[str], *, report: ProgressCallback, on_epoch: Callable[[Epoch], None], token: CancelToken
) -> Mapping[str, Any]:
    """Run the trainer process and wait for it; callable from any thread.

    Args:
        arguments: `train` or `litert` with a job's folder, or `self-check`.
        report: called for each stage, in the calling thread.
        on_epoch: called after each epoch, in the calling thread.
        token: checked ten times a second. The process has ended when `Cancelled` is raised; while the token is paused,
            the process pauses where it next checks its own token.

    Returns:
        The facts of its `TrainerDone`.

    Raises:
        TrainerDiedError: it died.
        TrainerError: its dependencies are not installed, or it sent an invalid message.
        FoveaError: it failed; the error has the kind that it reported.
        Cancelled: the token was cancelled.
    """
    program = find_program()
    command = [*program.command, *arguments]
    return run_worker(command, environment=program.environment, report=report, on_epoch=on_epoch, token=token)


def run_worker(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    report: ProgressCallback,
    on_epoch: Callable[[Epoch], None],
    token: CancelToken,
) -> Mapping[str, Any]:
    """Run a process that writes events as in `core.training.protocol`; see `run_trainer`."""
    token.check()
    with _Process(command, environment) as process:
        for event in process.events(token):
            match event:
                case Progress():
                    report(replace(event, stage=tr(event.stage)))  # as this process words it
                case Epoch():
                    on_epoch(event)
                case TrainerFailed():
                    raise _ERRORS.get(event.kind, TrainerError)(tr(event.message), hint=tr(event.hint))
                case TrainerDone():
                    return event.facts
        raise process.exit_error()


class _Process:
    """A process that writes events; leaving the `with` block ends it, gracefully if possible."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None) -> None:
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                creationflags=_FLAGS,
            )
        except OSError as error:
            what = tr("Couldn't start the trainer: {reason}.", reason=error)
            raise TrainerError(what, hint=tr("Close other programs and try again.")) from error
        self._events: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._is_ending = False
        self._tail: deque[bytes] = deque(maxlen=_LAST_LINES)
        self._listeners = (
            _Listener(self._process.stdout, _MAX_EVENT_BYTES, self._on_line),
            _Listener(self._process.stderr, _MAX_LINE_BYTES, self._tail.append),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def events(self, token: CancelToken) -> Iterator[TrainerEvent]:
        """Yield its events until it closes its standard output."""
        while True:
            self._pause(token)
            try:
                line = self._events.get(timeout=_PAUSE_S)
            except queue.Empty:
                continue
            if not line:
                return
            yield read_event(line.decode(errors="replace"))

    def exit_error(self) -> TrainerDiedError:
        """The error for a process that ended without reporting a result."""
        self._end()
        lines = [line for line in b"".join(self._tail).decode(errors="replace").splitlines() if line.strip()]
        if lines:
            _log.warning("The trainer's last output:\n%s", "\n".join(lines))
        code = self._process.returncode
        if code >= 0:
            how = tr("exit code {code}", code=code)
        else:
            how = tr("signal {signal}, {description}", signal=-code, description=signal.strsignal(-code))
        if lines:
            last = lines[-1].strip()[:_MAX_STDERR]
            what = tr("The trainer ended unexpectedly ({how}): {last_line}", how=how, last_line=last)
        else:
            what = tr("The trainer ended unexpectedly ({how}).", how=how)
        return TrainerDiedError(what, hint=tr(_RESUME_AFTER))

    def _pause(self, token: CancelToken) -> None:
        """Wait, together with the process, while the token is paused.

        Raises:
            Cancelled: the token was cancelled.
        """
        if token.paused:
            self._send(PAUSE)
            token.check()
            self._send(RESUME)
        token.check()

    def _send(self, order: bytes) -> None:
        assert self._process.stdin
        with contextlib.suppress(OSError):  # it died, which is reported when its standard output ends
            self._process.stdin.write(order)
            self._process.stdin.flush()

    def _on_line(self, line: bytes) -> None:
        if not self._is_ending:
            self._events.put(line)

    def _end(self) -> None:
        """Close its standard input, then terminate it, then kill it, until it ends."""
        assert self._process.stdin
        self._is_ending = True
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        for patience, insist in zip(_TERMINATE_AFTER_S, (self._process.terminate, self._process.kill), strict=True):
            try:
                self._process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                insist()
        self._process.wait()
        for listener in self._listeners:
            listener.close()


class _Listener:
    """Reads a stream line by line in a thread, so that its writer never blocks; an empty line marks the end."""

    def __init__(self, stream: IO[bytes] | None, longest: int, take: Callable[[bytes], None]) -> None:
        assert stream
        self._stream, self._max_bytes, self._on_line = stream, longest, take
        self._thread = threading.Thread(target=self._listen, name="trainer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Drain the stream and close it, unless another process still holds it open."""
        self._thread.join(_DRAIN_S)
        if not self._thread.is_alive():
            self._stream.close()

    def _listen(self) -> None:
        while line := self._stream.readline(self._max_bytes):
            self._on_line(line)
        self._on_line(b"")
