"""The built-in Xception, declared to read small images: its real weights at a sixteenth of the work."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

import onnx

from core.card import BackboneCard, read_card, write_card
from core.engine import golden
from core.models.library_folders import CARD
from core.training.backbones import BACKBONE, JOINED
from tests import tiny

SIZE: Final = 75
"""The smallest side at which strides and padding behave as at 299 pixels."""


def write(folder: Path, shipped: Path) -> None:
    """Write the small backbone into a folder, from the one that is shipped."""
    card = _card_in(shipped)
    data = _small(shipped / card.file)
    own = replace(
        card,
        sha256=tiny.sha256(data),
        preprocessing=replace(card.preprocessing, size=SIZE),
        golden_features=_golden(data),
    )
    normalisation = (shipped / "normalisation.npz").read_bytes()
    tiny.write_folder(folder, write_card(own), {card.file: data, "normalisation.npz": normalisation})


def write_with_int8(folder: Path, shipped: Path) -> None:
    """Write it with its variant in 8 bits."""
    write(folder, shipped)
    card = _card_in(folder)
    (variant,) = card.variants
    data = _small(shipped / variant.file)
    variant = replace(variant, sha256=tiny.sha256(data), golden_features=_golden(data))
    tiny.write_folder(folder, write_card(replace(card, variants=(variant,))), {variant.file: data})


def _card_in(folder: Path) -> BackboneCard:
    card = read_card((folder / CARD).read_bytes())
    assert isinstance(card, BackboneCard)
    return card


def _small(file: Path) -> bytes:
    model = onnx.load(file)
    for info in (*model.graph.input, *model.graph.output):
        axes = info.type.tensor_type.shape.dim
        for axis in axes[1:3] if len(axes) == 4 else ():
            axis.dim_value = {299: SIZE, 10: 3}[axis.dim_value]
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _golden(data: bytes) -> str:
    return golden.encode_features(tiny.features(data, golden.golden_inputs(SIZE)))


def use(home: Path, folder: Path) -> None:
    """Make the program train on the backbone in a folder: the user's own models go before the built-in ones."""
    card = read_card((folder / CARD).read_bytes())
    for name in (BACKBONE, JOINED):
        place = home / "models" / name
        shutil.copytree(folder, place / "1")
        (place / "1" / CARD).write_bytes(write_card(replace(card, name=name)))
        (place / "active").write_text("1")
