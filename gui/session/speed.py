"""The speed of one model in this window."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Final

from core.base.i18n import tr, tr_n
from core.prediction import Outcome, Prediction

_WINDOW_S: Final = 3.0
_MAX_RECENT: Final = 500
_MAX_PARALLEL: Final = 4
"""Networks that run at the same time, at most: parts of a joined backbone, or of a batch."""
_MAX_SAMPLES: Final = 2000


class Speed:
    """Counts classified images, and their inference times in milliseconds."""

    def __init__(self) -> None:
        self._classified: deque[tuple[float, float]] = deque(maxlen=_MAX_RECENT)
        self._inference_ms: dict[Path, float] = {}

    def add(self, outcome: Outcome) -> None:
        """Count an image that was classified now."""
        inference_ms = outcome.timing.inference_ms if isinstance(outcome, Prediction) else 0.0
        self._classified.append((time.monotonic(), inference_ms))
        if isinstance(outcome, Prediction):
            self._inference_ms.pop(outcome.path, None)  # a photo counts once, as it was classified last
            self._inference_ms[outcome.path] = inference_ms
            if len(self._inference_ms) > _MAX_SAMPLES:
                del self._inference_ms[next(iter(self._inference_ms))]

    def images_per_second(self) -> float:
        """Classified images per second over the last few seconds; 0 while nothing runs.

        Also 0 if only the head was changed: predictions from cached features say nothing about the speed. Their times,
        which are those of the first inference, then add up to more than the time that has passed.
        """
        now = time.monotonic()
        recent = [(moment, took) for moment, took in self._classified if now - moment < _WINDOW_S]
        span = now - recent[0][0] if len(recent) > 1 else 0.0
        were_kept = sum(took for _, took in recent[1:]) / 1000 > _MAX_PARALLEL * span
        return 0.0 if were_kept or span <= 0 else (len(recent) - 1) / span

    def latency_text(self) -> str:
        """The median and the 95th percentile of the inference times."""
        if not self._inference_ms:
            return tr("no photos yet")
        import statistics  # slow to import

        median = statistics.median(self._inference_ms.values())
        if len(self._inference_ms) < 2:
            return tr("{milliseconds:.1f} ms (1 photo)", milliseconds=median)
        slow = statistics.quantiles(self._inference_ms.values(), n=20, method="inclusive")[-1]
        return tr_n(
            "median {median:.1f} ms, 95% within {slow:.1f} ms ({count:,} photo)",
            "median {median:.1f} ms, 95% within {slow:.1f} ms ({count:,} photos)",
            len(self._inference_ms),
            median=median,
            slow=slow,
        )
