"""What computing features will need, begun while the folder is still being read."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from core.datasets.scan import MIN_SIDE
from core.engine.engine import Engine
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor
from core.images.decoding import Pixels
from core.images.preprocessing import preprocess

LIMIT_BYTES: Final = 256 * 1024**2
"""What images made ready ahead may take in memory: a thousand of 299x299 pixels."""


class FeaturePrefetcher:
    """Opens the engine at the first image whose features are not kept, and makes such images ready for it.

    `decoded` is for `core.datasets.dataset.read_dataset`, `source` for `core.engine.features.compute_features`, which
    computes the same from it as from the source given here, or sooner. What was made ready and is not asked for is
    dropped at the end of the `with` block; an engine still being opened then is left to itself.
    """

    def __init__(self, source: FeatureExtractor, store: FeatureStore, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Nothing begins before the first image.

        Args:
            source: what makes features; it is asked in a thread to open the engine.
            store: where features are kept; it must be open as long as the block lasts.
            limit_bytes: what images made ready may take in memory; those beyond are decoded a second time.
        """
        plan = source.card.preprocessing
        self._plain, self._store = source, store
        self._max_images = limit_bytes // (3 * plan.size**2) if plan.min_decode_side == MIN_SIDE else 0
        self._ready: dict[str, NDArray[np.uint8]] = {}
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="open")
        self._opening: Future[Engine] | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_closed = True
            self._ready.clear()
            self._opener.shutdown(wait=False)

    @property
    def source(self) -> FeatureExtractor:
        """What makes the same features, with a start."""
        return replace(self._plain, open=self._open, get_prepared=self._take_pixels)

    def on_decoded(self, sha256: str, pixels: Pixels) -> None:
        """Take an image that was decoded, no smaller than `MIN_SIDE`, in whatever thread."""
        if self._is_wanted(sha256):
            values = preprocess(pixels, self._plain.card.preprocessing)
            with self._lock:
                if not self._is_closed:
                    self._ready[sha256] = values

    def _is_wanted(self, sha256: str) -> bool:
        """Whether there is room for an image without features; one without has the engine opened."""
        with self._lock:
            if self._is_closed or self._store.get(self._plain.kind, [sha256]):
                return False
            self._opening = self._opening or self._opener.submit(self._plain.open)
            return len(self._ready) < self._max_images

    def _open(self) -> Engine:
        return self._opening.result() if self._opening else self._plain.open()

    def _take_pixels(self, sha256: str) -> NDArray[np.uint8] | None:
        return self._ready.pop(sha256, None)
