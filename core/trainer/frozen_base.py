"""The frozen beginning of a backbone, run by the engine's providers instead of Keras: as fast as classifying."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from core.base.errors import ModelError, ProviderError
from core.base.providers import TITLES, Precision, Provider, ProviderPreference
from core.card import BackboneCard
from core.engine import golden, graph, sessions
from core.engine.engine import MIN_AGREEMENT
from core.engine.provider_selection import choose_engine
from core.trainer.base_model import FROZEN_BASE, split_frozen_base
from core.trainer.framework import keras

_log = logging.getLogger(__name__)
_ANOTHER: Final = "Train with another provider; `fovea doctor` lists them."


@dataclass(frozen=True, slots=True, eq=False)
class FrozenBase:
    """A backbone's beginning that runs; one thread at a time may call it.

    Attributes:
        provider: what really runs it.
        agreement: least cosine between the features of the golden inputs, its maps given to the rest of the network in
            Keras, and those in the backbone's card.
    """

    provider: Provider
    agreement: float
    _session: ort.InferenceSession = field(repr=False)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Maps float32 [n, h, w, d] of preprocessed images uint8 [n, size, size, 3].

        Raises:
            ProviderError: the provider failed under way.
        """
        return _run(self._session, images, self.provider)


def open_frozen_base(
    backbone: bytes, card: BackboneCard, ending: keras.Model, requested: ProviderPreference, precision: Precision
) -> FrozenBase:
    """Cut the beginning off a backbone, open it where the whole backbone would be opened, and prove it.

    Args:
        backbone: an Xception's ONNX file.
        card: its card.
        ending: the rest of it in Keras, from maps to a dict of `features`, with the backbone's weights.
        requested: who is to run it; with AUTO, where the chosen provider runs the whole backbone but not its beginning,
            the CPU takes it.
        precision: how far features may differ, see `MIN_AGREEMENT`.

    Raises:
        ProviderError: the named provider does not work.
        ModelError: the backbone is no Xception, or not even the CPU gives the features its card promises.
    """
    provider = choose_engine(backbone, card, requested, precision).provider
    beginning = split_frozen_base(backbone)
    try:
        return _verified(beginning, card, ending, provider, precision)
    except ProviderError as error:
        if requested is not ProviderPreference.AUTO or provider is Provider.CPU:
            raise
        _log.warning("the CPU runs the frozen part of the network: %s", error)
        return _verified(beginning, card, ending, Provider.CPU, precision)


def _verified(
    beginning: bytes, card: BackboneCard, ending: keras.Model, provider: Provider, precision: Precision
) -> FrozenBase:
    session = sessions.open_session(beginning, provider, precision)
    maps = _run(session, golden.golden_inputs(card.preprocessing.size), provider)
    features = np.asarray(ending(maps, training=False)[graph.FEATURES])
    agreement = golden.cosine(features, golden.decode_features(card.golden_features, card.feature_width))
    if agreement >= MIN_AGREEMENT[precision]:
        return FrozenBase(provider, agreement, session)
    what = f"{TITLES[provider]} gives other features with the network in two parts (cosine {agreement:.4f})."
    if provider is Provider.CPU:
        raise ModelError(what, hint="The card or the file is not the original; install the model again.")
    raise ProviderError(what, hint=_ANOTHER)


def _run(session: ort.InferenceSession, images: NDArray[np.uint8], provider: Provider) -> NDArray[np.float32]:
    try:
        (maps,) = session.run([FROZEN_BASE], {graph.INPUT: images})
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        what = f"{TITLES[provider]} failed while it ran: {sessions.first_line(error)}"
        raise ProviderError(what, hint=_ANOTHER) from error
    return np.asarray(maps, dtype=np.float32)
