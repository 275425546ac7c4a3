"""The speed of one model in this window."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from core.base.i18n import tr, tr_n
from core.prediction import Outcome, Prediction

_WINDOW_S: Final = 3.0
_MAX_RECENT: Final = 500
_MAX_SAMPLES: Final = 2000


class Speed:
    """Counts classified images, and their inference times in milliseconds."""

    def __init__(self) -> None:
        self._classified_at: deque[float] = deque(maxlen=_MAX_RECENT)
        self._inference_ms: deque[float] = deque(maxlen=_MAX_SAMPLES)

    def add(self, outcome: Outcome) -> None:
        """Count an image that was classified now."""
        self._classified_at.append(time.monotonic())
        if isinstance(outcome, Prediction):
            self._inference_ms.append(outcome.timing.inference_ms)

    def images_per_second(self) -> float:
        """Classified images per second over the last few seconds; 0 while nothing runs."""
        now = time.monotonic()
        recent = [moment for moment in self._classified_at if now - moment < _WINDOW_S]
        span = now - recent[0] if len(recent) > 1 else 0.0
        return (len(recent) - 1) / span if span > 0 else 0.0

    def latency_text(self) -> str:
        """The median and the 95th percentile of the inference times."""
        if not self._inference_ms:
            return tr("no photos yet")
        import statistics  # slow to import

        median = statistics.median(self._inference_ms)
        if len(self._inference_ms) < 2:
            return tr("{milliseconds:.1f} ms (1 photo)", milliseconds=median)
        slow = statistics.quantiles(self._inference_ms, n=20, method="inclusive")[-1]
        return tr_n(
            "median {median:.1f} ms, 95% within {slow:.1f} ms ({count:,} photo)",
            "median {median:.1f} ms, 95% within {slow:.1f} ms ({count:,} photos)",
            len(self._inference_ms),
            median=median,
            slow=slow,
        )
