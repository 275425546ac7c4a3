"""Reading the installed backbone that a training starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.i18n import tr
from core.base.text import display_path
from core.card import BackboneCard, ResizeMode, read_card
from core.engine import graph
from core.engine.provider_selection import BackboneFiles
from core.models.files import REINSTALL, read_file
from core.models.installed import backbone_files, backbone_in, load_backbone
from core.models.library import NORMALISATION
from core.models.library_folders import CARD
from core.models.variants import open_file, run_file
from core.trainer.framework import keras
from core.trainer.onnx_to_keras import rebuild_keras
from core.training.networks import can_rebuild


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """An installed backbone.

    Attributes:
        card: its card.
        data: its ONNX file.
        normalisation: the normalization parameters folded into its kernels; None if they were not saved.
        files: its file and those of its variants.
    """

    card: BackboneCard
    data: bytes
    normalisation: bytes | None
    files: BackboneFiles

    def keras_model(self) -> keras.Model:
        """The same network in Keras, see `core.trainer.onnx_to_keras.rebuild_keras`."""
        return rebuild_keras(self.data, self.card, self.normalisation)

    def compute_features(self) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
        """What computes features [n, d] of images [n, size, size, 3]: Keras, or ONNX Runtime for other networks.

        Raises:
            ModelError: as `keras_model`.
        """
        if not can_rebuild(self.card):
            session = open_file(self.data)
            return lambda images: run_file(session, (graph.FEATURES,), images)[0]
        network = self.keras_model()
        return lambda images: np.asarray(network(images.astype(np.float32), training=False)[graph.FEATURES])


def read_backbone(folder: Path, fit: str = "") -> Backbone:
    """Read and check the backbone in a folder.

    Args:
        folder: the folder.
        fit: how images are made square; empty for that of the backbone.

    Raises:
        ModelError: it is missing, unsafe, or does not match its card.
    """
    card = read_card(read_file(folder / CARD))
    if not isinstance(card, BackboneCard):
        what = tr("“{folder}” contains a model, not a backbone.", folder=display_path(folder))
        raise ModelError(what, hint=tr(REINSTALL))
    installed, beside = backbone_in(folder, card).with_fit(ResizeMode(fit) if fit else None), folder / NORMALISATION
    normalisation = read_file(beside) if beside.exists() else None
    return Backbone(installed.card, load_backbone(installed), normalisation, backbone_files(installed))
