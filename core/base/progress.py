"""Progress of long work, the time it will still take, and cancellation."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from core.base.errors import Cancelled

MIN_INTERVAL_S: Final = 0.05
"""At most 20 reports per second: smooth to the eye, and cheap to draw."""

_MIN_SAMPLE_S: Final = 0.5
"""Minimum time span for an estimate."""

MAX_SAMPLES: Final = 200
"""Reports used to measure the speed, 10 seconds and more: older ones, such as those of cached steps, are dropped."""

_PAUSE_POLL_S: Final = 0.1
"""How often paused work checks whether to resume."""


class StageKind(StrEnum):
    """What those who watch a stage need to know of it, in whatever language its name is."""

    OTHER = "other"
    STARTING = "starting"
    """The trainer starts."""
    IMAGES = "images"
    """Every step is an image."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one stage of the work is.

    Attributes:
        stage: what is being done, translated for display.
        step: how many steps are done, 0 to `total`.
        remaining_s: estimated remaining seconds of this stage; None while unknown.
    """

    stage: str
    step: int
    total: int
    remaining_s: float | None
    kind: StageKind = StageKind.OTHER


ProgressCallback: TypeAlias = Callable[[Progress], None]
"""Called with progress in the working thread; must return quickly."""


class CancelToken:
    """A request to cancel or pause work: set from any thread, checked by the work.

    Whatever takes a token raises `Cancelled` soon after it was cancelled. If it `was_paused`, the duration of the
    work is meaningless.
    """

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._paused = False
        self.was_paused = False

    def cancel(self) -> None:
        """Cancel the work, paused or not; idempotent."""
        self._cancelled.set()

    def pause(self) -> None:
        """Pause the work at its next check, until it is resumed or cancelled."""
        self._paused = self.was_paused = True

    def resume(self) -> None:
        """Resume paused work."""
        self._paused = False

    @property
    def paused(self) -> bool:
        """Whether the work should pause."""
        return self._paused

    @property
    def cancelled(self) -> bool:
        """Whether the work was cancelled."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Return if the work should continue; wait while it is paused."""
        while self._paused and not self._cancelled.wait(_PAUSE_POLL_S):
            pass
        if self._cancelled.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Wait, paused or not; a cancellation is noticed at the latest afterwards."""
        if self._cancelled.wait(seconds):
            raise Cancelled


def speed_of(samples: Sequence[tuple[float, int]]) -> float | None:
    """Steps per second by moments in seconds and the steps done by then, in order; None if these say too little."""
    (first, done_then), (last, done_now) = samples[0], samples[-1]
    if last - first < _MIN_SAMPLE_S or done_now == done_then:
        return None
    return (done_now - done_then) / (last - first)


class ProgressReporter:
    """Counts the steps of one stage, reports them at most 20 times per second, and estimates the remaining time.

    The first and the last step are always reported. Not thread-safe.
    """

    def __init__(
        self,
        stage: str,
        total: int,
        report: ProgressCallback,
        *,
        kind: StageKind = StageKind.OTHER,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start a stage of `total` steps and report it; `now` returns seconds of a monotonic clock."""
        self._stage, self._kind, self._total, self._report, self._now = stage, kind, total, report, now
        self._samples: deque[tuple[float, int]] = deque(maxlen=MAX_SAMPLES)
        self._step = 0
        self._report_progress(now())

    def advance(self, steps: int = 1) -> None:
        """Count steps as done; never beyond the total."""
        before, self._step = self._step, min(self._total, self._step + steps)
        moment = self._now()
        ended = before < self._step == self._total
        if ended or moment - self._samples[-1][0] >= MIN_INTERVAL_S:
            self._report_progress(moment)

    def _report_progress(self, moment: float) -> None:
        self._samples.append((moment, self._step))
        self._report(Progress(self._stage, self._step, self._total, self._remaining_s(), self._kind))

    def _remaining_s(self) -> float | None:
        """Remaining seconds at the speed of the latest reports."""
        if self._step == self._total:
            return 0.0
        speed = speed_of(self._samples)
        return None if speed is None else (self._total - self._step) / speed
