"""The variant of a built-in backbone in 8 bits: calibrated on photos without copyright, measured on others.

Quantization ranges and biases are calibrated on crops of the sample photos and of those in `calibration`, which are all
CC0 or in the public domain. On 32 of the labelled photos, which serve for nothing but measuring, Xception's features
have a mean cosine of 0.9874 to the exact ones; with the first convolution (0.2% of the work) in float32 0.9884,
with all depthwise ones 0.9883, and with the last four 0.9899, but those are 6%, and 9 MB more. Most of the loss comes
from the activations: with weights of 7 bits alone the cosine is 0.999, with 8 bits 0.9998.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.providers import ComputePrecision
from core.card import BackboneCard, BackboneVariant
from core.engine import golden, graph
from core.exporting.activation_observer import POWER, observe_activations
from core.exporting.int8 import OPERATORS, QuantizationKind, quantize
from core.images.decoding import decode
from core.images.preprocessing import Preprocessing, preprocess
from core.models.variants import Variant, backbone_variant, open_file, run_file
from core.models.weight_storage import Storage

FILE: Final = "int8.onnx"
XCEPTION_FLOAT32: Final = ("conv_4", "conv_14", "conv_23")
"""Xception's first convolution and its first two shortcuts: small, and more sensitive than others."""
_HERE: Final = Path(__file__).resolve().parent
SOURCES: Final = (_HERE.parent / "gui" / "samples", _HERE / "calibration")
CROPS: Final = 60
_LEAST_AREA: Final = 0.15
_BATCH: Final = 8


def int8_file(data: bytes, card: BackboneCard, float32: Collection[str]) -> bytes:
    """Quantize a backbone.

    Args:
        data: the backbone's file.
        card: its card.
        float32: the names of convolutions that stay in float32.
    """
    model = graph.parse(backbone_variant(Variant(data, card), Storage.FLOAT32).data)
    stats = observe_activations(model, calibration_crops(card.preprocessing), OPERATORS)
    quantized = quantize(model, stats, QuantizationKind.U8S8, float32)
    graph.check_backbone(quantized, card)
    return quantized


def describe(exact: bytes, quantized: bytes, card: BackboneCard, photos: NDArray[np.uint8]) -> BackboneVariant:
    """The entry in a backbone's card, measured on photos uint8 [n, size, size, 3]."""
    expected, found = (_features(data, photos) for data in (exact, quantized))
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    cosine = float(((expected * found).sum(axis=1) / norms).mean())
    own = golden.encode_features(_features(quantized, golden.golden_inputs(card.preprocessing.size)))
    sha256 = hashlib.sha256(quantized).hexdigest()
    return BackboneVariant(ComputePrecision.INT8, FILE, sha256, own, round(cosine, 5), method(len(photos)))


def method(photos: int) -> str:
    """How the variant was made, and on how many photos it was measured."""
    return (
        f"static int8 (QDQ, {QuantizationKind.U8S8}, 7-bit weights per channel): ranges minimize |error| ** {POWER} on "
        f"{CROPS} crops of photos that are CC0 or in the public domain, biases corrected; sums, pooling and a few "
        f"small convolutions in float32; cosine measured on {photos} other photos"
    )


def calibration_crops(plan: Preprocessing) -> Iterator[NDArray[np.uint8]]:
    """Yield preprocessed crops uint8 [size, size, 3] of the photos for calibration, the same every time."""
    rng = np.random.default_rng(0)
    photos = [decode(path) for folder in SOURCES for path in sorted(folder.glob("*.jpg"))]
    yield from (preprocess(photo, plan) for photo in photos)
    for number in range(CROPS - len(photos)):
        photo = photos[number % len(photos)]
        side = np.sqrt(rng.uniform(_LEAST_AREA, 1))
        height, width = (max(1, int(length * side)) for length in photo.shape[:2])
        lengths = zip(photo.shape[:2], (height, width), strict=True)
        top, left = (int(rng.integers(0, whole - part + 1)) for whole, part in lengths)
        crop = photo[top : top + height, left : left + width]
        yield preprocess(np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop), plan)


def _features(data: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = open_file(data)
    parts = (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
    return np.concatenate([run_file(session, (graph.FEATURES,), part)[0] for part in parts])
