"""Import of ONNX classifiers from other programs: they become a backbone, a head and a card, or are refused.

The user provides missing details. The preprocessing is added to the graph in front of the network, and the last linear
layer becomes the head. The parts must reproduce the outputs of the file on the golden inputs before anything is
installed.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.base.providers import Precision, Provider
from core.base.text import display_path
from core.card import (
    GOLDEN_COUNT,
    BackboneCard,
    HeadReference,
    ModelCard,
    Origin,
    Preprocessing,
    ResizeMode,
    read_card,
    write_card,
)
from core.engine import golden, graph, sessions
from core.engine.complexity import compute_stats
from core.models import joined
from core.models.class_names import names_beside, numbered
from core.models.exchange import Imported, install_new
from core.models.heads import LinearHead, head_bytes, softmax
from core.models.library import Library
from core.models.onnx_import_file import read_onnx
from core.models.onnx_import_graph import OnnxClassifier, names_in, possible_outputs, read_graph
from core.models.onnx_import_plain import required_nodes
from core.models.onnx_import_values import ChannelOrder, ImportAnswers, ImportQuestions, Scaling

MAX_DIFFERENCE: Final = 2e-3
"""Maximum difference between the outputs of the parts and of the file, as a fraction of the largest."""
_PREFIX: Final = "net/"
_FILE, _HEAD = "backbone.onnx", "head.npz"
_HINT: Final = mark("Export it again as a plain classifier.")
_MOST_ANSWERS: Final = 8
"""Maximum number of outputs that are examined."""
_OUTPUT_KINDS: Final = {
    "Softmax": mark("probabilities (softmax of logits)"),
    "LogSoftmax": mark("log probabilities (log-softmax of logits)"),
}
_IMAGENET: Final = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
_SCALES: Final = MappingProxyType(
    {
        Scaling.IMAGENET: _IMAGENET,
        Scaling.UNIT: ((0.0,) * 3, (255.0,) * 3),
        Scaling.SIGNED: ((127.5,) * 3, (127.5,) * 3),
        Scaling.RAW: ((0.0,) * 3, (1.0,) * 3),
        Scaling.CAFFE: ((123.68, 116.779, 103.939), (1.0,) * 3),
    }
)
"""For red, green and blue in 0..255: the offset to subtract, then the divisor."""


@graph.only_model_errors()
def inspect_model(
    file: Path, class_count: int | None = None, *, every_output: bool = False
) -> tuple[ImportQuestions, ...]:
    """Find out which details of a file are missing; nothing if it was exported by Fovea and is complete.

    Args:
        file: the model's file.
        class_count: the number of class names, if the user has already given them; identifies one of several outputs.
        every_output: whether to return questions for every possible output; otherwise there must be only one.

    Raises:
        ModelError: it cannot be read, is unsafe, or is not a supported classifier (with `every_output`, by none of its
            outputs); the message says why.
    """
    model = read_onnx(file)
    if _is_ours(model):
        return ()
    names = names_in(model)

    def has_names(count: int) -> bool:
        return count == class_count or bool(_names_for(count, names, file))

    ports = possible_outputs(model, has_names)[:_MOST_ANSWERS] if every_output else ()
    if len(ports) < 2:
        return (_questions(read_graph(model, names=has_names), names, file),)
    errors: list[ModelError] = []
    found = tuple(_questions(one, names, file) for one in _readable(model, ports, errors))
    if not found:
        raise errors[0]
    return found


def _readable(
    model: onnx.ModelProto, ports: Iterable[graph.TensorSpec], errors: list[ModelError]
) -> Iterator[OnnxClassifier]:
    """The classifiers that the outputs of a model make; why others make none is added to `errors`."""
    for port in ports:
        whole = onnx.ModelProto()
        whole.CopyFrom(model)  # because `read_graph` changes it
        try:
            yield read_graph(whole, output=port.name)
        except ModelError as error:
            errors.append(error)


def _is_ours(model: onnx.ModelProto) -> bool:
    return any(entry.key.startswith(joined.OWN_KEYS) for entry in model.metadata_props)


def _questions(found: OnnxClassifier, names: tuple[str, ...], file: Path) -> ImportQuestions:
    return ImportQuestions(
        class_count=found.output_layer.class_count,
        classes=_names_for(found.output_layer.class_count, names, file),
        size=found.size,
        reads_bytes=found.element_type == TensorProto.UINT8,
        output_kind=tr(_OUTPUT_KINDS.get(found.output_layer.operator, mark("logits"))),
        output=found.output,
        scales_inside=found.scales_inside,
    )


def _names_for(count: int, names: tuple[str, ...], file: Path) -> tuple[str, ...]:
    """The names in the file if their number matches, otherwise those in a file next to it."""
    return names if len(names) == count else names_beside(file, count)


@graph.only_model_errors()
def import_onnx(file: Path, answers: ImportAnswers, library: Library) -> Imported:
    """Import the classifier in a file with the given details.

    Raises:
        ModelError: it is unsafe, cannot be split, or its parts do not reproduce its outputs; or a detail does not
            match it.
        ProviderError: ONNX Runtime cannot open it.
        StorageError: the library's folder does not allow it.
    """
    answers = replace(answers, classes=numbered(answers.classes))
    model = read_onnx(file)
    found = read_graph(model, answers.size, lambda count: count == len(answers.classes), answers.output)
    _check_answers(answers, found)
    head = found.output_layer.head or _identity_head(found.output_layer.class_count)
    backbone = _backbone(found, answers, head.feature_width)
    card = _backbone_card(backbone, answers, head.feature_width, file, channels_last=_is_last(found))
    graph.check_backbone(backbone, card)
    features = _run(backbone, graph.FEATURES, graph.INPUT, golden.golden_inputs(answers.size))
    _verify(found, answers, features, head)
    stored = head_bytes(head, exact=not joined.fits_float16(head.weights))
    result = _model_card(answers, replace(card, golden_features=golden.encode_features(features)), stored, file)
    read_card(write_card(result))
    return install_new(result, {_HEAD: stored, _FILE: backbone}, head, library)


def _identity_head(classes: int) -> LinearHead:
    """A head that returns its features as logits."""
    return LinearHead(np.eye(classes, dtype=np.float32), np.zeros(classes, np.float32))


def _check_answers(answers: ImportAnswers, found: OnnxClassifier) -> None:
    if len(answers.classes) != found.output_layer.class_count:
        what = tr(
            "The model has {classes:,} classes, but {names:,} names were given.",
            classes=found.output_layer.class_count,
            names=len(answers.classes),
        )
        raise ModelError(what, hint=tr("Give one name per class, in the order of the model's outputs."))
    if found.size not in (None, answers.size):
        values = {"expected": found.size, "given": answers.size}
        what = tr("The input size of the model is {expected} pixels, not {given}.", **values)
        raise ModelError(what, hint=tr("Don't change the size."))


def _is_last(found: OnnxClassifier) -> bool:
    return found.output_layer.feature_map is not None and found.output_layer.feature_map[1]


def _backbone(found: OnnxClassifier, answers: ImportAnswers, width: int) -> bytes:
    """The network with preprocessing, from bytes to features and feature map."""
    model = onnx.ModelProto(ir_version=found.model.ir_version, opset_import=found.model.opset_import)
    content, own = model.graph, found.model.graph
    content.name = "backbone"
    nodes = required_nodes(own, {found.output_layer.features, *(found.output_layer.feature_map or ())[:1]})
    read = {name for node in nodes for name in node.input}
    content.node.extend(_prepared(found))
    for node in nodes:
        copy = content.node.add()
        copy.CopyFrom(node)
        copy.name = _PREFIX + node.name if node.name else ""
        for names in (copy.input, copy.output):
            names[:] = [_PREFIX + name if name else "" for name in names]
    content.node.extend(_ends(found))
    for tensor in own.initializer:
        if tensor.name in read:
            copy_tensor = content.initializer.add()
            copy_tensor.CopyFrom(tensor)
            copy_tensor.name = _PREFIX + tensor.name
    content.initializer.extend(_arrays(answers, width))
    side, last = answers.size, _is_last(found)
    axes: list[str | int | None] = ["n", "h", "w", width] if last else ["n", width, "h", "w"]
    content.input.append(helper.make_tensor_value_info(graph.INPUT, TensorProto.UINT8, ["n", side, side, 3]))
    content.output.append(helper.make_tensor_value_info(graph.FEATURES, TensorProto.FLOAT, ["n", width]))
    content.output.append(helper.make_tensor_value_info(graph.FEATURE_MAP, TensorProto.FLOAT, axes))
    return joined.serialise(model)


def _prepared(found: OnnxClassifier) -> list[onnx.NodeProto]:
    """Nodes from bytes [n, size, size, 3] to the network's input."""
    nodes = [
        helper.make_node("Cast", [graph.INPUT], ["prepared/real"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["prepared/real", "prepared/scale"], ["prepared/scaled"]),
        helper.make_node("Add", ["prepared/scaled", "prepared/shift"], ["prepared/shifted"]),
        helper.make_node("Cast", ["prepared/shifted"], ["prepared/cast"], to=found.element_type),
    ]
    ready = _PREFIX + found.source
    if found.channels_last:
        return [*nodes, helper.make_node("Identity", ["prepared/cast"], [ready])]
    return [*nodes, helper.make_node("Transpose", ["prepared/cast"], [ready], perm=[0, 3, 1, 2])]


def _ends(found: OnnxClassifier) -> list[onnx.NodeProto]:
    """Nodes for features [n, d] and feature map, in float32 whatever the precision of the network."""
    nodes = []
    read = _PREFIX + found.output_layer.features
    if not found.output_layer.is_flat:
        nodes.append(helper.make_node("Flatten", [read], ["prepared/flat"]))
        read = "prepared/flat"
    nodes.append(_real(found, read, graph.FEATURES))
    if found.output_layer.feature_map is not None:
        return [*nodes, _real(found, _PREFIX + found.output_layer.feature_map[0], graph.FEATURE_MAP)]
    return [*nodes, helper.make_node("Reshape", [graph.FEATURES, "prepared/point"], [graph.FEATURE_MAP])]


def _real(found: OnnxClassifier, read: str, result: str) -> onnx.NodeProto:
    if found.output_layer.is_half:
        return helper.make_node("Cast", [read], [result], to=TensorProto.FLOAT)
    return helper.make_node("Identity", [read], [result])


def _arrays(answers: ImportAnswers, width: int) -> list[TensorProto]:
    scale, shift = scaling_arrays(answers)
    point = np.array([0, width, 1, 1], np.int64)
    arrays: dict[str, NDArray[Any]] = {"scale": scale, "shift": shift, "point": point}
    return [numpy_helper.from_array(array, f"prepared/{name}") for name, array in arrays.items()]


def scaling_arrays(answers: ImportAnswers) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The matrix [3, 3] to multiply pixels [..., 3] by, and the offset [3] to add."""
    taken, divided = (np.array(values, np.float64) for values in _SCALES[answers.scaling])
    order = [0, 1, 2] if answers.order is ChannelOrder.RGB else [2, 1, 0]
    scale = np.diag(1 / divided)[:, order]
    return scale.astype(np.float32), (-taken / divided)[order].astype(np.float32)


def _backbone_card(data: bytes, answers: ImportAnswers, width: int, file: Path, *, channels_last: bool) -> BackboneCard:
    plan = Preprocessing(answers.size, answers.fit, answers.crop if answers.fit is ResizeMode.CENTRE_CROP else 1.0)
    costs = compute_stats(graph.parse(data))
    return BackboneCard(
        name=f"{slug(answers.title)[:55]}-network",
        architecture="Imported network",
        file=_FILE,
        sha256=hashlib.sha256(data).hexdigest(),
        preprocessing=plan,
        feature_width=width,
        feature_map_layout="nhwc" if channels_last else "nchw",
        weights=max(1, costs.weights),
        multiply_adds=max(1, costs.multiply_adds),
        origin=_origin(file),
        golden_features=golden.encode_features(np.zeros((2, width), np.float32)),
    )


def _verify(found: OnnxClassifier, answers: ImportAnswers, features: NDArray[np.float32], head: LinearHead) -> None:
    """Refuse parts that do not reproduce the outputs of the whole for the golden inputs.

    Args:
        found: the file.
        answers: the details from the user.
        features: float32 [n, d], the backbone's features of the golden inputs.
        head: the head.
    """
    if features.shape != (GOLDEN_COUNT, head.feature_width) or not np.isfinite(features).all():
        what = tr("The model returns invalid numbers (infinite or NaN) for ordinary images.")
        raise ModelError(what, hint=tr("Check the pixel scaling, and download or copy the file again."))
    whole, ours = _original_outputs(found, answers), head.logits(features)
    if not found.output_layer.operator and whole.min() >= 0 and np.allclose(whole.sum(axis=1), 1, atol=1e-3):
        what = tr("The model returns probabilities that do not come from a final softmax.")
        raise ModelError(what, hint=tr("Export it with logits as output."))
    if found.output_layer.operator:
        ours, whole = softmax(ours), np.exp(whole) if found.output_layer.operator == "LogSoftmax" else whole
    maximum = MAX_DIFFERENCE * max(1.0, float(np.abs(whole).max()))
    if whole.shape != ours.shape or not np.abs(whole - ours).max() <= maximum:
        raise ModelError(tr("The model could not be split into backbone and head."), hint=tr(_HINT))


def _original_outputs(found: OnnxClassifier, answers: ImportAnswers) -> NDArray[np.float32]:
    """The outputs of the file for the golden inputs, one at a time: float32 [n, classes]."""
    scale, shift = scaling_arrays(answers)
    pixels = golden.golden_inputs(answers.size).astype(np.float32) @ scale + shift
    given = pixels if found.channels_last else pixels.transpose(0, 3, 1, 2)
    kind = helper.tensor_dtype_to_np_dtype(found.element_type)
    session = sessions.open_session(found.data, Provider.CPU, Precision.EXACT)
    images = (np.ascontiguousarray(one[None], kind) for one in given)
    return np.concatenate([_run_session(session, found.output, found.source, one).reshape(1, -1) for one in images])


def _run(data: bytes, output: str, source: str, images: NDArray[np.generic]) -> NDArray[np.float32]:
    return _run_session(sessions.open_session(data, Provider.CPU, Precision.EXACT), output, source, images)


def _run_session(
    session: ort.InferenceSession, output: str, source: str, images: NDArray[np.generic]
) -> NDArray[np.float32]:
    try:
        (values,) = session.run([output], {source: images})
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        what = tr("The model does not run: {reason}", reason=sessions.first_line(error))
        raise ModelError(what, hint=tr(_HINT)) from error
    return np.asarray(values, np.float32)


def _model_card(answers: ImportAnswers, backbone: BackboneCard, head: bytes, file: Path) -> ModelCard:
    few = ", ".join(label[:60] for label in answers.classes[:5])
    rest = f" and {len(answers.classes) - 5:,} more" if len(answers.classes) > 5 else ""
    return ModelCard(
        name=slug(answers.title),
        title=display_path(answers.title)[:100],
        summary=f"Recognizes {few}{rest}. Imported; its accuracy was not measured.",
        classes=answers.classes,
        backbone=backbone,
        head=HeadReference(_HEAD, hashlib.sha256(head).hexdigest()),
        origin=_origin(file),
    )


def _origin(file: Path) -> Origin:
    source = f"Imported from the file “{display_path(file.name)[:200]}”."
    return Origin(source=source, licence="Unknown: the file does not state a licence.")


def slug(title: str) -> str:
    """Convert a title to the name of a model."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "imported"
