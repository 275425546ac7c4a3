"""A backbone and a model so small that a test makes them in milliseconds, and so real that they tell colours apart.

The backbone reads uint8 [n, 32, 32, 3]; its first three features are how red, green and blue an image is, the other
five are convolutions with drawn weights. The head reads the first three: a solid red image is `red`.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from core.base.providers import ComputePrecision
from core.card import (
    BackboneCard,
    BackboneVariant,
    HeadReference,
    ModelCard,
    Origin,
    Preprocessing,
    ResizeMode,
    SharedBackbone,
    write_card,
)
from core.card_rules import PredictionSets, UnknownRule
from core.engine import golden
from core.engine.provider_selection import BackboneFiles
from core.exporting.activation_observer import observe_activations
from core.exporting.int8 import OPERATORS, QuantizationKind, quantize
from core.models.feature_bank import FILE, FeatureBank, bank_bytes
from core.models.heads import DenseHead, Head, LinearHead, head_arrays, head_bytes
from core.models.library import Library
from core.models.library_folders import CARD

SIZE = 32
WIDTH = 8
CLASSES = ("red", "green", "blue")
SOLID = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "grey": (128, 128, 128)}
"""Colours to fill images with; grey is none of the classes."""
MIXED = {"yellow": (255, 255, 0), "white": (255, 255, 255)}
"""Yellow shows red and green; of white, the head sees nothing."""
ORIGIN = Origin(source="drawn by the tests", licence="Apache-2.0")
BACKBONE = "tiny"
MODEL_FILE = "backbone.onnx"
INT8_FILE = "int8.onnx"
HEAD_FILE = "head.npz"


def kernels() -> NDArray[np.float32]:
    """The convolution's weights [8, 3, 3, 3]."""
    weights = np.random.default_rng(0).normal(0, 0.1, (WIDTH, 3, 3, 3))
    weights[:3] = 0
    for own in range(3):
        weights[own, :, 1, 1] = [1.0 if channel == own else -0.5 for channel in range(3)]
    return (weights / 255).astype(np.float32)


def backbone_proto(weights: NDArray[np.float32] | None = None) -> onnx.ModelProto:
    """The backbone as a graph, to be saved or first made hostile."""
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["real"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "weights"], ["convolved"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["convolved"], ["feature_map"]),
        helper.make_node("GlobalAveragePool", ["feature_map"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
    ]
    half = SIZE // 2
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", SIZE, SIZE, 3])],
        [
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", WIDTH]),
            helper.make_tensor_value_info("feature_map", TensorProto.FLOAT, ["n", WIDTH, half, half]),
        ],
        [numpy_helper.from_array(kernels() if weights is None else weights, "weights")],
    )
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])


def backbone_bytes() -> bytes:
    """The backbone's file."""
    data: bytes = backbone_proto().SerializeToString(deterministic=True)
    return data


@functools.cache
def int8_backbone() -> tuple[bytes, BackboneVariant]:
    """The backbone in 8 bits, and its entry in the card."""
    images = [*golden.golden_inputs(SIZE), *(np.full((SIZE, SIZE, 3), colour, np.uint8) for colour in SOLID.values())]
    stats = observe_activations(backbone_proto(), images, OPERATORS)
    data = quantize(backbone_proto(), stats, QuantizationKind.U8S8)
    golden_features = golden.encode_features(features(data, golden.golden_inputs(SIZE)))
    variant = BackboneVariant(ComputePrecision.INT8, INT8_FILE, sha256(data), golden_features, 0.99, "by the tests")
    return data, variant


def variant_files(**changes: Any) -> BackboneFiles:  # noqa: ANN401
    """The backbone with its variant in 8 bits; `changes` replaces fields of the variant, to make it lie."""
    data, variant = int8_backbone()
    card = backbone_card(variants=(replace(variant, **changes),))
    files = {card.sha256: backbone_bytes(), variant.sha256: data}
    return BackboneFiles((card, card.of_variant(card.variants[0])), lambda one: files[one.sha256])


def features(data: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What a backbone's file answers to images [n, 32, 32, 3], asked of ONNX Runtime directly."""
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    (answer,) = session.run(["features"], {"image": images})
    return np.asarray(answer)


@functools.cache
def _golden_features() -> str:
    return golden.encode_features(features(backbone_bytes(), golden.golden_inputs(SIZE)))


def backbone_card(
    data: bytes | None = None,
    *,
    name: str = BACKBONE,
    **changes: Any,  # noqa: ANN401
) -> BackboneCard:
    """The card of a backbone's file, its golden features computed; `changes` replaces fields, to make it lie."""
    data = backbone_bytes() if data is None else data
    card = BackboneCard(
        name=name,
        architecture="Tiny",
        file=MODEL_FILE,
        sha256=sha256(data),
        preprocessing=Preprocessing(SIZE, ResizeMode.STRETCH, 1.0),
        feature_width=WIDTH,
        feature_map_layout="nchw",
        weights=WIDTH * 27,
        multiply_adds=WIDTH * 27 * (SIZE // 2) ** 2,
        origin=ORIGIN,
        golden_features=_golden_features(),
    )
    return replace(card, **changes)


def head(classes: int = len(CLASSES)) -> LinearHead:
    """The head: each logit is four times its colour's feature; classes beyond the third are never likely."""
    bias = np.full(classes, -9, np.float32)
    bias[:3] = 0
    return LinearHead(np.eye(WIDTH, classes, dtype=np.float32) * 4, bias)


def dense_head() -> DenseHead:
    """A head of three layers that answers as `head` does, as long as its first numbers below 0 become 0."""
    eye, zeros = np.eye(3, dtype=np.float32), np.zeros(6, np.float32)
    seen = np.eye(WIDTH, 3, dtype=np.float32) * 4
    layers = (np.hstack([seen, -seen]), np.eye(6, dtype=np.float32), np.vstack([eye, eye]))
    return DenseHead(tuple(LinearHead(weights, zeros[: weights.shape[1]]) for weights in layers))


def model_card(
    name: str = "colours",
    *,
    backbone: SharedBackbone | BackboneCard | None = None,
    head_data: bytes | None = None,
    **changes: Any,  # noqa: ANN401
) -> ModelCard:
    """The card of a model over the tiny backbone, a shared one unless its card is given; `changes` replaces fields."""
    card = ModelCard(
        name=name,
        title="Colours",
        summary="Tells whether an image is red, green or blue.",
        classes=CLASSES,
        backbone=backbone or SharedBackbone(BACKBONE, sha256(backbone_bytes())),
        head=HeadReference(HEAD_FILE, sha256(head_bytes(head()) if head_data is None else head_data)),
        origin=ORIGIN,
    )
    return replace(card, **changes)


def packaged_model(
    name: str = "colours",
    *,
    shared: bool = False,
    own_head: Head | None = None,
    **changes: Any,  # noqa: ANN401
) -> tuple[bytes, dict[str, bytes]]:
    """A model as `Library.install` takes it: the card and the files it names."""
    data = head_bytes(own_head or head())
    own = None if shared else backbone_card(name=f"{name}-backbone")
    card = write_card(model_card(name, backbone=own, head_data=data, **changes))
    return card, {HEAD_FILE: data} if shared else {HEAD_FILE: data, MODEL_FILE: backbone_bytes()}


def feature_bank(labels: Sequence[object] = (0, 1, 2)) -> FeatureBank:
    """The features of an image of each class, or of images with these labels."""
    images = np.stack([np.full((SIZE, SIZE, 3), SOLID[name], np.uint8) for name in CLASSES])
    return FeatureBank.of(
        features(backbone_bytes(), images), np.array(labels), [sha256(name.encode()) for name in CLASSES]
    )


def knowing_model(name: str = "knowing", *, shared: bool = True, **changes: Any) -> tuple[bytes, dict[str, bytes]]:  # noqa: ANN401
    """A model with features of its training images: what is not red, green or blue is unknown."""
    data = bank_bytes(feature_bank())
    rule = UnknownRule(FILE, sha256(data), bandwidth=0.02, bias=-5.0, similarity=50.0, confidence=0.1)
    sets = PredictionSets(0.9, (0.5, 0.5, 0.0))
    card, files = packaged_model(name, shared=shared, unknown=rule, sets=sets, **changes)
    return card, {**files, FILE: data}


def multi_label_model(
    name: str = "several",
    *,
    shared: bool = True,
    **changes: Any,  # noqa: ANN401
) -> tuple[bytes, dict[str, bytes]]:
    """A model by which a yellow image is red and green, and a grey or white one nothing."""
    several = LinearHead(head().weights * 4, np.full(len(CLASSES), -4, np.float32))
    return packaged_model(name, shared=shared, own_head=several, **{"thresholds": (0.5, 0.25, 0.9), **changes})


def write_backbone(shipped: Path, *, name: str = BACKBONE) -> BackboneCard:
    """Put the backbone into a folder of shipped models."""
    card = backbone_card(name=name)
    write_folder(shipped / name, write_card(card), {MODEL_FILE: backbone_bytes()})
    return card


def write_variant(shipped: Path, *, name: str = BACKBONE) -> BackboneCard:
    """Put the backbone with its variant in 8 bits into a folder of shipped models."""
    data, variant = int8_backbone()
    card = backbone_card(name=name, variants=(variant,))
    write_folder(shipped / name, write_card(card), {MODEL_FILE: backbone_bytes(), INT8_FILE: data})
    return card


def write_model(
    shipped: Path,
    *,
    name: str = "colours",
    shared: bool = True,
    **changes: Any,  # noqa: ANN401
) -> ModelCard:
    """Put a model into a folder of shipped models, with its shared backbone `tiny` or with a backbone of its own."""
    if shared:
        write_backbone(shipped)
    data, files = packaged_model(name, shared=shared, **changes)
    write_folder(shipped / name, data, files)
    own = None if shared else backbone_card(name=f"{name}-backbone")
    return model_card(name, backbone=own, **changes)


def make_library(place: Path, names: Sequence[str] = ("colours",)) -> Library:
    """A library under `place`: shipped are the backbone `tiny` and models over it; nothing is the person's own."""
    shipped = place / "shipped"
    for name in names:
        write_model(shipped, name=name)
    return Library(shipped, place / "own")


def write_folder(folder: Path, card: bytes, files: dict[str, bytes]) -> None:
    """Write a card and the files beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in {**files, CARD: card}.items():
        (folder / name).write_bytes(data)


def write_solid(path: Path, colour: str, *, size: tuple[int, int] = (48, 36)) -> Path:
    """Write an image filled with one of `SOLID` or `MIXED`; the file's suffix chooses its format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (SOLID | MIXED)[colour]).save(path)
    return path


def write_banner(path: Path, middle: str, sides: str) -> Path:
    """Write an image three times as wide as high, whose middle square is filled with another of `SOLID`."""
    image = Image.new("RGB", (120, 40), SOLID[sides])
    image.paste(SOLID[middle], (40, 0, 80, 40))
    image.save(path)
    return path


def sha256(data: bytes) -> str:
    """The sum a card carries."""
    return hashlib.sha256(data).hexdigest()


def write_labelled(folder: Path) -> Path:
    """Write two images of each class, no two alike, in a folder per class."""
    for colour in CLASSES:
        for number in range(2):
            write_solid(folder / colour / f"{number}.png", colour, size=(40 + number, 40))
    return folder


def install_two_versions(library: Library) -> None:
    """Install `mine@1`, which takes green for blue, and `mine@2`, which is right and was trained on two images."""
    weights = head().weights.copy()
    weights[:, 2] += weights[:, 1] * 2
    library.install(*packaged_model("mine", own_head=LinearHead(weights, head().bias)))
    library.install(*packaged_model("mine", title="Better"), trained_on=["0" * 64, "1" * 64])


def assert_same_head(found: Head, expected: Head) -> None:
    """Check that two heads have equal arrays."""
    arrays = head_arrays(found)
    assert list(arrays) == list(head_arrays(expected))
    for name, array in head_arrays(expected).items():
        np.testing.assert_array_equal(arrays[name], array)


def rewrite_card(folder: Path, **changes: object) -> None:
    """Change fields of a card on disk."""
    path = folder / CARD
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))
