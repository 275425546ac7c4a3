"""Estimating the speed and remaining time of a job."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from core.base.progress import MAX_SAMPLES, MIN_INTERVAL_S, speed_of
from core.jobs.values import JobProgress


class RateEstimator:
    """Counts results, and reports progress at most 20 times a second, when all images were found, and at the end.

    Thread-safe, but only one thread may count.
    """

    def __init__(self, report: Callable[[JobProgress], None], *, now: Callable[[], float] = time.monotonic) -> None:
        self._report, self._now = report, now
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, int]] = deque([(now(), 0)], maxlen=MAX_SAMPLES)
        self._published_at = float("-inf")
        self.progress = JobProgress(0, walked=False, finished=0, fresh=0, failed=0, per_second=None, remaining_s=None)

    def count(self, outcomes: int, *, new: int, failed: int) -> None:
        """Count images with an outcome, of which `new` were computed in this run."""
        with self._lock:
            before = self.progress
            self.progress = replace(
                before, finished=before.finished + outcomes, fresh=before.fresh + new, failed=before.failed + failed
            )

    def update(self, found: int, remaining: int | None) -> None:
        """Report progress, if it is due.

        Args:
            found: the number of images found so far.
            remaining: the number of images without an outcome; None until all images were found.
        """
        with self._lock:
            was_walked, moment = self.progress.walked, self._now()
            if was_walked and remaining is None:
                return  # a late report from before all images were found
            if remaining == 0 or was_walked != (remaining is not None) or moment - self._published_at >= MIN_INTERVAL_S:
                self._published_at = moment
                self._publish(found, remaining)

    def _publish(self, found: int, left: int | None) -> None:
        self._samples.append((self._published_at, self.progress.fresh))
        speed = speed_of(self._samples)
        remaining = left / speed if speed and left else 0.0 if left == 0 else None
        self.progress = replace(
            self.progress, found=found, walked=left is not None, per_second=speed, remaining_s=remaining
        )
        self._report(self.progress)
