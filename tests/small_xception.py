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
    card = read_card((shipped / "card.json").read_bytes())
    assert isinstance(card, BackboneCard)
    model = onnx.load(shipped / card.file)
    for info in (*model.graph.input, *model.graph.output):
        axes = info.type.tensor_type.shape.dim
        for axis in axes[1:3] if len(axes) == 4 else ():
            axis.dim_value = {299: SIZE, 10: 3}[axis.dim_value]
    data = model.SerializeToString(deterministic=True)
    own = replace(
        card,
        sha256=tiny.sha256(data),
        preprocessing=replace(card.preprocessing, size=SIZE),
        golden_features=golden.encode_features(tiny.features(data, golden.golden_inputs(SIZE))),
    )
    normalisation = (shipped / "normalisation.npz").read_bytes()
    tiny.write_folder(folder, write_card(own), {card.file: data, "normalisation.npz": normalisation})


def use(home: Path, folder: Path) -> None:
    """Make the program train on the backbone in a folder: the user's own models go before the built-in ones."""
    card = read_card((folder / CARD).read_bytes())
    for name in (BACKBONE, JOINED):
        place = home / "models" / name
        shutil.copytree(folder, place / "1")
        (place / "1" / CARD).write_bytes(write_card(replace(card, name=name)))
        (place / "active").write_text("1")
