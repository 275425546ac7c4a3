"""The frozen base of a backbone, run by the engine's providers instead of Keras: as fast as classification."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from core.base.errors import ModelError, ProviderError
from core.base.i18n import mark, tr
from core.base.providers import TITLES, Precision, Provider, ProviderPreference
from core.card import BackboneCard
from core.engine import golden, graph, sessions
from core.engine.engine import MIN_AGREEMENT
from core.engine.provider_selection import BackboneFiles, choose_engine
from core.trainer.base_model import FROZEN_BASE, split_frozen_base
from core.trainer.framework import keras

_log = logging.getLogger(__name__)
_ANOTHER: Final = mark("Train with another provider. `fovea doctor` lists them.")


@dataclass(frozen=True, slots=True, eq=False)
class FrozenBase:
    """An opened frozen base; callable from one thread at a time.

    Attributes:
        provider: the provider that actually runs it.
        agreement: the lowest cosine similarity between the features of the golden inputs, computed by it and the rest
            of the network in Keras, and those in the backbone's card.
    """

    provider: Provider
    agreement: float
    _session: ort.InferenceSession = field(repr=False)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Compute feature maps float32 [n, h, w, d] of preprocessed images uint8 [n, size, size, 3].

        Raises:
            ProviderError: the provider failed while running.
        """
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


def _verified(
    base: bytes, card: BackboneCard, ending: keras.Model, provider: Provider, precision: Precision
) -> FrozenBase:
    session = sessions.open_session(base, provider, precision)
    maps = _run(session, golden.golden_inputs(card.preprocessing.size), provider)
    features = np.asarray(ending(maps, training=False)[graph.FEATURES])
    agreement = golden.cosine(features, golden.decode_features(card.golden_features, card.feature_width))
    if agreement >= MIN_AGREEMENT[precision]:
        return FrozenBase(provider, agreement, session)
    what = tr(
        "{provider} computes different features when the network is split in two (cosine {cosine:.4f}).",
        provider=TITLES[provider],
        cosine=agreement,
    )
    if provider is Provider.CPU:
        raise ModelError(what, hint=tr("The model was modified. Install it again."))
    raise ProviderError(what, hint=tr(_ANOTHER))


def _run(session: ort.InferenceSession, images: NDArray[np.uint8], provider: Provider) -> NDArray[np.float32]:
    try:
        (maps,) = session.run([FROZEN_BASE], {graph.INPUT: images})
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        reason = sessions.first_line(error)
        what = tr("{provider} failed while running: {reason}", provider=TITLES[provider], reason=reason)
        raise ProviderError(what, hint=tr(_ANOTHER)) from error
    return np.asarray(maps, dtype=np.float32)
