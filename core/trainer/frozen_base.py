"""The frozen base of a backbone, run by the engine's providers instead of Keras: as fast as classification.

Training images may go through the base of a variant in 8 bits. The trained model runs in float32, so validation images
always go through the base that belongs to it, and the best epoch is chosen by what will run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from core.base.errors import ModelError, ProviderError
from core.base.i18n import mark, tr
from core.base.providers import TITLES, ComputePrecision, Precision, Provider, ProviderPreference
from core.card import BackboneCard
from core.engine import golden, graph, sessions
from core.engine.engine import MIN_AGREEMENT
from core.engine.parallel_session import ParallelSession
from core.engine.provider_selection import BackboneFiles, choose_engine, select
from core.trainer.base_model import FROZEN_BASE, split_frozen_base, split_variant
from core.trainer.framework import keras

_log = logging.getLogger(__name__)
_ANOTHER: Final = mark("Train with another provider. `fovea doctor` lists them.")


@dataclass(frozen=True, slots=True, eq=False)
class FrozenBase:
    """An opened frozen base; callable from one thread at a time.

    Attributes:
        provider: the provider that actually runs it.
        agreement: the lowest cosine similarity between the features of the golden inputs, computed by it and the rest
            of the network, and those in the card: of the backbone, with the rest in Keras, or of its variant.
    """

    provider: Provider
    agreement: float
    _session: ort.InferenceSession = field(repr=False)
    _full_batch: ParallelSession | None = field(default=None, repr=False)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Compute feature maps float32 [n, h, w, d] of preprocessed images uint8 [n, size, size, 3].

        Raises:
            ProviderError: the provider failed while running.
        """
        if self._full_batch is not None and images.shape == self._full_batch.shape:
            return _guarded(partial(self._full_batch.run, images), self.provider)
        return _run(self._session, images, self.provider)


def open_frozen_base(
    backbone: bytes, card: BackboneCard, ending: keras.Model, requested: ProviderPreference, precision: Precision
) -> FrozenBase:
    """Split the base off a backbone, open it with the provider of the whole backbone, and verify it.

    Args:
        backbone: an Xception's ONNX file.
        card: its card.
        ending: the rest of it in Keras, from maps to a dict of `features`, with the backbone's weights.
        requested: the preferred provider; with AUTO, the CPU is the fallback if the chosen provider runs the whole
            backbone but not its base.
        precision: how far features may differ, see `MIN_AGREEMENT`.

    Raises:
        ProviderError: the requested provider does not work.
        ModelError: the backbone is not an Xception, or even the CPU does not give the features in its card.
    """
    provider = choose_engine(BackboneFiles.of(backbone, card), requested, precision).provider
    base = split_frozen_base(backbone)
    try:
        return _verified(base, card, ending, provider, precision)
    except ProviderError as error:
        if requested is not ProviderPreference.AUTO or provider is Provider.CPU:
            raise
        _log.warning("Using the CPU for the frozen part of the network: %s", error)
        return _verified(base, card, ending, Provider.CPU, precision)


def open_int8_base(files: BackboneFiles, requested: ProviderPreference, precision: Precision) -> FrozenBase | None:
    """Split the base off the variant of a backbone in 8 bits, and verify it; None if 8 bits are not the fastest here.

    Args:
        files: an Xception and its variants.
        requested: the preferred provider.
        precision: with EXACT, no variant is used.

    Raises:
        ProviderError: the requested provider does not work.
        ModelError: the backbone is not an Xception.
    """
    card = select(files, requested, precision).card
    if card.precision is not ComputePrecision.INT8 or card is files.cards[0]:
        return None
    try:
        base, rest = split_variant(files.content(files.cards[0]), files.content(card))
        return _verified_variant(base, rest, card)
    except (ProviderError, ModelError) as error:
        _log.warning("Using float32 for the frozen part of the network: %s", error)
        return None


def _verified_variant(base: bytes, rest: bytes, card: BackboneCard) -> FrozenBase:
    """The base of a variant, if the rest of the variant computes the features in its card from its maps."""
    size = card.preprocessing.size
    session, ending = (sessions.open_session(data, Provider.CPU, Precision.AUTO) for data in (base, rest))
    maps = _run(session, golden.golden_inputs(size), Provider.CPU)
    features = _guarded(lambda: ending.run([graph.FEATURES], {FROZEN_BASE: maps})[0], Provider.CPU)
    agreement = golden.cosine(features, golden.decode_features(card.golden_features, card.feature_width))
    if agreement >= MIN_AGREEMENT[Precision.AUTO]:
        return FrozenBase(Provider.CPU, agreement, session, ParallelSession.if_useful(base, size, FROZEN_BASE))
    raise _mismatch_error(Provider.CPU, agreement)


def _verified(
    base: bytes, card: BackboneCard, ending: keras.Model, provider: Provider, precision: Precision
) -> FrozenBase:
    session = sessions.open_session(base, provider, precision)
    maps = _run(session, golden.golden_inputs(card.preprocessing.size), provider)
    features = np.asarray(ending(maps, training=False)[graph.FEATURES])
    agreement = golden.cosine(features, golden.decode_features(card.golden_features, card.feature_width))
    if agreement >= MIN_AGREEMENT[precision]:
        return FrozenBase(provider, agreement, session)
    raise _mismatch_error(provider, agreement)


def _mismatch_error(provider: Provider, agreement: float) -> ProviderError | ModelError:
    what = tr(
        "{provider} computes different features when the network is split in two (cosine {cosine:.4f}).",
        provider=TITLES[provider],
        cosine=agreement,
    )
    if provider is Provider.CPU:
        return ModelError(what, hint=tr("The model was modified. Install it again."))
    return ProviderError(what, hint=tr(_ANOTHER))


def _run(session: ort.InferenceSession, images: NDArray[np.uint8], provider: Provider) -> NDArray[np.float32]:
    return _guarded(lambda: session.run([FROZEN_BASE], {graph.INPUT: images})[0], provider)


def _guarded(run: Callable[[], NDArray[np.float32]], provider: Provider) -> NDArray[np.float32]:
    try:
        return np.asarray(run(), dtype=np.float32)
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        reason = sessions.first_line(error)
        what = tr("{provider} failed while running: {reason}", provider=TITLES[provider], reason=reason)
        raise ProviderError(what, hint=tr(_ANOTHER)) from error
