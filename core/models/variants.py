"""Variants of a backbone with another storage of weights, and the agreement of joined files with their model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.i18n import tr
from core.base.providers import Precision, Provider
from core.card import BackboneCard, ModelCard
from core.engine import golden, graph, sessions
from core.engine.engine import open_engine
from core.models import joined
from core.models.evidence import unknown_scores
from core.models.feature_bank import FeatureBank
from core.models.heads import Head, class_probabilities
from core.models.joined_unknown import UNKNOWN_SCORE
from core.models.weight_storage import Storage, store_as_float16, store_as_float32

MAX_DIFFERENCE: Final = 1e-3
"""Maximum difference between the logits of an exported file and of the model; otherwise nothing is written."""

MAX_ROUNDING: Final = 0.01
"""Maximum difference of logits with float16 weights, as a fraction of the largest logit."""

_MAX_NAME: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """A variant of a backbone.

    Attributes:
        data: its ONNX file.
        card: the card of that file.
    """

    data: bytes
    card: BackboneCard


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """Outputs of a joined file for n images: features float32 [n, d], logits and probabilities float32 [n, classes]."""

    features: NDArray[np.float32]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]


def backbone_variant(backbone: Variant, storage: Storage) -> Variant:
    """A backbone with its kernels in float32 or float16; unchanged if they are already stored that way.

    Raises:
        ModelError: the file is unsafe or damaged, or has numbers too large for float16.
    """
    model = graph.parse(backbone.data)
    changed = store_as_float32(model) if storage is Storage.FLOAT32 else store_as_float16(model)
    return make_variant(joined.serialise(model), backbone.card, storage) if changed else backbone


def make_variant(data: bytes, card: BackboneCard, storage: Storage) -> Variant:
    """Make the card of a changed backbone: its name has the storage as suffix, its golden features are computed here.

    Args:
        data: the changed ONNX file.
        card: the card of the original backbone.
        storage: the storage of the weights.

    Raises:
        ModelError: the file is unsafe, does not run, or does not match the rest of the card.
    """
    graph.check_backbone(data, card)
    (features,) = run_file(open_file(data), (graph.FEATURES,), golden.golden_inputs(card.preprocessing.size))
    suffix = f"-{storage}"
    name = card.name[: _MAX_NAME - len(suffix)] + suffix
    sha256 = hashlib.sha256(data).hexdigest()
    return Variant(data, replace(card, name=name, sha256=sha256, golden_features=golden.encode_features(features)))


def logits_of(backbone: Variant, head: Head) -> NDArray[np.float32]:
    """Logits of a backbone and a head for the golden inputs, float32 [n, classes].

    Raises:
        ModelError: the backbone does not reproduce the features in its card.
    """
    engine = open_engine(backbone.data, backbone.card, Provider.CPU, Precision.EXACT)
    return head.logits(engine.run(golden.golden_inputs(backbone.card.preprocessing.size)))


def check_joined(
    data: bytes,
    backbone: BackboneCard,
    card: ModelCard,
    wanted: NDArray[np.float32],
    max_difference: float,
    bank: FeatureBank | None = None,
) -> None:
    """Refuse a joined file whose outputs for the golden inputs are not the expected ones.

    Args:
        data: the file.
        backbone: the card of its backbone.
        card: the card of the model.
        wanted: the expected logits [n, classes].
        max_difference: maximum difference of a logit.
        bank: the features of the training images; None if they are not in it.

    Raises:
        ModelError: a logit differs by more, probabilities or scores do not match it, or the file does not run.
    """
    session, images = open_file(data), golden.golden_inputs(backbone.preprocessing.size)
    found = run_joined(session, images)
    expected = class_probabilities(card, found.logits)
    logits, probabilities = np.abs(found.logits - wanted).max(), np.abs(found.probabilities - expected).max()
    unknown = 0.0
    if bank and card.unknown:
        (scores,) = run_file(session, (UNKNOWN_SCORE,), images)
        own = unknown_scores(card.unknown, bank.cosines(found.features), found.probabilities.max(axis=1))
        unknown = float(np.abs(scores[:, 0] - own).max())
    if not (logits <= max_difference and probabilities <= MAX_DIFFERENCE and unknown <= MAX_DIFFERENCE):
        what = tr(
            "The exported file does not give the same predictions as {name!r} (logits differ by {difference:.2g}).",
            name=card.name,
            difference=logits,
        )
        raise ModelError(what, hint=tr("Nothing was written. Run `fovea doctor` to check the model."))


def open_file(data: bytes) -> ort.InferenceSession:
    """Open a session for an exported ONNX file, on the CPU in float32.

    Raises:
        ModelError: ONNX Runtime refuses it.
    """
    return sessions.open_session(data, Provider.CPU, Precision.EXACT)


def run_joined(session: ort.InferenceSession, images: NDArray[np.uint8]) -> Outputs:
    """Run a joined file on images uint8 [n, size, size, 3].

    Raises:
        ModelError: it does not run.
    """
    return Outputs(*run_file(session, (graph.FEATURES, joined.LOGITS, joined.PROBABILITIES), images))


def run_file(
    session: ort.InferenceSession, outputs: tuple[str, ...], images: NDArray[np.uint8]
) -> list[NDArray[np.float32]]:
    """Run an ONNX file on images uint8 [n, size, size, 3].

    Raises:
        ModelError: it does not run.
    """
    try:
        values = session.run(list(outputs), {graph.INPUT: images})
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        what = tr("The exported file does not run: {reason}", reason=sessions.first_line(error))
        raise ModelError(what, hint=tr("Nothing was written. Run `fovea doctor` to check the model.")) from error
    return [np.asarray(value) for value in values]
