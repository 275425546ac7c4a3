"""How fast a job is, and how long it will still take."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from core.jobs.values import JobProgress

_MIN_INTERVAL_S: Final = 0.05
_MIN_SAMPLE_S: Final = 0.5
_MAX_SAMPLES: Final = 200
"""Reports from which the speed is taken, 10 seconds and more."""


class RateEstimator:
    """Counts what a run does and reports it, at most 20 times a second, when all are found, and at its end.

    One thread counts; any may tell, one at a time.
    """

    def __init__(self, report: Callable[[JobProgress], None], *, now: Callable[[], float] = time.monotonic) -> None:
        self._report, self._now = report, now
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, int]] = deque([(now(), 0)], maxlen=_MAX_SAMPLES)
        self._published_at = float("-inf")
        self.progress = JobProgress(0, walked=False, finished=0, fresh=0, failed=0, per_second=None, remaining_s=None)

    def count(self, outcomes: int, *, new: int, failed: int) -> None:
        """Count images that got an outcome; `new` of them in this run."""
        with self._lock:
            before = self.progress
            self.progress = replace(
                before, finished=before.finished + outcomes, fresh=before.fresh + new, failed=before.failed + failed
            )

    def update(self, found: int, remaining: int | None) -> None:
        """Report, if it is time.

        Args:
            found: images found so far.
            remaining: how many of all wait still; None as long as not all are found.
        """
        with self._lock:
            was_walked, moment = self.progress.walked, self._now()
            if was_walked and remaining is None:
                return  # by who looked before all were found
            if (
                remaining == 0
                or was_walked != (remaining is not None)
                or moment - self._published_at >= _MIN_INTERVAL_S
            ):
                self._published_at = moment
                self._publish(found, remaining)

    def _publish(self, found: int, left: int | None) -> None:
        self._samples.append((self._published_at, self.progress.fresh))
        speed = self._speed()
        remaining = left / speed if speed and left else 0.0 if left == 0 else None
        self.progress = replace(
            self.progress, found=found, walked=left is not None, per_second=speed, remaining_s=remaining
        )
        self._report(self.progress)

    def _speed(self) -> float | None:
        (first, done_then), (last, done_now) = self._samples[0], self._samples[-1]
        if last - first < _MIN_SAMPLE_S or done_now == done_then:
            return None
        return (done_now - done_then) / (last - first)
