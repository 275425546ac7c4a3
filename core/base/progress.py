"""Progress of long work: how far it is, how long it will still take, and how it is called off."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from core.base.errors import Cancelled

_MIN_INTERVAL_S: Final = 0.05
"""At most 20 reports a second: more than an eye follows, and cheap for whoever draws them."""

_MIN_SAMPLE_S: Final = 0.5
"""Before this much has been seen, an estimate would be a guess."""

_MAX_SAMPLES: Final = 200
"""Reports from which the speed is taken, 10 seconds and more: old speed, such as that of cached steps, is forgotten."""

_PAUSE_POLL_S: Final = 0.1
"""How often paused work looks whether it may go on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stage of the work is.

    Attributes:
        stage: what is being done, in words for a person.
        step: how many steps are done, 0 to `total`.
        total: how many steps there are.
        remaining_s: seconds this stage will probably still take; None while that cannot be told.
    """

    stage: str
    step: int
    total: int
    remaining_s: float | None


ProgressCallback: TypeAlias = Callable[[Progress], None]
"""Takes progress as it comes, in the thread that works, and returns quickly."""


class CancelToken:
    """The user's wish to cancel work, or to pause it: set from any thread, looked at by the work.

    Attributes:
        was_paused: whether the work was ever paused, so that its time says nothing.
    """

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._paused = False
        self.was_paused = False

    def cancel(self) -> None:
        """Call the work off, paused or not; a second time changes nothing."""
        self._cancelled.set()

    def pause(self) -> None:
        """Let the work wait, where it looks at the token next, until it is resumed or called off."""
        self._paused = self.was_paused = True

    def resume(self) -> None:
        """Let the work go on."""
        self._paused = False

    @property
    def paused(self) -> bool:
        """Whether the work is to wait."""
        return self._paused

    @property
    def cancelled(self) -> bool:
        """Whether the work was called off."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Return if the work shall go on, and once it shall.

        Raises:
            Cancelled: it was called off.
        """
        while self._paused and not self._cancelled.wait(_PAUSE_POLL_S):
            pass
        if self._cancelled.is_set():
            raise Cancelled


class ProgressReporter:
    """Counts the steps of one stage, reports them at most 20 times a second, and estimates what remains.

    The first and the last step are always reported. It belongs to one thread.
    """

    def __init__(
        self, stage: str, total: int, report: ProgressCallback, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin the stage, and report that.

        Args:
            stage: what is being done, in words for a person.
            total: how many steps there are, 0 or more.
            report: takes the progress.
            now: seconds on a clock that never goes back.
        """
        self._stage, self._total, self._report, self._now = stage, total, report, now
        self._samples: deque[tuple[float, int]] = deque(maxlen=_MAX_SAMPLES)
        self._step = 0
        self._report_progress(now())

    def advance(self, steps: int = 1) -> None:
        """Count steps as done; never beyond the total."""
        before, self._step = self._step, min(self._total, self._step + steps)
        moment = self._now()
        ended = before < self._step == self._total
        if ended or moment - self._samples[-1][0] >= _MIN_INTERVAL_S:
            self._report_progress(moment)

    def _report_progress(self, moment: float) -> None:
        self._samples.append((moment, self._step))
        self._report(Progress(self._stage, self._step, self._total, self._remaining_s()))

    def _remaining_s(self) -> float | None:
        """Seconds left at the speed of the remembered reports."""
        if self._step == self._total:
            return 0.0
        (first, done_then), (last, done_now) = self._samples[0], self._samples[-1]
        if last - first < _MIN_SAMPLE_S or done_now == done_then:
            return None
        return (last - first) / (done_now - done_then) * (self._total - self._step)
