"""Benchmark of this machine, as values: every installed backbone on every working provider, and decoding.

Providers are measured alternately, round by round, so that other load on the machine affects all of them equally:
ratios are stable even if milliseconds vary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from PIL import Image

from core.base.errors import ModelError, ProviderError
from core.base.i18n import tr
from core.base.leftovers import temporary_folder
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.providers import ComputePrecision, Precision, Provider, ProviderPreference
from core.card import BackboneCard, Preprocessing
from core.engine import golden
from core.engine.engine import Engine
from core.engine.limits import MAX_BATCH
from core.engine.provider_selection import ProviderProbe, candidates, probe_provider
from core.engine.sessions import unavailable_providers
from core.images.decoding import DECODE_THREADS, decode
from core.images.preprocessing import preprocess
from core.models.examine import all_backbones
from core.models.installed import backbone_files
from core.models.library import Library
from core.models.values import InstalledBackbone

BATCHES: Final = (1, MAX_BATCH)
"""Batch sizes: a single photo, and a folder."""
PHOTO: Final = (4000, 3000)
"""Width and height of the decoded photo: 12 megapixels."""
_ROUNDS: Final = 7
_PARALLEL_DECODES: Final = 4
_ANY: Final = ProviderPreference.AUTO


@dataclass(frozen=True, slots=True)
class EngineTimings:
    """The timings of one backbone on one provider in one precision.

    Attributes:
        backbone: its name in the library; empty for a provider that works with none.
        provider: the provider.
        precision: the requested precision.
        computed_in: the number format that it is computed in.
        agreement: lowest cosine with the features in its card; None if it does not work.
        batch_ms: by batch size, median milliseconds per image; empty if it does not work.
        error: why it does not work.
    """

    backbone: str
    provider: Provider
    precision: Precision
    computed_in: ComputePrecision
    agreement: float | None
    batch_ms: dict[int, float]
    error: ProviderError | ModelError | None


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """The measurements of this machine.

    Attributes:
        engines: each backbone and each of its variants, on each provider that may run it, in each precision; and
            once each provider that works with none.
        size: the input size that photos are decoded for, in pixels.
        decode_ms: from file to input of a 12-megapixel JPEG, median milliseconds, sequentially.
        decode_at_once_ms: the same per image if all threads decode in parallel.
    """

    engines: tuple[EngineTimings, ...]
    size: int
    decode_ms: float
    decode_at_once_ms: float


def measure(library: Library, *, report: ProgressCallback, token: CancelToken) -> BenchmarkResult:
    """Measure this machine; takes some seconds per backbone and provider.

    Raises:
        ModelError: a backbone is damaged.
        Cancelled: the token was cancelled.
    """
    backbones, unavailable = all_backbones(library), unavailable_providers()
    plan = max((one.card.preprocessing for one in backbones), key=lambda one: one.size, default=Preprocessing(299))
    clock = ProgressReporter(tr("measuring"), len(backbones) * _ROUNDS + _ROUNDS, report)

    def step() -> None:
        token.check()
        clock.advance()

    engines = [figures for backbone in backbones for figures in _engines(backbone, unavailable, step)]
    engines += [
        EngineTimings("", provider, Precision.AUTO, ComputePrecision.FLOAT32, None, {}, error)
        for provider, error in unavailable.items()
    ]
    return BenchmarkResult(tuple(engines), plan.size, *_decoding(plan, step))


def _engines(
    backbone: InstalledBackbone, unavailable: Collection[Provider], step: Callable[[], None]
) -> list[EngineTimings]:
    files, size = backbone_files(backbone), backbone.card.preprocessing.size
    tried = [(precision, *pair) for precision in Precision for pair in candidates(files, _ANY, precision)]
    probes = [
        (precision, probe_provider(files, card, provider, precision))
        for precision, provider, card in tried
        if provider not in unavailable and _differs(provider, card, precision)
    ]
    times = _times([probe.engine for _, probe in probes if probe.engine], size, step)
    return [_engine_timings(backbone.name, precision, probe, times) for precision, probe in probes]


def _differs(provider: Provider, card: BackboneCard, precision: Precision) -> bool:
    """Whether the precision makes a difference: the CPU provider computes in that of the file."""
    is_own = card.precision is ComputePrecision.FLOAT32
    return provider is not Provider.CPU or precision is (Precision.EXACT if is_own else Precision.AUTO)


def _times(engines: Sequence[Engine], size: int, step: Callable[[], None]) -> dict[Engine, dict[int, float]]:
    """Median milliseconds per image of each engine by batch size, measured alternately."""
    images = np.resize(golden.golden_inputs(size), (MAX_BATCH, size, size, 3))
    found: dict[tuple[Engine, int], list[float]] = {(engine, count): [] for engine in engines for count in BATCHES}
    for _ in range(_ROUNDS):
        for (engine, count), each in found.items():
            each.append(_milliseconds(partial(engine.run, images[:count])) / count)
        step()
    return {engine: {count: median(found[engine, count]) for count in BATCHES} for engine in engines}


def _engine_timings(
    backbone: str, precision: Precision, probe: ProviderProbe, times: dict[Engine, dict[int, float]]
) -> EngineTimings:
    engine, error = probe.engine, probe.error
    if engine is None:
        return EngineTimings(backbone, probe.provider, precision, probe.card.precision, None, {}, error)
    found = engine.agreement, times[engine]
    return EngineTimings(backbone, probe.provider, precision, engine.precision, *found, error)


def _decoding(plan: Preprocessing, step: Callable[[], None]) -> tuple[float, float]:
    """Median milliseconds from file to input, sequentially and in parallel."""
    with temporary_folder("benchmark") as folder, ThreadPoolExecutor(DECODE_THREADS) as pool:
        photo = _draw(folder / "photo.jpg")

        def read(_: object = None) -> None:
            preprocess(decode(photo, min_side=plan.min_decode_side), plan)

        sequential, parallel = [], []
        count = _PARALLEL_DECODES * DECODE_THREADS
        for _ in range(_ROUNDS):
            sequential.append(_milliseconds(read))
            parallel.append(_milliseconds(lambda: _all(pool.map(read, range(count)))) / count)
            step()
    return median(sequential), median(parallel)


def _draw(file: Path) -> Path:
    """Write a photo with realistic detail: smooth shapes with fine noise."""
    width, height = PHOTO
    draw = np.random.default_rng(0)
    shapes = Image.fromarray(draw.integers(0, 256, (24, 32, 3), np.uint8)).resize((width, height))
    noisy = np.asarray(shapes, np.int16) + draw.integers(-12, 13, (height, width, 1), np.int16)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, quality=90)
    return file


def _all(work: Iterable[object]) -> None:
    for _ in work:
        pass


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)
