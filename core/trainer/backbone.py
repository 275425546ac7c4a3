"""The backbone that a job names, as it is installed: what the trainer begins with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.base.errors import ModelError
from core.card import BackboneCard, read_card
from core.models.files import REINSTALL, read_file
from core.models.installed import InstalledBackbone, load_backbone
from core.models.library import CARD
from core.trainer.framework import keras
from core.trainer.onnx_to_keras import rebuild_keras

NORMALISATION: Final = "normalisation.npz"
"""What `core.trainer.onnx_to_keras.normalisation_bytes` wrote, beside the backbone's file."""


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """An installed backbone.

    Attributes:
        card: what it is.
        data: its ONNX file.
        normalisation: what was folded into its kernels; None where that was not kept.
    """

    card: BackboneCard
    data: bytes
    normalisation: bytes | None

    def keras_model(self) -> keras.Model:
        """The same network in Keras, see `core.trainer.onnx_to_keras.keras_twin`."""
        return rebuild_keras(self.data, self.card, self.normalisation)


def read_backbone(folder: Path) -> Backbone:
    """The backbone in a folder, each file checked.

    Raises:
        ModelError: there is none, it is unsafe, or it is not what its card says.
    """
    card = read_card(read_file(folder / CARD))
    if not isinstance(card, BackboneCard):
        raise ModelError(f"{str(folder)!r} holds a model, not a backbone.", hint=REINSTALL)
    data = load_backbone(InstalledBackbone(card, folder))
    beside = folder / NORMALISATION
    return Backbone(card, data, read_file(beside) if beside.exists() else None)
