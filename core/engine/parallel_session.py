"""Full batches of a network in 8 bits on the CPU: each core computes images of its own instead of a part of each layer.

In 8 bits a layer takes so little time that the cores mostly wait for each other: on two of them (Zen 4), eight images
of Xception and EfficientNet-Lite0 take 40.5 ms each with both cores in every layer, and 33 this way. One image
alone takes 62 ms on one core, and 47 on two.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from core.engine import graph, sessions
from core.engine.limits import MAX_BATCH

_MAX_CORES: Final = 2 * MAX_BATCH
"""With more, a full batch would leave too many of them without an image."""


def core_count() -> int:
    """How many processors there are, as far as known."""
    return os.cpu_count() or 1


class ParallelSession:
    """An output of a network for full batches; callable from one thread at a time.

    Attributes:
        shape: of the input, [n, size, size, 3].
    """

    def __init__(self, data: bytes, size: int, output: str = graph.FEATURES) -> None:
        """Nothing is opened before the first batch.

        Args:
            data: the network's file, which works with the CPU provider.
            size: the side of its images in pixels.
            output: its output.
        """
        self.shape = (MAX_BATCH, size, size, 3)
        self._data, self._output, self._session = data, output, None

    @classmethod
    def if_useful(cls, data: bytes, size: int, output: str = graph.FEATURES) -> ParallelSession | None:
        """One for this machine; None if it has a single core, or too many."""
        return cls(data, size, output) if 1 < core_count() <= _MAX_CORES else None

    def run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The output float32 [n, ...] for preprocessed images uint8 [n, size, size, 3]."""
        session = self._opened()

        def run_one(place: int) -> NDArray[np.float32]:
            one = batch[place : place + 1]
            return np.asarray(session.run([self._output], {graph.INPUT: one})[0], np.float32)

        with ThreadPoolExecutor(core_count(), thread_name_prefix="engine") as pool:
            return np.concatenate(list(pool.map(run_one, range(len(batch)))))

    def _opened(self) -> ort.InferenceSession:
        if self._session is None:
            self._session, self._data = sessions.open_single_threaded(self._data), b""
        return self._session
