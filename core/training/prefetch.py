"""Prefetching for feature computation, started while the folder is still being scanned."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from core.base.errors import FoveaError
from core.datasets.scan import MIN_SIDE
from core.engine.engine import Engine
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor
from core.images.decoding import Pixels
from core.images.preprocessing import preprocess

LIMIT_BYTES: Final = 256 * 1024**2
"""The largest memory for prefetched images: a thousand of 299x299 pixels."""


class FeaturePrefetcher:
    """Opens the engine at the first image without cached features, and preprocesses such images for it.

    Pass `on_decoded` to `core.datasets.dataset.read_dataset`, and `source` to `core.engine.features.compute_features`,
    which gives the same features as with the original source, only sooner. Unused images are dropped at the end of the
    `with` block. An engine that is still being opened is waited for only after a `FoveaError`, with which a program
    may end: engines can't start threads at its exit, so the provider would be taken for broken.
    """

    def __init__(self, source: FeatureExtractor, store: FeatureStore, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Create a prefetcher; nothing starts before the first image.

        Args:
            source: the feature extractor; its engine is opened in a thread.
            store: the feature cache; it must stay open during the `with` block.
            limit_bytes: the largest memory for prefetched images; images beyond it are decoded a second time.
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

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        with self._lock:
            self._is_closed = True
            self._ready.clear()
        self._opener.shutdown(wait=isinstance(error, FoveaError))

    @property
    def source(self) -> FeatureExtractor:
        """An extractor of the same features that uses the prefetched engine and images."""
        return replace(self._plain, open=self._open, get_prepared=self._take_pixels)

    def on_decoded(self, sha256: str, pixels: Pixels) -> None:
        """Take a decoded image, no smaller than `MIN_SIDE`; callable from any thread."""
        if self._is_wanted(sha256):
            values = preprocess(pixels, self._plain.card.preprocessing)
            with self._lock:
                if not self._is_closed:
                    self._ready[sha256] = values

    def _is_wanted(self, sha256: str) -> bool:
        """Whether an image has no cached features and there is room for it; if it has none, the engine is opened."""
        with self._lock:
            if self._is_closed or self._store.get(self._plain.kind, [sha256]):
                return False
            self._opening = self._opening or self._opener.submit(self._plain.open)
            return len(self._ready) < self._max_images

    def _open(self) -> Engine:
        return self._opening.result() if self._opening else self._plain.open()

    def _take_pixels(self, sha256: str) -> NDArray[np.uint8] | None:
        return self._ready.pop(sha256, None)
