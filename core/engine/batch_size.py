"""How many images a graphics card computes at once where there are many, such as the photos of a folder."""

from __future__ import annotations

from typing import Final

from core.engine import graph, sessions
from core.engine.limits import MAX_BATCH, peak_memory
from core.engine.shapes import infer

MAX_CUDA_BATCH: Final = 64
"""Not measured on a card; `tests/benchmarks/cuda.py` prints the speed at 1 to 128 images."""
_MEMORY_SHARE: Final = 0.25
"""Of the card's memory, for the arrays of a batch: the rest is for weights, cuDNN's workspace and other programs."""


def batch_size(data: bytes) -> int:
    """The number of images per run that should fit into the memory of the graphics card.

    Args:
        data: the network's file, checked by `graph.check_backbone`.
    """
    model = graph.parse(data)
    image_bytes = peak_memory(model, infer(model, MAX_BATCH)) / MAX_BATCH
    return _largest_batch(int(sessions.cuda_memory() * _MEMORY_SHARE / image_bytes))


def _largest_batch(fitting: int) -> int:
    """The largest power of two that fits, from `MAX_BATCH` to `MAX_CUDA_BATCH`."""
    batch = MAX_CUDA_BATCH
    while batch > max(fitting, MAX_BATCH):
        batch //= 2
    return batch
