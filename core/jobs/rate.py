"""How fast a job is, and how long it will still take."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from core.jobs.values import JobProgress

_LEAST_PAUSE_S: Final = 0.05
_LEAST_EVIDENCE_S: Final = 0.5
_REMEMBERED: Final = 200
"""Reports from which the speed is taken, 10 seconds and more."""


class Pace:
    """Counts what a run does and reports it, at most 20 times a second, when all are found, and at its end.

    One thread counts; any may tell, one at a time.
    """

    def __init__(self, report: Callable[[JobProgress], None], *, now: Callable[[], float] = time.monotonic) -> None:
        self._report, self._now = report, now
        self._lock = threading.Lock()
        self._seen: deque[tuple[float, int]] = deque([(now(), 0)], maxlen=_REMEMBERED)
        self._told = float("-inf")
        self.progress = JobProgress(0, walked=False, finished=0, fresh=0, failed=0, per_second=None, remaining_s=None)

    def count(self, outcomes: int, *, fresh: int, failed: int) -> None:
        """Count images that got an outcome; `fresh` of them in this run."""
        with self._lock:
            before = self.progress
            self.progress = replace(
                before, finished=before.finished + outcomes, fresh=before.fresh + fresh, failed=before.failed + failed
            )

    def tell(self, found: int, left: int | None) -> None:
        """Report, if it is time.

        Args:
            found: images found so far.
            left: how many of all wait still; None as long as not all are found.
        """
        with self._lock:
            was_walked, moment = self.progress.walked, self._now()
            if was_walked and left is None:
                return  # by who looked before all were found
            if left == 0 or was_walked != (left is not None) or moment - self._told >= _LEAST_PAUSE_S:
                self._told = moment
                self._tell(found, left)

    def _tell(self, found: int, left: int | None) -> None:
        self._seen.append((self._told, self.progress.fresh))
        speed = self._speed()
        remaining = left / speed if speed and left else 0.0 if left == 0 else None
        self.progress = replace(
            self.progress, found=found, walked=left is not None, per_second=speed, remaining_s=remaining
        )
        self._report(self.progress)

    def _speed(self) -> float | None:
        (first, done_then), (last, done_now) = self._seen[0], self._seen[-1]
        if last - first < _LEAST_EVIDENCE_S or done_now == done_then:
            return None
        return (done_now - done_then) / (last - first)
