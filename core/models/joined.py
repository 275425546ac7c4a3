"""Backbone, head and card joined into one ONNX graph, and split again.

`join` keeps the backbone's graph unchanged and appends the head: a Gemm per layer, with Relu between them, or the
distances to points, gives `logits`; divided by the card's temperature, a Softmax gives `probabilities`, or of a
multi-label model a Sigmoid, whose thresholds are in the card. Appended nodes have the prefix `fovea.head/`, so that
`split` can remove exactly those and restore the backbone byte for byte. A rule for unknown images is appended in the
same way and gives `unknown_score`, see `core.models.joined_unknown`. The card is stored as JSON in `metadata_props`,
with the backbone's card inside it, and a checksum of everything else, so that a damaged file is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, ValueInfoProto, helper, numpy_helper

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.card import PADDING, BackboneCard, ModelCard, Preprocessing, ResizeMode, read_card, write_card
from core.card_sharing import shareable
from core.engine import graph
from core.models import joined_unknown
from core.models.feature_bank import FeatureBank
from core.models.heads import Head, LinearHead, PrototypeHead, assemble, head_arrays, is_kernel, named_layers

PROBABILITIES: Final = "probabilities"
LOGITS: Final = "logits"
CARD_KEY: Final = "fovea.card"
"""The model's card, in `metadata_props`."""
PREPROCESSING_KEY: Final = "fovea.preprocessing"
"""A description of the input, for users of other programs."""
OUTPUTS_KEY: Final = "fovea.backbone_outputs"
"""Names of the backbone's own outputs in order, as a JSON list."""
SEAL_KEY: Final = "fovea.sha256"
"""The hash of the whole file without this entry, in hexadecimal; files of early versions of Fovea have none."""

OWN_KEYS: Final = "fovea."
_KEYS: Final = (CARD_KEY, PREPROCESSING_KEY, OUTPUTS_KEY, SEAL_KEY, joined_unknown.LABELS_KEY)
_OUTPUTS: Final = (PROBABILITIES, LOGITS, joined_unknown.UNKNOWN_SCORE)
PREFIX: Final = "fovea.head/"
"""How names of the head's operators begin."""
_SCALED, _TEMPERATURE = PREFIX + "scaled", PREFIX + "temperature"
_STORED: Final[dict[int, np.dtype[np.floating]]] = {
    TensorProto.FLOAT: np.dtype("<f4"),
    TensorProto.FLOAT16: np.dtype("<f2"),
}
_HINT: Final = mark("Use the original file, or export the model again.")


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The parts of a joined graph.

    Attributes:
        card: the model's card, with the hashes from the export.
        backbone_card: the backbone's card in it.
        backbone: the backbone as an ONNX file.
        head: the head.
        bank: the features of its training images; None if the card has no rule for unknown images.
    """

    card: ModelCard
    backbone_card: BackboneCard
    backbone: bytes
    head: Head
    bank: FeatureBank | None = None


def join(
    backbone: bytes,
    backbone_card: BackboneCard,
    head: Head,
    card: ModelCard,
    bank: FeatureBank | None = None,
    *,
    exact: bool = False,
) -> bytes:
    """Join the parts into one ONNX file from uint8 RGB [n, size, size, 3] to `probabilities`, `logits`, `features`,
    and `unknown_score` if the model has a rule for it.

    Args:
        backbone: its ONNX file.
        backbone_card: its card.
        head: the head.
        card: the model's card; private details are removed, see `core.card_sharing.shareable`.
        bank: the features of its training images; without them, its rule for unknown images is left out.
        exact: whether the head is stored as float32 even if float16 is lossless.

    Raises:
        ModelError: the backbone's file is unsafe, or already uses reserved names.
    """
    model, rule = graph.parse(backbone), card.unknown if bank else None
    _refuse_clashes(model)
    own = list(model.graph.output)
    features = next(info for info in own if info.name == graph.FEATURES)
    model.graph.value_info.extend(info for info in own if info.name != graph.FEATURES)
    model.graph.node.extend(_nodes(head, card, exact=exact))
    model.graph.initializer.extend(_arrays(head, card.temperature, exact=exact))
    if bank and rule:
        model.graph.node.extend(joined_unknown.nodes())
        model.graph.initializer.extend(joined_unknown.arrays(bank, rule))
    outputs = _outputs(features, head.class_count, has_rule=rule is not None)
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    whole = replace(shareable(card), backbone=replace(backbone_card, variants=()), unknown=rule)
    labels = joined_unknown.labels_entry(bank) if bank and rule else {}
    for key, value in (_metadata(whole, backbone_card, own) | labels).items():
        model.metadata_props.add(key=key, value=value)
    return seal(model)


def seal(model: onnx.ModelProto) -> bytes:
    """Serialize a joined graph with its checksum."""
    model.metadata_props.add(key=SEAL_KEY, value=_sha256(serialise(model)))
    return serialise(model)


@graph.only_model_errors()
def split(data: bytes) -> Parts:
    """Split a file written by `join`; it is not trusted, and no session is opened.

    Raises:
        ModelError: the file is damaged, unsafe, from another program, or changed since it was joined.
    """
    model = graph.parse(data)
    is_sealed = _pop_seal(model)
    card, backbone_card = _read_cards(model)
    bank, head = joined_unknown.extract_bank(model, card.unknown), _extract_head(model.graph, card)
    _restore_outputs(model, head, has_rule=bank is not None)
    _drop_metadata(model, _KEYS)
    backbone = serialise(model)
    if not is_sealed and _sha256(backbone) != backbone_card.sha256:
        raise _tampered_error()
    return Parts(card, backbone_card, backbone, head, bank)


def _pop_seal(model: onnx.ModelProto) -> bool:
    """Remove the checksum from a file and verify it; return whether there was one."""
    hashes = [entry.value for entry in model.metadata_props if entry.key == SEAL_KEY]
    _drop_metadata(model, (SEAL_KEY,))
    if hashes and hashes != [_sha256(serialise(model))]:
        raise _tampered_error()
    return bool(hashes)


def _tampered_error() -> ModelError:
    what = tr("The model file was changed or damaged after the export: its checksum does not match.")
    return ModelError(what, hint=tr("Download or copy it again, or export the model again."))


def _drop_metadata(model: onnx.ModelProto, keys: Collection[str]) -> None:
    kept = [entry for entry in model.metadata_props if entry.key not in keys]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def serialise(model: onnx.ModelProto) -> bytes:
    """Serialize a graph deterministically."""
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _refuse_clashes(model: onnx.ModelProto) -> None:
    names = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        names.update((node.name, *node.output))
    clashes = [name for name in names if name in _OUTPUTS or name.startswith((PREFIX, joined_unknown.PREFIX))]
    clashes += [entry.key for entry in model.metadata_props if entry.key in _KEYS]
    if clashes:
        what = tr("The backbone uses the name {name!r}, which is reserved for exported models.", name=clashes[0][:80])
        raise ModelError(what, hint=tr("Use another name in the backbone."))


def _nodes(head: Head, card: ModelCard, *, exact: bool) -> list[onnx.NodeProto]:
    if isinstance(head, PrototypeHead):
        return [*_distances(head, exact=exact), *_to_probabilities(card)]
    nodes, read = [], graph.FEATURES
    *hidden, last = named_layers(head)
    for suffix, layer in hidden:
        hashes, positive = f"{PREFIX}sums{suffix}", f"{PREFIX}positive{suffix}"
        nodes += [*_layer(suffix, layer, read, hashes, exact=exact), _node("Relu", suffix, [hashes], positive)]
        read = positive
    return [*nodes, *_layer(*last, read, LOGITS, exact=exact), *_to_probabilities(card)]


def _to_probabilities(card: ModelCard) -> list[onnx.NodeProto]:
    operator, attributes = ("Sigmoid", {}) if card.is_multi_label else ("Softmax", {"axis": 1})
    return [
        _node("Div", "", [LOGITS, _TEMPERATURE], _SCALED),
        _node(operator, "", [_SCALED], PROBABILITIES, **attributes),
    ]


def _distances(head: PrototypeHead, *, exact: bool) -> list[onnx.NodeProto]:
    """The nodes of `PrototypeHead.logits`; squares are summed by a product with ones, the same in every opset."""
    scale, shift, points, offsets, ones = (PREFIX + name for name in ("scale", "shift", "points", "offsets", "ones"))
    spread, placed, squares = (PREFIX + name for name in ("spread", "placed", "squares"))
    lengths, products = PREFIX + "lengths", PREFIX + "products"
    nodes = [_node("Mul", "", [graph.FEATURES, scale], spread), _node("Add", "", [spread, shift], placed)]
    if not exact and fits_float16(head.points):
        nodes.append(_node("Cast", "", [points], f"{points}_exact", to=TensorProto.FLOAT))
        points += "_exact"
    return [
        *nodes,
        _node("Mul", "_squares", [placed, placed], squares),
        _node("MatMul", "", [squares, ones], lengths),
        _node("Gemm", "", [placed, points, offsets], products, alpha=2.0),
        _node("Sub", "", [products, lengths], LOGITS),
    ]


def _layer(suffix: str, layer: LinearHead, read: str, given: str, *, exact: bool) -> list[onnx.NodeProto]:
    stored, bias = f"{PREFIX}weights{suffix}", f"{PREFIX}bias{suffix}"
    if exact or not fits_float16(layer.weights):
        return [_node("Gemm", suffix, [read, stored, bias], given)]
    weights = stored + "_exact"
    cast = _node("Cast", suffix, [stored], weights, to=TensorProto.FLOAT)
    return [cast, _node("Gemm", suffix, [read, weights, bias], given)]


def _node(operator: str, suffix: str, inputs: list[str], output: str, **attributes: float) -> onnx.NodeProto:
    node = helper.make_node(operator, inputs, [output], name=f"{PREFIX}{operator.lower()}{suffix}")
    node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
    return node


def _arrays(head: Head, temperature: float, *, exact: bool) -> list[TensorProto]:
    arrays = head_arrays(head)
    if isinstance(head, PrototypeHead):
        arrays |= {"offsets": head.offsets, "ones": np.ones((head.feature_width, 1), np.float32)}
    stored = []
    for name, array in arrays.items():
        is_half = is_kernel(name) and not exact and fits_float16(array)
        values = np.ascontiguousarray(array.astype(np.float16) if is_half else array)
        stored.append(numpy_helper.from_array(values, f"{PREFIX}{name}"))
    return [*stored, numpy_helper.from_array(np.array(temperature, dtype=np.float32), _TEMPERATURE)]


def fits_float16(weights: NDArray[np.float32]) -> bool:
    """Whether float16 stores these weights losslessly, as for all heads written by `heads.head_bytes`."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(weights.astype(np.float16).astype(np.float32), weights))


def _outputs(features: ValueInfoProto, classes: int, *, has_rule: bool) -> list[ValueInfoProto]:
    """The outputs, with the same name of the batch axis as the features [n, d]."""
    result = []
    for name, width in ((PROBABILITIES, classes), (LOGITS, classes), (joined_unknown.UNKNOWN_SCORE, 1)):
        info = ValueInfoProto()
        info.CopyFrom(features)
        info.name, info.type.tensor_type.shape.dim[1].dim_value = name, width
        result.append(info)
    probabilities, logits, unknown = result
    return [probabilities, logits, features, *([unknown] if has_rule else [])]


def _metadata(card: ModelCard, backbone: BackboneCard, own: list[ValueInfoProto]) -> dict[str, str]:
    return {
        CARD_KEY: write_card(card).decode(),
        PREPROCESSING_KEY: describe_input(backbone.preprocessing),
        OUTPUTS_KEY: json.dumps([info.name for info in own]),
    }


def describe_input(plan: Preprocessing) -> str:
    """A description of an exported model's input, for users of other programs."""
    square = f"{plan.size} by {plan.size} pixels"
    match plan.fit:
        case ResizeMode.STRETCH:
            how = f"the whole image stretched to {square}"
        case ResizeMode.PAD:
            how = (
                f"the whole image resized so that its longer side has {plan.size} pixels, in the middle of {square} "
                f"of RGB {PADDING}"
            )
        case ResizeMode.CENTRE_CROP:
            how = f"the middle square, {plan.crop:.3f} of the shorter side, resized to {square}"
    return (
        f"{graph.INPUT}: uint8 RGB [n, {plan.size}, {plan.size}, 3], 0 to 255; the image upright, in sRGB, "
        f"transparency over white, {how}, bicubic with antialiasing. Scaling of values is inside the graph."
    )


def _read_cards(model: onnx.ModelProto) -> tuple[ModelCard, BackboneCard]:
    texts = [entry.value for entry in model.metadata_props if entry.key == CARD_KEY]
    if len(texts) != 1:
        raise ModelError(
            tr("The model was not exported by Fovea: it has no card."),
            hint=tr("Import it in the window, or give the missing details as options of `fovea models import`."),
        )
    card = read_card(texts[0].encode())
    if not isinstance(card, ModelCard) or not isinstance(card.backbone, BackboneCard):
        raise ModelError(tr("The card in the file does not describe a complete model."), hint=tr(_HINT))
    backbone = replace(card.backbone, variants=())  # their files are not in this one
    return replace(card, backbone=backbone), backbone


def _extract_head(content: onnx.GraphProto, card: ModelCard) -> Head:
    """Read the head from the graph and remove it; anything that differs from the output of `join` is refused."""
    nodes = [node for node in content.node if node.name.startswith(PREFIX)]
    arrays = [tensor for tensor in content.initializer if tensor.name.startswith(PREFIX)]
    names = {tensor.name.removeprefix(PREFIX) for tensor in arrays}
    head = assemble(names, lambda name: _read_array(arrays, PREFIX + name))
    exact = all(tensor.data_type != TensorProto.FLOAT16 for tensor in arrays)
    if nodes != _nodes(head, card, exact=exact) or arrays != _arrays(head, card.temperature, exact=exact):
        raise ModelError(tr("The head in the file does not match its card."), hint=tr(_HINT))
    for node in nodes:
        content.node.remove(node)
    for tensor in arrays:
        content.initializer.remove(tensor)
    return head


def _read_array(arrays: list[TensorProto], name: str) -> NDArray[np.float32]:
    tensor = next((tensor for tensor in arrays if tensor.name == name), None)
    stored = _STORED.get(tensor.data_type) if tensor is not None else None
    if tensor is None or stored is None:
        raise ModelError(tr("The file has no array of numbers named {name!r}.", name=name), hint=tr(_HINT))
    return np.frombuffer(tensor.raw_data, stored).reshape(tensor.dims).astype(np.float32)


def _restore_outputs(model: onnx.ModelProto, head: Head, *, has_rule: bool) -> None:
    """Restore the backbone's own outputs; `join` stored their types last among the inner values."""
    features = next((info for info in model.graph.output if info.name == graph.FEATURES), None)
    if features is None or len(features.type.tensor_type.shape.dim) != 2:
        what = tr("The file has no output {name!r} with the expected shape.", name=graph.FEATURES)
        raise ModelError(what, hint=tr(_HINT))
    if list(model.graph.output) != _outputs(features, head.class_count, has_rule=has_rule):
        raise ModelError(tr("The outputs of the file are not those of an exported model."), hint=tr(_HINT))
    kept = {graph.FEATURES: features}
    names = _own_outputs(model)
    while model.graph.value_info and model.graph.value_info[-1].name in set(names) - set(kept):
        info = model.graph.value_info.pop()
        kept[info.name] = info
    if sorted(kept) != sorted(names):
        raise ModelError(tr("The file does not declare the outputs of its backbone."), hint=tr(_HINT))
    del model.graph.output[:]
    model.graph.output.extend(kept[name] for name in names)


def _own_outputs(model: onnx.ModelProto) -> list[str]:
    texts = [entry.value for entry in model.metadata_props if entry.key == OUTPUTS_KEY]
    try:
        (names,) = map(json.loads, texts)
    except (ValueError, RecursionError):
        names = []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return []
    return names
