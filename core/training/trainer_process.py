"""The trainer process as seen from the one that starts it: events come, or the reason why none come any more."""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from core.base.progress import CancelToken, Progress, ProgressCallback
from core.training.protocol import Epoch, TrainerDone, TrainerEvent, TrainerFailed, read_event
from core.training.trainer_program import find_program

_PAUSE_S: Final = 0.1
"""How often the token is looked at."""
_TERMINATE_AFTER_S: Final = (5.0, 2.0)
"""How long the trainer may take to end: once it was asked to, and once it was told to."""
_DRAIN_S: Final = 1.0
_MAX_EVENT_BYTES: Final = 1024**2
"""Bytes; the facts of a training with a thousand epochs are a tenth of that."""
_MAX_LINE_BYTES: Final = 2000
_LAST_LINES: Final = 50
_MAX_STDERR: Final = 300
"""Characters of the last line that a message repeats."""
PAUSE: Final = b"p"
"""Said to the trainer on its standard input: wait."""
RESUME: Final = b"r"
"""Likewise: go on."""
_RESUME_AFTER: Final = "Close other programs if memory may have run out; the same command goes on where it stopped."
_FLAGS: Final = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
"""On Windows, where a program without a window would get a console, and where the window is to go first."""

_log = logging.getLogger(__name__)
_ERRORS: Final[Mapping[str, type[FoveaError]]] = {
    family.kind: family for family in (ModelError, ProviderError, UsageError, StorageError, DatasetError, DivergedError)
}


def run_trainer(
    arguments: Sequence[str], *, report: ProgressCallback, on_epoch: Callable[[Epoch], None], token: CancelToken
) -> Mapping[str, Any]:
    """Have the trainer process do something, and wait for it; callable from any thread.

    Args:
        arguments: `train` or `litert` and the folder it is about, or `self-check`.
        report: told of each stage, in the calling thread.
        on_epoch: told of each epoch, in the calling thread.
        token: looked at ten times a second. The process has ended when `Cancelled` is raised; while the token is
            paused, the process waits, where it next looks at its own token.

    Returns:
        The facts of the trainer's `KeywordChange`.

    Raises:
        TrainerDiedError: it died.
        TrainerError: what it needs is not installed, or it said what nobody understands.
        FoveaError: it gave up; the error is of the kind it named.
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
    """Run a process that says `core.training.protocol`'s events, as `run_trainer` does."""
    token.check()
    with _Process(command, environment) as process:
        for event in process.events(token):
            match event:
                case Progress():
                    report(event)
                case Epoch():
                    on_epoch(event)
                case TrainerFailed():
                    raise _ERRORS.get(event.kind, TrainerError)(event.message, hint=event.hint)
                case TrainerDone():
                    return event.facts
        raise process.exit_error()


class _Process:
    """A process that says events; leaving the `with` block ends it, gently if it lets us."""

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
            raise TrainerError(f"The trainer does not start: {error}.", hint="Close other programs.") from error
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
        """What it says, as it comes, until it closes its standard output."""
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
        """What to say of a process that ended without having said how it went."""
        self._end()
        words = [line for line in b"".join(self._tail).decode(errors="replace").splitlines() if line.strip()]
        if words:
            _log.warning("The trainer's last words:\n%s", "\n".join(words))
        code = self._process.returncode
        how = f"exit code {code}" if code >= 0 else f"signal {-code}, {signal.strsignal(-code)}"
        last = f": {words[-1].strip()[:_MAX_STDERR]}" if words else "."
        return TrainerDiedError(f"The trainer ended before its work did ({how}){last}", hint=_RESUME_AFTER)

    def _pause(self, token: CancelToken) -> None:
        """Return if the work shall go on, and once it shall; meanwhile the process waits too.

        Raises:
            Cancelled: it was called off.
        """
        if token.paused:
            self._send(PAUSE)
            token.check()
            self._send(RESUME)
        token.check()

    def _send(self, order: bytes) -> None:
        assert self._process.stdin
        with contextlib.suppress(OSError):  # it died: that is told when its standard output ends
            self._process.stdin.write(order)
            self._process.stdin.flush()

    def _on_line(self, line: bytes) -> None:
        if not self._is_ending:
            self._events.put(line)

    def _end(self) -> None:
        """Ask it to end by closing its standard input, then tell it, then make it."""
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
    """Takes what a stream brings, line by line, so that its writer never waits; an empty line is the end."""

    def __init__(self, stream: IO[bytes] | None, longest: int, take: Callable[[bytes], None]) -> None:
        assert stream
        self._stream, self._max_bytes, self._on_line = stream, longest, take
        self._thread = threading.Thread(target=self._listen, name="trainer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hear the stream out and close it; one that somebody else still holds is left alone."""
        self._thread.join(_DRAIN_S)
        if not self._thread.is_alive():
            self._stream.close()

    def _listen(self) -> None:
        while line := self._stream.readline(self._max_bytes):
            self._on_line(line)
        self._on_line(b"")
