"""The size and speed of backbones as LiteRT files, see `core.app.litert_benchmark`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.app.litert_benchmark import FILES
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressReporter
from core.engine import golden
from core.engine.graph import FEATURES, INPUT
from core.models.weight_storage import Storage
from core.trainer.backbone import Backbone, read_backbone
from core.trainer.framework import keras
from core.trainer.litert import convert, open_runner
from core.trainer.onnx_to_keras import rebuild_keras
from core.training.protocol import TrainerEvent

_ROUNDS: Final = 9
"""Of which the first warms up."""


def run(folder: Path, emit: Callable[[TrainerEvent], None], token: CancelToken) -> Mapping[str, Any]:
    """Convert and measure the backbones in the folders of a folder.

    Raises:
        ModelError: one is damaged, or cannot be converted.
        Cancelled: the token was cancelled.
    """
    places = sorted(folder.glob("[0-9]*"), key=lambda place: int(place.name))
    clock, rows = ProgressReporter(tr("measuring LiteRT"), len(places) * len(Storage), emit), []
    for place in places:
        backbone, files = read_backbone(place), {}
        network = _features_alone(backbone)
        images = golden.golden_inputs(backbone.card.preprocessing.size)
        for storage in Storage:
            token.check()
            files[storage] = convert(network, storage, images)
            clock.advance()
        times = _measure(files, images[:1], token)
        rows += [[int(place.name), storage.value, len(data), times[storage]] for storage, data in files.items()]
    return {FILES: rows}


def _features_alone(backbone: Backbone) -> keras.Model:
    """The network without its feature map: with it, nothing could be left out at the end."""
    network = rebuild_keras(backbone.data, backbone.card, None)
    return keras.Model(network.input, {FEATURES: network.output[FEATURES]})


def _measure(files: Mapping[Storage, bytes], image: NDArray[np.uint8], token: CancelToken) -> dict[Storage, float]:
    """Median milliseconds of each file for an image [1, size, size, 3]; the files take turns."""
    runners = {storage: open_runner(data) for storage, data in files.items()}
    times: dict[Storage, list[float]] = {storage: [] for storage in files}
    for _ in range(_ROUNDS):
        token.check()
        for storage, runner in runners.items():
            started = time.perf_counter()
            runner(**{INPUT: image})
            times[storage].append((time.perf_counter() - started) * 1000)
    return {storage: statistics.median(values[1:]) for storage, values in times.items()}
