"""The engine: one backbone on one provider, verified before use.

A provider is used only if its session reports it, a warm-up run succeeds, and its features of the golden inputs agree
with those in the backbone's card.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from core.base.errors import ModelError, ProviderError
from core.base.i18n import tr
from core.base.providers import TITLES, ComputePrecision, Precision, Provider
from core.card import BackboneCard
from core.engine import golden, graph, sessions
from core.engine.batch_size import batch_size
from core.engine.bound_session import BoundSession
from core.engine.limits import MAX_BATCH
from core.engine.parallel_session import ParallelSession, core_count
from core.engine.part_sessions import PartSessions, split_parts

MIN_AGREEMENT: Final = {Precision.EXACT: 0.9999, Precision.AUTO: 0.998}
"""Lowest allowed cosine between the computed features and those in the card.

OpenVINO's bfloat16 measured 0.9994 with Xception, but 0.9969 with EfficientNet-Lite0, which therefore runs in float32.
"""

FLOAT32_AGREEMENT: Final = 0.99999
"""Features in float32 have at least this cosine with the card's, see `golden.encode_features`; bfloat16's have less."""

_TIMED_RUNS: Final = 3
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """An open backbone.

    Only one thread at a time may call `run`; decode in other threads.

    Attributes:
        card: the card of the backbone, or of its variant, that is open.
        provider: the provider that actually runs it.
        requested: the requested precision.
        precision: the number format it is computed in.
        agreement: lowest cosine between its features of the golden inputs and the card's.
        opening_ms: how long opening and verification took.
    """

    card: BackboneCard
    provider: Provider
    requested: Precision
    precision: ComputePrecision
    agreement: float
    opening_ms: float
    _session: ort.InferenceSession = field(repr=False)
    _full_batch: BoundSession | ParallelSession | None = field(default=None, repr=False)

    @property
    def batch(self) -> int:
        """How many images to compute at once where there are many, such as the photos of a folder."""
        return self._full_batch.shape[0] if self._full_batch else MAX_BATCH

    def run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features float32 [n, d] of preprocessed images uint8 [n, size, size, 3].

        Raises:
            ProviderError: the provider failed while running.
        """
        full = self._full_batch
        if full is not None and batch.shape == full.shape:
            return _checked(lambda: full.run(batch), batch, self.provider)
        return _run(self._session, graph.FEATURES, batch, self.provider)

    def milliseconds(self) -> float:
        """The median time of a single image, measured now.

        Raises:
            ProviderError: the provider failed while running.
        """
        image, times = golden.golden_inputs(self.card.preprocessing.size)[:1], []
        for _ in range(_TIMED_RUNS):
            started = time.perf_counter()
            self.run(image)
            times.append((time.perf_counter() - started) * 1000)
        return statistics.median(times)

    def run_with_maps(self, batch: NDArray[np.uint8]) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]:
        """Features float32 [n, d], and the feature map of each part, of preprocessed images, in one forward pass.

        The maps are float32 with the axes of the card's `feature_map_layout`.

        Raises:
            ProviderError: the provider failed while running.
        """
        names = [graph.FEATURES, *graph.feature_maps(self.card)]
        features, *maps = _guarded(lambda: self._session.run(names, {graph.INPUT: batch}), self.provider)
        checked = [_checked_rows(one, batch, self.provider) for one in (features, *maps)]
        return checked[0], tuple(checked[1:])


def open_engine(data: bytes, card: BackboneCard, provider: Provider, requested: Precision) -> Engine:
    """Open a backbone on one provider, and verify it.

    Args:
        data: the file of a backbone or of a variant, checked by `graph.check_backbone`.
        card: its card.
        provider: the provider; there is no fallback here.
        requested: how far its features may differ from the card's, see `MIN_AGREEMENT`; with AUTO, a provider whose
            fastest arithmetic differs more runs in float32.

    Raises:
        ProviderError: the provider does not work.
        ModelError: even the CPU cannot run the file, or its features differ from the card's.
    """
    started = time.perf_counter()
    inputs = golden.golden_inputs(card.preprocessing.size)
    try:
        session, agreement = _open(data, card, inputs, provider, requested)
        full_batch = _open_full_batch(session, data, card, provider, requested)
    except ProviderError as error:
        if provider is not Provider.CPU:
            raise
        raise ModelError(tr("The backbone does not run: {reason}", reason=error.what), hint=_damaged_hint()) from error
    if agreement < MIN_AGREEMENT[requested] and provider is Provider.CPU and card.precision is ComputePrecision.INT8:
        session, agreement, full_batch = *_open_saturating(data, card, inputs), None
    if agreement < MIN_AGREEMENT[requested]:
        raise _mismatch_error(provider, agreement, requested)
    opening_ms = (time.perf_counter() - started) * 1000
    precision = _precision(card, provider, agreement)
    return Engine(card, provider, requested, precision, agreement, opening_ms, session, full_batch)


def _open_full_batch(
    session: ort.InferenceSession, data: bytes, card: BackboneCard, provider: Provider, requested: Precision
) -> BoundSession | ParallelSession | None:
    """What runs full batches: on a graphics card the largest that it can run, in 8 bits one image for each core.

    None where the session itself is as fast.

    Raises:
        ProviderError: not even `MAX_BATCH` images fit into its memory.
    """
    device = sessions.bound_device(session)
    if device is None:
        is_int8 = provider is Provider.CPU and card.precision is ComputePrecision.INT8
        is_useful = is_int8 and requested is Precision.AUTO
        return ParallelSession.if_useful(data, card.preprocessing.size) if is_useful else None
    batch, size, names = batch_size(data), card.preprocessing.size, (graph.INPUT, graph.FEATURES)
    while True:
        images = np.zeros((batch, size, size, 3), np.uint8)
        try:
            bound = _guarded(
                partial(BoundSession, session, names, images.shape, card.feature_width, device), Provider.CUDA
            )
            _guarded(partial(bound.run, images), Provider.CUDA)
        except ProviderError:
            if batch <= MAX_BATCH:
                raise
            batch //= 2
        else:
            return bound


def _open(
    data: bytes, card: BackboneCard, inputs: NDArray[np.uint8], provider: Provider, precision: Precision
) -> tuple[ort.InferenceSession, float]:
    """A session and its agreement with the card; in float32 if the provider's fastest arithmetic is too imprecise."""
    expected = golden.decode_features(card.golden_features, card.feature_width)
    is_float32 = card.precision is ComputePrecision.FLOAT32
    if card.parts and provider is Provider.CPU and card.precision is ComputePrecision.INT8 and core_count() > 1:
        session = _open_side_by_side(data, card)
        return session, golden.cosine(_run(session, graph.FEATURES, inputs, provider), expected)
    if card.parts and is_float32 and provider is Provider.OPENVINO and precision is Precision.AUTO:
        session = _open_parts(data, card, inputs, expected)
        return session, golden.cosine(_run(session, graph.FEATURES, inputs, provider), expected)
    opening = _open_whole if is_float32 else _open_once  # other variants gain nothing from float32 around them
    return opening(data, inputs, expected, provider, precision)


def _open_whole(
    data: bytes, inputs: NDArray[np.uint8], expected: NDArray[np.float32], provider: Provider, precision: Precision
) -> tuple[ort.InferenceSession, float]:
    session, agreement = _open_once(data, inputs, expected, provider, precision)
    is_exact = precision is Precision.EXACT or provider is Provider.CPU
    if is_exact or agreement >= MIN_AGREEMENT[precision]:
        return session, agreement
    return _open_once(data, inputs, expected, provider, Precision.EXACT)


def _open_once(
    data: bytes, inputs: NDArray[np.uint8], expected: NDArray[np.float32], provider: Provider, precision: Precision
) -> tuple[ort.InferenceSession, float]:
    session = sessions.open_session(data, provider, precision)
    return session, golden.cosine(_run(session, graph.FEATURES, inputs, provider), expected)


def _open_saturating(data: bytes, card: BackboneCard, inputs: NDArray[np.uint8]) -> tuple[ort.InferenceSession, float]:
    """Open a network that was imported when products saturated, as its golden features and heads still assume."""
    session = _guarded(partial(sessions.open_saturating, data), Provider.CPU)
    expected = golden.decode_features(card.golden_features, card.feature_width)
    return session, golden.cosine(_run(session, graph.FEATURES, inputs, Provider.CPU), expected)


def _open_parts(
    data: bytes, card: BackboneCard, inputs: NDArray[np.uint8], expected: NDArray[np.float32]
) -> PartSessions:
    """The parts of a composed backbone, each in the fastest arithmetic of OpenVINO that is right for it."""
    opened, start = [], 0
    for part, width in split_parts(data, card):
        own = expected[:, start : start + width]
        opened.append(_open_whole(part, inputs, own, Provider.OPENVINO, Precision.AUTO)[0])
        start += width
    return PartSessions(opened, card)


def _open_side_by_side(data: bytes, card: BackboneCard) -> PartSessions:
    """The parts of a composed backbone in 8 bits on the CPU: the first on all cores, each other one in a thread."""
    first, *others = (part for part, _ in split_parts(data, card))
    opened = [sessions.open_session(first, Provider.CPU, Precision.AUTO)]
    opened += [_guarded(partial(sessions.open_single_threaded, part), Provider.CPU) for part in others]
    return PartSessions(opened, card, side_by_side=True)


def _precision(card: BackboneCard, provider: Provider, agreement: float) -> ComputePrecision:
    """The number format that a provider computes in; ONNX Runtime does not report it; the features show it."""
    if provider is Provider.CPU or card.precision is not ComputePrecision.FLOAT32 or agreement >= FLOAT32_AGREEMENT:
        return card.precision
    return ComputePrecision.TF32 if provider is Provider.CUDA else ComputePrecision.BFLOAT16


def _damaged_hint() -> str:
    return tr("The model is damaged or was changed. Install it again.")


def _mismatch_error(provider: Provider, agreement: float, precision: Precision) -> ProviderError | ModelError:
    if provider is Provider.CPU:
        what = tr("The backbone does not reproduce the features in its card (cosine {cosine:.4f}).", cosine=agreement)
        return ModelError(what, hint=_damaged_hint())
    what = tr(
        "{provider} does not reproduce the features of the model (cosine {cosine:.4f}; at least {limit} is required).",
        provider=TITLES[provider],
        cosine=agreement,
        limit=MIN_AGREEMENT[precision],
    )
    return ProviderError(what, hint=tr("Use another provider. Run `fovea doctor` to see which ones work."))


def _run(
    session: ort.InferenceSession, output: str, batch: NDArray[np.uint8], provider: Provider
) -> NDArray[np.float32]:
    return _checked(lambda: session.run([output], {graph.INPUT: batch})[0], batch, provider)


def _checked(
    run: Callable[[], NDArray[np.float32]], batch: NDArray[np.uint8], provider: Provider
) -> NDArray[np.float32]:
    return _checked_rows(_guarded(run, provider), batch, provider)


def _checked_rows(result: NDArray[np.float32], batch: NDArray[np.uint8], provider: Provider) -> NDArray[np.float32]:
    """The result of a run, one row for each image."""
    features = np.asarray(result, dtype=np.float32)
    if features.shape[:1] != batch.shape[:1]:
        what = tr(
            "{provider} returned an array of shape {shape} for {count:,} images.",
            provider=TITLES[provider],
            shape=features.shape,
            count=batch.shape[0],
        )
        raise ProviderError(what, hint=tr("The model file is not a valid backbone. Install the model again."))
    return features


def _guarded(run: Callable[[], _Result], provider: Provider) -> _Result:
    try:
        return run()
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        what = tr(
            "{provider} failed while running: {reason}", provider=TITLES[provider], reason=sessions.first_line(error)
        )
        raise ProviderError(what, hint=tr("Try another provider, or fewer images at once.")) from error
