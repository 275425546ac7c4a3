"""A model in another form, as one file: weights stored otherwise, and a backbone's card that is true of that form.

A form is compared with the model before it is written, and can be imported as a model with a backbone of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.base.providers import Precision, Provider
from core.base.storage import write_atomically
from core.card import BackboneCard, ModelCard
from core.engine import golden, graph, sessions
from core.engine.engine import open_engine
from core.models import joined
from core.models.exchange import MAX_DIFFERENCE
from core.models.heads import Head, softmax
from core.models.installed import InstalledModel, load_backbone, load_head
from core.models.weight_storage import Storage, head_to_float16, store_as_float16, store_as_float32

MAX_ROUNDING: Final = 0.01
"""By which part of the greatest logit others may differ once weights are rounded to float16."""

_MAX_NAME: Final = 64
_HINT: Final = "Nothing was written. `fovea doctor` tells whether the model itself is whole."


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """A backbone in one form.

    Attributes:
        data: its ONNX file.
        card: what that file is.
    """

    data: bytes
    card: BackboneCard


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """What a joined file says of n images: features float32 [n, d], logits and probabilities float32 [n, classes]."""

    features: NDArray[np.float32]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]


def export_variant(
    model: InstalledModel,
    file: Path,
    storage: Storage,
    *,
    report: ProgressCallback = lambda _: None,
    token: CancelToken | None = None,
) -> None:
    """Write a model as one .onnx with all its weights in float32 or in float16.

    In float32 its logits differ from the model's by no more than `MAX_DIFFERENCE`, in float16 by no more than
    `MAX_ROUNDING` of the greatest.

    Args:
        model: the model.
        file: to write or replace.
        storage: not INT8, which needs images: see `core.exporting.quantised`.
        report: told of each step.
        token: looked at before each step.

    Raises:
        Cancelled: the token was cancelled; nothing was written.
        ModelError: the model's files are damaged, it has weights larger than float16 can store, or the file does not
            answer as the model does.
        ProviderError: ONNX Runtime cannot run the model.
        StorageError: the file cannot be written; what was there before is unharmed.
    """
    token, clock = token or CancelToken(), ProgressReporter("writing it anew", 3, report)

    def advance() -> None:
        clock.advance()
        token.check()

    head, own = load_head(model), Variant(load_backbone(model.backbone), model.backbone.card)
    wanted = logits_of(own, head)
    advance()
    form = backbone_variant(own, storage)
    advance()
    half = storage is Storage.FLOAT16
    data = joined.join(form.data, form.card, head_to_float16(head) if half else head, model.card, exact=not half)
    maximum = MAX_ROUNDING * max(1.0, float(np.abs(wanted).max())) if half else MAX_DIFFERENCE
    check_joined(data, form.card, model.card, wanted, maximum)
    advance()
    write_atomically(file, data)


def backbone_variant(backbone: Variant, storage: Storage) -> Variant:
    """A backbone with its kernels in float32 or float16; the very same where they are stored so already.

    Raises:
        ModelError: the file is unsafe or damaged, or holds numbers larger than float16 can store.
    """
    model = graph.parse(backbone.data)
    changed = store_as_float32(model) if storage is Storage.FLOAT32 else store_as_float16(model)
    return make_variant(joined.serialise(model), backbone.card, storage) if changed else backbone


def make_variant(data: bytes, card: BackboneCard, storage: Storage) -> Variant:
    """A changed backbone with a card of its own: named after the form, with the features that the file gives here.

    Args:
        data: the changed ONNX file.
        card: of the backbone as it was.
        storage: the form.

    Raises:
        ModelError: the file is unsafe, does not run, or is not what the rest of the card says.
    """
    graph.check_backbone(data, card)
    (features,) = run_file(open_file(data), (graph.FEATURES,), golden.golden_inputs(card.preprocessing.size))
    suffix = f"-{storage}"
    name = card.name[: _MAX_NAME - len(suffix)] + suffix
    sha256 = hashlib.sha256(data).hexdigest()
    return Variant(data, replace(card, name=name, sha256=sha256, golden_features=golden.encode_features(features)))


def logits_of(backbone: Variant, head: Head) -> NDArray[np.float32]:
    """What a backbone and a head say of the golden inputs: logits float32 [n, classes].

    Raises:
        ModelError: the backbone does not give the features that its card promises.
    """
    engine = open_engine(backbone.data, backbone.card, Provider.CPU, Precision.EXACT)
    return head.logits(engine.run(golden.golden_inputs(backbone.card.preprocessing.size)))


def check_joined(
    data: bytes, backbone: BackboneCard, card: ModelCard, wanted: NDArray[np.float32], max_difference: float
) -> None:
    """Refuse a joined file that does not say of the golden inputs what it should.

    Args:
        data: the file.
        backbone: its backbone's card.
        card: the model's.
        wanted: logits [n, classes].
        max_difference: by how much a logit may differ from them.

    Raises:
        ModelError: a logit differs by more, a probability is not what the logits make it, or the file does not run.
    """
    found = run_joined(open_file(data), golden.golden_inputs(backbone.preprocessing.size))
    expected = softmax(found.logits, card.temperature)
    logits, probabilities = np.abs(found.logits - wanted).max(), np.abs(found.probabilities - expected).max()
    if not (logits <= max_difference and probabilities <= MAX_DIFFERENCE):
        what = f"The exported file would answer otherwise than {card.name!r}: logits differ by {logits:.2g}."
        raise ModelError(what, hint=_HINT)


def open_file(data: bytes) -> ort.InferenceSession:
    """A session of an ONNX file made here, on the CPU in float32.

    Raises:
        ModelError: ONNX Runtime refuses it.
    """
    return sessions.open_session(data, Provider.CPU, Precision.EXACT)


def run_joined(session: ort.InferenceSession, images: NDArray[np.uint8]) -> Outputs:
    """What a joined file says of images uint8 [n, size, size, 3].

    Raises:
        ModelError: it does not run.
    """
    return Outputs(*run_file(session, (graph.FEATURES, joined.LOGITS, joined.PROBABILITIES), images))


def run_file(
    session: ort.InferenceSession, outputs: tuple[str, ...], images: NDArray[np.uint8]
) -> list[NDArray[np.float32]]:
    """Outputs of an ONNX file for images uint8 [n, size, size, 3].

    Raises:
        ModelError: it does not run.
    """
    try:
        values = session.run(list(outputs), {graph.INPUT: images})
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        raise ModelError(f"The exported file does not run: {sessions.first_line(error)}", hint=_HINT) from error
    return [np.asarray(value) for value in values]
