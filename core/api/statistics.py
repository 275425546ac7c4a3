"""The verbs of statistics: what a model or an ONNX file consists of, and how long its layers take."""

from __future__ import annotations

from pathlib import Path

from core.base.progress import CancelToken, ProgressCallback
from core.base.providers import ComputePrecision
from core.engine.values import LayerTimings
from core.models.values import ModelStatistics

Source = str | Path
"""A model in the library, `name` or `name@version`, or a backbone; or an ONNX file from anywhere."""


def model_statistics(source: Source, precision: ComputePrecision | None = None) -> ModelStatistics:
    """Count what a model or a file consists of, as far as possible; see `core.models.statistics`.

    Args:
        source: the model, backbone or file.
        precision: the variant of a backbone in the library; None for its own file.

    Raises:
        ModelError: it is missing or damaged, or there is no such variant.
    """
    from core.models import statistics
    from core.models.library import open_library

    if isinstance(source, Path):
        return statistics.file_statistics(source)
    return statistics.entry_statistics(statistics.Counted(statistics.find(source, open_library()), precision))


def measure_layers(
    source: Source, precision: ComputePrecision | None = None, *, report: ProgressCallback, token: CancelToken
) -> LayerTimings:
    """Measure how long each layer takes on the CPU; see `core.engine.layer_timing`.

    Raises:
        ModelError: as `model_statistics`; or the file is unsafe to run, needs too much memory or time, or does not run.
        Cancelled: the token was cancelled.
    """
    from core.models import statistics
    from core.models.library import open_library

    if isinstance(source, Path):
        return statistics.measure_file(source, report=report, token=token)
    counted = statistics.Counted(statistics.find(source, open_library()), precision)
    return statistics.measure_entry(counted, report=report, token=token)
