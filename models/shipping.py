"""The files of the built-in models: exported, compared with Keras, and described by their cards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import int8_variant
import numpy as np
from numpy.typing import NDArray

from core.base.storage import write_atomically
from core.card import BackboneCard, HeadReference, ModelCard, read_card, write_card
from core.engine import golden
from core.images.decoding import decode
from core.images.preprocessing import Preprocessing, preprocess
from core.models.heads import LinearHead, head_bytes, read_head

COMMAND: Final = "uv run --extra train python models/build.py"
BACKBONE, HEAD, CARD = "backbone.onnx", "head.npz", "card.json"
LEAST_COSINE: Final = 0.9999
_BATCH: Final = 8


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are: folders of the models, of the wheels (None: the program's cache), of the labelled photos."""

    models: Path
    wheels: Path | None
    photos: Path


def write_backbone(
    model: Any,
    folder: Path,
    places: Places,
    *,
    float16: Any = None,
    change: Callable[[bytes], bytes] = bytes,
    expected: Any = None,
    least_cosine: float = LEAST_COSINE,
    **fields: Any,
) -> BackboneCard:
    """Export a Keras backbone, prove the file right, and describe it.

    Args:
        model: the network.
        folder: of the files.
        places: for the photos to compare.
        float16: which kernels are stored as float16, a `Float16Policy`; None for everything.
        change: changes how the exported file stores its weights.
        expected: the network that the file is compared with; None for `model`.
        least_cosine: the lowest acceptable cosine between the features of the file and of the network.
        fields: of the card.
    """
    from parity import parity

    from core.trainer.export import backbone_bytes, exported_backbone_card
    from core.trainer.float16_storage import Float16Policy

    file = folder / BACKBONE
    file.parent.mkdir(exist_ok=True)
    data = change(backbone_bytes(model, float16 or Float16Policy.EVERYTHING))
    write_atomically(file, data)
    plan = fields["preprocessing"]
    images = golden.golden_inputs(plan.size)
    paths = labelled_photos(places.photos)[::6]
    if paths:
        images = np.concatenate([images, read_pixels(paths, plan)])
    found = parity(expected or model, file, images, _BATCH)
    print(f"{folder.name}: {found}")
    if found.least_cosine < least_cosine:
        raise SystemExit(f"{file} differs from Keras: cosine {found.least_cosine}, at least {least_cosine} is asked.")
    return exported_backbone_card(model, data, **fields)


def with_int8(folder: Path, card: BackboneCard, photos: Path, float32: Collection[str]) -> BackboneCard:
    """Write the variant of a backbone in 8 bits beside it, and return the backbone's card with it.

    Args:
        folder: of the backbone.
        card: its card.
        photos: the folder of the labelled photos, on which the variant is measured.
        float32: as for `int8_file`.
    """
    data = (folder / card.file).read_bytes()
    quantized = int8_variant.int8_file(data, card, float32)
    write_atomically(folder / int8_variant.FILE, quantized)
    pixels = read_pixels(labelled_photos(photos), card.preprocessing)
    variant = int8_variant.describe(data, quantized, card, pixels, int8_variant.FILE, int8_variant.METHOD)
    print(f"{folder.name}: {variant.precision}, cosine {variant.cosine}")
    return replace(card, variants=(variant,))


def write_head(folder: Path, head: LinearHead) -> HeadReference:
    """Write a head into a model's folder, and return its entry in the card."""
    data = head_bytes(head)
    read_head(data)
    write_atomically(folder / HEAD, data)
    return HeadReference(HEAD, hashlib.sha256(data).hexdigest())


def write_model_card(folder: Path, card: BackboneCard | ModelCard) -> None:
    """Write a card, and print the size of all files in its folder."""
    data = write_card(card)
    read_card(data)
    write_atomically(folder / CARD, data)
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder.name}: {total:,} bytes")


def labelled_photos(folder: Path) -> list[Path]:
    """The labelled photos <folder>/<class>/<file>, always in the same order."""
    return sorted(path for path in folder.glob("*/*") if path.is_file())


def read_pixels(paths: list[Path], plan: Preprocessing) -> NDArray[np.uint8]:
    """The photos as a backbone's input uint8 [n, size, size, 3]."""
    return np.stack([preprocess(decode(path, min_side=plan.min_decode_side), plan) for path in paths])
