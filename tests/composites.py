"""A backbone composed of the tiny one and of another, which reads half as many pixels."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.base.providers import ComputePrecision
from core.card import BackboneCard, BackboneVariant, Preprocessing, SharedBackbone, write_card
from core.engine import golden
from core.models.composite import compose
from tests import tiny

NAME: Final = "pair"
SMALL: Final = "small"
SMALL_SIZE: Final = tiny.SIZE // 2


def small_bytes() -> bytes:
    """The second part: other kernels, and an input of 16 pixels."""
    model = tiny.backbone_proto(tiny.kernels()[::-1].copy())
    for axis in model.graph.input[0].type.tensor_type.shape.dim[1:3]:
        axis.dim_value = SMALL_SIZE
    for axis in model.graph.output[1].type.tensor_type.shape.dim[2:]:
        axis.dim_value = SMALL_SIZE // 2
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def small_card() -> BackboneCard:
    """The card of the second part."""
    data = small_bytes()
    features = tiny.features(data, golden.golden_inputs(SMALL_SIZE))
    return tiny.backbone_card(
        data, name=SMALL, preprocessing=Preprocessing(SMALL_SIZE), golden_features=golden.encode_features(features)
    )


@functools.cache
def composite() -> tuple[bytes, BackboneCard]:
    """The file and the card of the composed backbone."""
    card = tiny.backbone_card(
        name=NAME, feature_width=2 * tiny.WIDTH, parts=tuple(map(_reference, (tiny.backbone_card(), small_card())))
    )
    return _finished(card, (tiny.backbone_bytes(), tiny.backbone_card()), (small_bytes(), small_card()))


@functools.cache
def int8_variant() -> BackboneVariant:
    """Its variant in 8 bits, of which only the first part has one."""
    data, variant = tiny.int8_backbone()
    first = tiny.backbone_card(variants=(variant,))
    _, card = _finished(composite()[1], (data, first.of_variant(variant)), (small_bytes(), small_card()))
    return BackboneVariant(
        ComputePrecision.INT8, tiny.INT8_FILE, card.sha256, card.golden_features, 0.99, "by the tests"
    )


def write(shipped: Path, **changes: Any) -> BackboneCard:  # noqa: ANN401
    """Put a card without a file into a folder of shipped models, and its parts: one shared, one inside a model."""
    tiny.write_variant(shipped)
    inside = tiny.model_card("whole", backbone=small_card())
    files = {tiny.MODEL_FILE: small_bytes(), tiny.HEAD_FILE: tiny.packaged_model()[1][tiny.HEAD_FILE]}
    tiny.write_folder(shipped / "whole", write_card(inside), files)
    card = replace(composite()[1], **changes)
    tiny.write_folder(shipped / card.name, write_card(card), {})
    return card


def expected(images: NDArray[np.uint8], halved: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The features of images [n, 32, 32, 3], given the same images in half the size."""
    parts = tiny.features(tiny.backbone_bytes(), images), tiny.features(small_bytes(), halved)
    return np.sqrt(np.hstack(parts))


def _reference(card: BackboneCard) -> SharedBackbone:
    return SharedBackbone(card.name, card.sha256)


def _finished(card: BackboneCard, *parts: tuple[bytes, BackboneCard]) -> tuple[bytes, BackboneCard]:
    data = compose(parts, card)
    golden_features = golden.encode_features(tiny.features(data, golden.golden_inputs(tiny.SIZE)))
    return data, replace(card, sha256=tiny.sha256(data), golden_features=golden_features)
