"""A model that 8 bits ruin: it reads small differences beside large numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from core.card import write_card
from core.engine import golden
from core.models.heads import LinearHead, head_bytes
from core.models.library import Library
from core.models.values import InstalledModel
from tests import tiny

CLASSES = ("dim", "bright")
_LOUD = 300.0
"""How much more green counts than red in the first feature."""


def install(library: Library) -> InstalledModel:
    """Add the model `fragile`: how red an image is, told from a sum in which its green is 300 times as loud."""
    kernels = np.zeros((tiny.WIDTH, 3, 3, 3), np.float32)
    kernels[0, :, 1, 1] = 1, _LOUD, 0
    kernels[1, 1, 1, 1] = 1
    data: bytes = tiny.backbone_proto(kernels / 255).SerializeToString(deterministic=True)
    weights = np.zeros((tiny.WIDTH, 2), np.float32)
    weights[:2, 1] = 64, -64 * _LOUD
    head = head_bytes(LinearHead(weights, np.array([0, -64 * 0.2], np.float32)))
    features = golden.encode_features(tiny.features(data, golden.golden_inputs(tiny.SIZE)))
    backbone = tiny.backbone_card(data, name="fragile-backbone", golden_features=features)
    card = tiny.model_card("fragile", backbone=backbone, head_data=head, classes=CLASSES)
    return library.install(write_card(card), {tiny.MODEL_FILE: data, tiny.HEAD_FILE: head})


def write_images(folder: Path, count: int) -> Path:
    """Write `count` images of each class as folder/class/number.png: 10 or 30 percent red, any green in blots."""
    draw = np.random.default_rng(0)
    for label, red in zip(CLASSES, (26, 76), strict=True):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = np.full((tiny.SIZE, tiny.SIZE, 3), (red, 0, 0), np.uint8)
            pixels[..., 1] = np.kron(draw.integers(0, 2, (8, 8)) * 255, np.ones((4, 4)))
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder
